"""Buckets and accounts with backups in which a new object overwrites the old one for good."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, together

_BUCKET = "aws:s3/bucket:Bucket"
_VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
_CONTAINER = "azure-native:storage:BlobContainer"
_SERVICE = "azure-native:storage:BlobServiceProperties"
_GOOGLES = "gcp:storage/bucket:Bucket"
_WORDS = ("backup", "dump", "archive")


def problems(found: Sequence[Resource]) -> Iterator[str]:
    kept = {
        one.get("bucket")
        for one in found
        if one.type == _VERSIONING and one.get("versioningConfiguration.status") == "Enabled"
    }
    services = {one.get("accountName"): one for one in found if one.type == _SERVICE}
    for one in found:
        bucket, container = one.get("bucket", one.get("id", "")), one.get("containerName", "")
        ways = [one.get("versioning", {}), *one.get("versionings", [])]  # the second is pulumi-aws 6's BucketV2
        keeps = any(way.get("enabled") is True for way in ways) or kept & {bucket, one.get("id")}
        if one.type == _BUCKET and is_backup(f"{one.name} {bucket}") and not keeps:
            yield (
                f"{one.name}: bucket {bucket} holds backups and keeps no versions, so whoever may write one may "
                "destroy it: add a BucketVersioning with status Enabled"
            )
        if one.type == _GOOGLES and is_backup(f"{one.name} {one.get('name', '')}"):
            yield from _googles(one)
        if one.type == _CONTAINER and is_backup(container):
            yield from _account(one, services.get(one.get("accountName")))


def _googles(one: Resource) -> Iterator[str]:
    if one.get("versioning.enabled") is not True and not one.get("retentionPolicy.retentionPeriod"):
        yield (
            f"{one.name}: bucket {one.get('name')} holds backups and keeps no versions, so whoever may write one may "
            "destroy it: set versioning.enabled"
        )
    if one.get("softDeletePolicy.retentionDurationSeconds", 604800) == 0:
        yield (
            f"{one.name}: bucket {one.get('name')} holds backups and has no soft delete, so who deletes a version "
            "deletes it for good: take softDeletePolicy out, which is then 7 days, or set 604800 or more"
        )


def _account(one: Resource, service: Resource | None) -> Iterator[str]:
    lacking = [
        what
        for what, path in (("versioning", "isVersioningEnabled"), ("soft delete", "deleteRetentionPolicy.enabled"))
        if service is None or service.get(path) is not True
    ]
    if lacking:
        yield (
            f"{one.name}: container {one.get('containerName')} holds backups, and account {one.get('accountName')} "
            f"has no {' and no '.join(lacking)}, so whoever may write one may destroy it: set isVersioningEnabled and "
            "deleteRetentionPolicy of its BlobServiceProperties"
        )


def is_backup(name: str) -> bool:
    return any(word in name.lower() for word in _WORDS)


POLICY = together(
    "backup-overwritable",
    Severity.HIGH,
    "Where backups rest, what is overwritten or deleted can be brought back (K21; Security Hub S3.14; Azure, soft "
    "delete and versioning for blobs). Told by the words backup, dump and archive in a name.",
    {
        _BUCKET: ("bucket", "id", "versioning", "versionings"),
        _VERSIONING: ("bucket", "versioningConfiguration"),
        _GOOGLES: ("name", "versioning", "retentionPolicy", "softDeletePolicy"),
        _CONTAINER: ("accountName", "containerName"),
        _SERVICE: ("accountName", "isVersioningEnabled", "deleteRetentionPolicy"),
    },
    problems,
)
