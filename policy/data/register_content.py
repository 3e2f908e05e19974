"""Documents that say who may write, and that a program writes itself."""

import json
from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each

_SAYS = {"epoch", "site"}
"""What such a document has (ADR 44)."""


def _object(one: Resource) -> Iterator[str]:
    content = one.if_known("content")
    if isinstance(content, str) and _keys(content) >= _SAYS:
        yield (
            "its content says which site writes in which epoch, so the `up` after a failover makes the old site the "
            "writer again beside the new one: keep the bucket in the program, and leave the object to who moves the "
            "writer"
        )


def _keys(text: str) -> set[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return set()
    return set(found) if isinstance(found, dict) else set()


POLICY = each(
    "register-written-by-program",
    Severity.CRITICAL,
    "Who may write is swapped by whoever moves the writer, on the word of two of three, and no `up` undoes it (K18; "
    "Amazon S3 user guide, conditional writes).",
    {
        "aws:s3/bucketObject:BucketObject": _object,
        "aws:s3/bucketObjectv2:BucketObjectv2": _object,
        "gcp:storage/bucketObject:BucketObject": _object,
    },
)
