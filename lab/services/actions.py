"""Which IAM action on which resource a request needs, read from the request alone.

The mapping follows the Service Authorization Reference for what guests do; an operation without a row needs an action
that only a policy with `*` grants, so that nothing is allowed by oversight.
"""

import json
import urllib.parse
from dataclasses import dataclass

from lab.services.credentials import ACCOUNT
from lab.services.signature import Request, endpoint

# Sub-resources of a bucket or object that have a permission of their own (name in the query).
_BUCKET_GET = {
    "versioning": "GetBucketVersioning",
    "location": "GetBucketLocation",
    "policy": "GetBucketPolicy",
    "encryption": "GetEncryptionConfiguration",
    "tagging": "GetBucketTagging",
    "versions": "ListBucketVersions",
    "uploads": "ListBucketMultipartUploads",
}
_OBJECT = {
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("GET", "acl"): "GetObjectAcl",
    ("PUT", "acl"): "PutObjectAcl",
    ("PUT", "retention"): "PutObjectRetention",
    ("PUT", "legal-hold"): "PutObjectLegalHold",
    ("POST", "uploads"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("PUT", "uploadId"): "PutObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}


@dataclass(frozen=True)
class Need:
    """One permission."""

    action: str
    resource: str
    bucket: str = ""
    """Set for a read of one object: AWS hides that it does not exist from callers without ListBucket."""
    prefix: str | None = None
    """`s3:prefix`, for ListBucket."""


def bucket_and_key(request: Request) -> tuple[str, str]:
    """Bucket and decoded key, from a virtual-hosted or a path-style request; empty when there is none."""
    labels = request.host.removesuffix(".amazonaws.com").split(".")
    before = labels[: len(labels) - 1 - labels[::-1].index("s3")]
    path = urllib.parse.unquote(request.path).removeprefix("/")
    if before:
        return ".".join(before), path
    bucket, _, key = path.partition("/")
    return bucket, key


def needed(request: Request) -> Need:
    """What the caller must be allowed."""
    service, region = endpoint(request.host)
    if service == "s3":
        return _s3(request)
    target = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if service in ("sts", "ec2"):
        form = dict(urllib.parse.parse_qsl(request.body.decode(errors="replace")))
        return Need(f"{service}:{form.get('Action', 'Unknown')}", "*")
    try:
        given = json.loads(request.body or b"{}")
    except ValueError:
        given = {}
    if service == "secretsmanager":
        return Need(f"secretsmanager:{target or 'Unknown'}", str(given.get("SecretId") or "*"))
    if service == "ssm":
        name = str(given.get("Name") or (given.get("Names") or ["*"])[0])
        resource = name if name.startswith("arn:") else f"arn:aws:ssm:{region}:{ACCOUNT}:parameter/{name.lstrip('/')}"
        return Need(f"ssm:{target or 'Unknown'}", resource)
    return Need(f"{service}:{target or 'Unknown'}", "*")


def _s3(request: Request) -> Need:
    bucket, key = bucket_and_key(request)
    query = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
    method = request.method
    if not bucket:
        return Need("s3:ListAllMyBuckets", "*")
    arn = f"arn:aws:s3:::{bucket}"
    if not key:
        sub = next((name for name in _BUCKET_GET if name in query), "")
        if method == "GET" and sub:
            return Need(f"s3:{_BUCKET_GET[sub]}", arn)
        if method == "HEAD" or (method == "GET" and set(query) <= _LISTING):
            return Need("s3:ListBucket", arn, prefix=query.get("prefix", ""))
        if method == "POST" and "delete" in query:
            return Need("s3:DeleteObject", f"{arn}/*")
        return Need(f"s3:Unmapped{method.title()}Bucket", arn)
    path = f"{arn}/{key}"
    for (verb, sub), action in _OBJECT.items():
        if verb == method and sub in query:
            return Need(f"s3:{action}", path)
    version = "Version" if "versionId" in query else ""
    if method in ("GET", "HEAD"):
        return Need(f"s3:GetObject{version}", path, bucket=arn)
    if method == "PUT":
        return Need("s3:PutObject", path)
    if method == "DELETE":
        return Need(f"s3:DeleteObject{version}", path)
    return Need(f"s3:Unmapped{method.title()}Object", path)


_LISTING = {
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "marker",
    "start-after",
    "continuation-token",
    "encoding-type",
    "fetch-owner",
}
