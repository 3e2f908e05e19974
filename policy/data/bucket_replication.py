"""Replication of buckets that leaves out what nobody decided."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each


def problems(one: Resource) -> Iterator[str]:
    for rule in one.parts("rules"):
        # Version 1 of a rule (without a filter) copies deletions, version 2 does not.
        if not rule.get("deleteMarkerReplication.status"):
            yield (
                f"rule {rule.get('id', '')!r} does not say whether deletions are copied, and S3 then copies none or "
                "all by the rule's version: set deleteMarkerReplication.status to Enabled or Disabled"
            )


POLICY = each(
    "bucket-replication-undecided",
    Severity.MEDIUM,
    "A copy of a bucket decides whether deletions are copied (K46; S3 user guide, replicating delete markers). What "
    "was there before needs Batch Replication, which no graph shows.",
    {"aws:s3/bucketReplicationConfig:BucketReplicationConfig": problems},
)
