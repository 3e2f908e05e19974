"""Where cloud hosts find their payload and documents."""

import base64
import json
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..payload import payload, payload_sha256


class GuestStoreArgs(TypedDict):
    """Arguments of GuestStore."""

    region: str
    """AWS region of the bucket, for instance ap-northeast-2."""

    roles: NotRequired[list[str]]
    """Guest roles of the machines that look here; each is packed alone. Defaults to gateway and database."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class GuestStore(pulumi.ComponentResource):
    """A private, versioned bucket with the guest payload; hosts read their own documents there with their own role.

    Creates in every mode: bucket, public-access block, versioning, TLS-only policy, a payload per role. The bucket
    holds nothing that `pulumi up` does not write again, so it is deleted with its content.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket."""

    region: str
    """Region of the bucket."""

    payload_keys: dict[str, str]
    """Role → key of its payload; named by the payload's SHA-256."""

    def __init__(self, name: str, args: GuestStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        digests = {role: payload_sha256(role) for role in args.get("roles", ["gateway", "database"])}
        super().__init__("twinsite:index:GuestStore", name, {"payload_sha256": digests}, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = args.get("tags", {})
        self.region = args["region"]
        self.payload_keys = {role: f"payload/{digest}.tar.gz" for role, digest in digests.items()}
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
        aws.s3.BucketPolicy(
            f"{name}-guests",
            bucket=bucket.bucket,
            region=self.region,
            policy=bucket.arn.apply(_tls_only),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        packed = [
            aws.s3.BucketObjectv2(
                f"{name}-payload-{role}",
                bucket=bucket.bucket,
                region=self.region,
                key=key,
                content_base64=base64.b64encode(payload(role)).decode(),
                content_type="application/gzip",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
            ).id
            for role, key in self.payload_keys.items()
        ]
        # Whoever uses the bucket's name waits for the payloads to be in it.
        self.bucket = pulumi.Output.all(bucket.bucket, *packed).apply(lambda found: str(found[0]))
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
