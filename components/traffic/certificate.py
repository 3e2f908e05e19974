"""A certificate for one name at CloudFront's edges, proven by DNS."""

from typing import NotRequired, TypedDict

import pulumi


class EdgeCertificateArgs(TypedDict):
    """Arguments of EdgeCertificate."""

    fqdn: str
    """The one name that it certifies; no wildcard."""

    zone_id: pulumi.Input[str]
    """Public hosted zone that answers for it."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class EdgeCertificate(pulumi.ComponentResource):
    """A certificate in us-east-1, where CloudFront looks for it, its DNS record, and the wait until it is issued.

    The same in every mode: a new certificate needs AWS's control planes, so it is there before the event.
    """

    arn: pulumi.Output[str]
    """Of the issued certificate."""

    def __init__(self, name: str, args: EdgeCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise NotImplementedError("arguments first; the body follows")
