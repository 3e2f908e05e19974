"""A certificate for one name at CloudFront's edges, proven by DNS."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..rules.pages import EdgeCertificateIntent

EDGE_REGION = "us-east-1"
"""CloudFront takes certificates from here only (F7-certificates)."""


class EdgeCertificateArgs(TypedDict):
    """Arguments of EdgeCertificate."""

    fqdn: str
    """The one name that it certifies; no wildcard."""

    zone_id: pulumi.Input[str]
    """Public hosted zone that answers for it."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class EdgeCertificate(Component):
    """A certificate in us-east-1, where CloudFront looks for it, its DNS record, and the wait until it is issued.

    The record is adopted where it is there already, and left behind when this goes. The same in every mode: a new
    certificate needs AWS's control planes, so it is there before the event.
    """

    arn: pulumi.Output[str]
    """Of the issued certificate."""

    def __init__(self, name: str, args: EdgeCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("EdgeCertificate", name, EdgeCertificateIntent.of(args), opts)
        child = pulumi.ResourceOptions(parent=self)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args["fqdn"],
            validation_method="DNS",
            region=EDGE_REGION,
            tags={**args.get("tags", {}), "Name": args["fqdn"]},
            opts=child,
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=args["zone_id"],
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=60,
            # ACM gives one proof per name and account, in every region: where the load balancer's certificate names the
            # same name the record is there, and creating it is refused (terraform-provider-aws#13653). That certificate
            # is renewed by it, so it stays when this stack goes (ADR 16).
            allow_overwrite=True,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        issued = aws.acm.CertificateValidation(
            f"{name}-issued",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            region=EDGE_REGION,
            opts=child,
        )
        self.arn = issued.certificate_arn
        self.register_outputs({"arn": self.arn})
