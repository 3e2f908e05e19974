"""Buckets and containers that answer everyone."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each

_FIX = "take it back; what the public shall read is served through a distribution, from an account of its own"


def _block(one: Resource) -> Iterator[str]:
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    lacking = [name for name in names if one.get(name) is not True]
    if lacking:
        yield f"{', '.join(lacking)} not set, so one wrong ACL or policy publishes the bucket: set all four to true"


def _acl(one: Resource) -> Iterator[str]:
    acl = one.get("acl", "")
    if str(acl).startswith("public-") or acl == "authenticated-read":
        yield f"acl is {acl}, so everyone may read it: {_FIX}"


def _bucket_policy(one: Resource) -> Iterator[str]:
    found = one.document("policy")
    several = isinstance(found.get("Statement", []), list)
    for statement in found.parts("Statement") if several else [found.part("Statement")]:
        who, ours = statement.get("Principal"), statement.get("Principal.AWS", [])
        everyone = "*" in (who, ours) or (isinstance(ours, list) and "*" in ours)
        if statement.get("Effect") == "Allow" and everyone and not statement.get("Condition"):
            yield f"its policy allows {statement.get('Action')} to everyone: {_FIX}"


def _account(one: Resource) -> Iterator[str]:
    if one.get("allowBlobPublicAccess") is True:
        yield "allowBlobPublicAccess is true, so one wrong setting of a container publishes it: set it to false"
    if one.get("enableHttpsTrafficOnly") is False:
        yield "enableHttpsTrafficOnly is false, so what is fetched travels in clear: set it to true"


def _container(one: Resource) -> Iterator[str]:
    access = one.get("publicAccess", "None")
    if access != "None":
        yield f"publicAccess is {access}, so everyone may read it without a key: set it to None"


def _granted(one: Resource) -> Iterator[str]:
    for member in (one.get("member"), *one.get("members", [])):
        if member in ("allUsers", "allAuthenticatedUsers"):
            yield f"{one.get('role')} is granted to {member}, so everyone may have it: {_FIX}"


POLICY = each(
    "storage-public",
    Severity.CRITICAL,
    "Buckets and containers answer nobody without credentials: a dump is the whole database (K26; Security Hub S3.1, "
    "S3.8; Azure, prevent anonymous read access).",
    {
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _block,
        "aws:s3/bucket:Bucket": _acl,
        "aws:s3/bucketAcl:BucketAcl": _acl,
        "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
        "azure-native:storage:StorageAccount": _account,
        "azure-native:storage:BlobContainer": _container,
        "gcp:storage/bucketIAMMember:BucketIAMMember": _granted,
        "gcp:storage/bucketIAMBinding:BucketIAMBinding": _granted,
    },
)
