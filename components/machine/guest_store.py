"""Where cloud hosts find their payload and documents."""

import base64
import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..payload import payload, payload_sha256
from ..rules.hosts import GuestStoreIntent

KEPT_DAYS = 30
"""Former versions of documents and payloads, and the last status of a host that is no more, go after so long."""
_LIFECYCLE: Any = [
    {
        "id": "former-versions",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrent_version_expiration": {"noncurrent_days": KEPT_DAYS},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
    },
    # Every agent renews its own each day.
    {"id": "old-status", "status": "Enabled", "filter": {"prefix": "status/"}, "expiration": {"days": KEPT_DAYS}},
    # A rule of its own: beside days in one rule S3 takes no such flag.
    {
        "id": "what-expiry-leaves",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"expired_object_delete_marker": True},
    },
]


class GuestStoreArgs(TypedDict):
    """Arguments of GuestStore."""

    region: str
    """AWS region of the bucket, for instance ap-northeast-2."""

    roles: NotRequired[list[str]]
    """Guest roles of the machines that look here; each is packed alone. Defaults to gateway and database."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class GuestStoreHandle(TypedDict):
    """What hosts read of a GuestStore."""

    bucket: pulumi.Input[str]
    """Name of the bucket."""

    region: str
    """Region of the bucket."""

    payload_keys: Mapping[str, pulumi.Input[str]]
    """Role -> key of its payload, known once the payload is there."""


class GuestStore(Component):
    """A private, versioned bucket with the guest payload; hosts read their own documents there with their own role.

    Creates in every mode: bucket, public-access block, versioning, lifecycle, TLS-only policy, a payload per role. The
    bucket holds nothing that `pulumi up` does not write again, so it is deleted with its content.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket. It waits for no payload: another one would make it unknown in a preview, and with it whatever
    is made of it, a machine's user data included."""

    region: str
    """Region of the bucket."""

    payload_keys: dict[str, pulumi.Output[str]]
    """Role → key of its payload, known once the payload is there; named by the payload's SHA-256."""

    def __init__(self, name: str, args: GuestStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = GuestStoreIntent.of(args)
        super().__init__("GuestStore", name, known, opts)
        digests = {role: payload_sha256(role) for role in known.roles}
        child = pulumi.ResourceOptions(parent=self)
        tags = args.get("tags", {})
        self.region = args["region"]
        bucket = aws.s3.Bucket(f"{name}-guests", force_destroy=True, region=self.region, tags=tags, opts=child)
        block = aws.s3.BucketPublicAccessBlock(
            f"{name}-guests",
            bucket=bucket.bucket,
            region=self.region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-guests",
            bucket=bucket.bucket,
            region=self.region,
            versioning_configuration={"status": "Enabled"},
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-guests",
            bucket=bucket.bucket,
            region=self.region,
            rules=_LIFECYCLE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        aws.s3.BucketPolicy(
            f"{name}-guests",
            bucket=bucket.bucket,
            region=self.region,
            policy=bucket.arn.apply(_tls_only),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        self.payload_keys = {}
        for role, digest in digests.items():
            key = f"payload/{digest}.tar.gz"
            packed = aws.s3.BucketObjectv2(
                f"{name}-payload-{role}",
                bucket=bucket.bucket,
                region=self.region,
                key=key,
                content_base64=base64.b64encode(payload(role)).decode(),
                content_type="application/gzip",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
            )
            # By its URN, which a preview knows.
            self.payload_keys[role] = pulumi.Output.all(key, packed.urn).apply(lambda known: str(known[0]))
        self.bucket = bucket.bucket
        # Not declared above: no output. For whoever takes this component.
        self.handle: GuestStoreHandle = {
            "bucket": self.bucket,
            "region": self.region,
            "payload_keys": self.payload_keys,
        }
        self.register_outputs({"bucket": self.bucket, "payload_keys": self.payload_keys})


def _tls_only(arn: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OnlyTls",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    )
