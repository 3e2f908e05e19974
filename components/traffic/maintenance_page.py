"""The notice page: what a stateless name shows while the primary site is down."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..handle import Given, handle_of
from ..rules.pages import MaintenancePageIntent
from .distribution import CACHING_DISABLED, READ_METHODS, behaviour, create, https_origin
from .edge import NOTICE_MARKER, edge_function, notice_page
from .edge_certificate import EdgeCertificate
from .static_site import HEALTH, StaticSiteHandle, page

TITLE = "We are moving to our standby site"
MESSAGE = (
    "Our main site cannot be reached at the moment. The application is, or will shortly be, available at the address "
    "below."
)
ORIGIN = "notice"


class MaintenancePageArgs(TypedDict):
    """Arguments of MaintenancePage."""

    fqdn: str
    """Name under which users see it, for instance www.example.com: the one alias of its distribution."""

    zone_id: pulumi.Input[str]
    """Public hosted zone of that name; the certificate is proven there."""

    site: Given[StaticSiteHandle]
    """Account that holds the page. Never the one with the backups."""

    backup_account_name: str
    """Storage account of the backups; refused when it is the page's own (K26)."""

    standby_url: str
    """Where the page sends people, for instance https://dr.example.com/petclinic/."""

    title: NotRequired[str]
    """Defaults to "We are moving to our standby site"."""

    message: NotRequired[str]
    """One paragraph. Defaults to a neutral one."""

    retry_after_seconds: NotRequired[int]
    """Said to crawlers and clients in Retry-After. Defaults to 300."""

    price_class: NotRequired[str]
    """Which of CloudFront's edges serve it. Defaults to PriceClass_200 (includes Asia)."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class MaintenancePage(Component):
    """A page in Azure behind its own CloudFront distribution: 503 with Retry-After and no-store for every path and
    method, 200 for `/healthz` so that a check can see that it would be shown.

    The same in every mode: a new alias may take a quarter of an hour to reach every edge (F7-edges).
    """

    distribution_domain: pulumi.Output[str]
    """d….cloudfront.net: what a record leads to, and what its check asks (`/healthz`)."""
    distribution_zone_id: pulumi.Output[str]
    marker: str
    """Text that only this page has; for the inventory."""
    certificate_arn: pulumi.Output[str]

    def __init__(self, name: str, args: MaintenancePageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        site = handle_of(args["site"])
        known = MaintenancePageIntent.of({**args, "account_name": site["account_name"]})
        super().__init__("MaintenancePage", name, known, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = args.get("tags", {})
        shown = notice_page(
            title=known.title or TITLE,
            message=known.message or MESSAGE,
            standby_url=args["standby_url"],
        )
        notice = page(site, "notice", "index.html", "text/html; charset=utf-8", shown, self)
        certificate = EdgeCertificate(name, {"fqdn": args["fqdn"], "zone_id": args["zone_id"], "tags": tags}, child)
        functions = [
            aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs(
                event_type=event,
                function_arn=aws.cloudfront.Function(
                    f"{name}-{source}",
                    runtime="cloudfront-js-2.0",
                    code=edge_function(source, retry_after_seconds=known.retry_after_seconds),
                    comment=f"twinsite: {args['fqdn']} answers 503, uncached",
                    publish=True,
                    opts=child,
                ).arn,
            )
            for event, source in (("viewer-request", "notice-request"), ("viewer-response", "notice-response"))
        ]
        # No function on its path: 200 only while the storage account really answers.
        health = aws.cloudfront.DistributionOrderedCacheBehaviorArgs(
            path_pattern=f"/{HEALTH}",
            target_origin_id=ORIGIN,
            viewer_protocol_policy="https-only",
            allowed_methods=READ_METHODS,
            cached_methods=READ_METHODS,
            cache_policy_id=CACHING_DISABLED,
        )
        distribution = create(
            name,
            args["fqdn"],
            certificate.arn,
            aws.cloudfront.DistributionOriginArgs(
                origin_id=ORIGIN, domain_name=site["host"], custom_origin_config=https_origin()
            ),
            behaviour(ORIGIN, functions),
            [health],
            known.price_class,
            tags,
            pulumi.ResourceOptions(parent=self, depends_on=[notice]),
        )
        self.distribution_domain = distribution.domain_name
        self.distribution_zone_id = distribution.hosted_zone_id
        self.marker = NOTICE_MARKER
        self.certificate_arn = certificate.arn
        self.register_outputs(
            {
                "distribution_domain": self.distribution_domain,
                "distribution_zone_id": self.distribution_zone_id,
                "marker": self.marker,
                "certificate_arn": self.certificate_arn,
            }
        )
