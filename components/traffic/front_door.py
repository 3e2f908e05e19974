"""The front of the standby application: CloudFront before a machine outside AWS."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from ..component import Component
from ..rules.pages import FrontDoorIntent
from .distribution import ALL_VIEWER_EXCEPT_HOST, behaviour, create, https_origin
from .edge_certificate import EdgeCertificate

ORIGIN = "standby"
SECRET_LENGTH = 48

ORIGIN_HEADER = "X-Twinsite-Origin"
"""Header that carries the origin's secret; the standby's machine answers 403 without it."""


class FrontDoorArgs(TypedDict):
    """Arguments of FrontDoor."""

    fqdn: str
    """Name under which users see the application, for instance dr.example.com: the one alias of its distribution."""

    zone_id: pulumi.Input[str]
    """Public hosted zone of that name; the certificate is proven there."""

    origin_host: str
    """Name of the standby machine, for instance shopdr.koreacentral.cloudapp.azure.com. No address, and not fqdn."""

    origin_certificate_names: list[str]
    """Names in the certificate that the machine serves. One must cover origin_host, or CloudFront answers 502."""

    origin_port: NotRequired[int]
    """HTTPS port of the machine. Defaults to 443."""

    secret_generation: NotRequired[int]
    """Raise by 1 to make a new origin secret. Defaults to 1."""

    price_class: NotRequired[str]
    """Which of CloudFront's edges serve it. Defaults to PriceClass_200 (includes Asia)."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class FrontDoor(Component):
    """A CloudFront distribution before the standby machine: all methods, nothing cached, the origin locked by a secret.

    The same in every mode, also while the machine does not exist (then it answers 502 or 504, which no check takes for
    healthy). The origin sees its own name as Host and the users' in X-Forwarded-Host.
    """

    distribution_domain: pulumi.Output[str]
    """d….cloudfront.net: what a record leads to, and what its check asks."""
    distribution_zone_id: pulumi.Output[str]
    origin_secret: pulumi.Output[str]
    """Secret: value of header X-Twinsite-Origin. Put it in the standby's vault for the machine."""
    certificate_arn: pulumi.Output[str]

    def __init__(self, name: str, args: FrontDoorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = FrontDoorIntent.of(args)
        super().__init__("FrontDoor", name, known, opts)
        fqdn, port = known.fqdn, known.origin_port
        child = pulumi.ResourceOptions(parent=self)
        tags = args.get("tags", {})
        secret = random.RandomPassword(
            f"{name}-origin-secret",
            length=SECRET_LENGTH,
            special=False,
            keepers={"generation": str(known.secret_generation)},
            opts=child,
        )
        self.origin_secret = pulumi.Output.secret(secret.result)
        certificate = EdgeCertificate(name, {"fqdn": fqdn, "zone_id": args["zone_id"], "tags": tags}, child)
        distribution = create(
            name,
            fqdn,
            certificate.arn,
            aws.cloudfront.DistributionOriginArgs(
                origin_id=ORIGIN,
                domain_name=args["origin_host"],
                custom_origin_config=https_origin(port),
                # While the machine does not exist the edge must say so sooner than a checker gives up (4 + 2 s).
                connection_attempts=1,
                connection_timeout=4,
                custom_headers=[
                    aws.cloudfront.DistributionOriginCustomHeaderArgs(name=ORIGIN_HEADER, value=self.origin_secret),
                    aws.cloudfront.DistributionOriginCustomHeaderArgs(name="X-Forwarded-Host", value=fqdn),
                ],
            ),
            behaviour(ORIGIN, origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST),
            [],
            known.price_class,
            tags,
            child,
        )
        self.distribution_domain = distribution.domain_name
        self.distribution_zone_id = distribution.hosted_zone_id
        self.certificate_arn = certificate.arn
        self.register_outputs(
            {
                "distribution_domain": self.distribution_domain,
                "distribution_zone_id": self.distribution_zone_id,
                "origin_secret": self.origin_secret,
                "certificate_arn": self.certificate_arn,
            }
        )
