"""The notice page: what a stateless name shows while the primary site is down."""

from typing import NotRequired, TypedDict

import pulumi

from .static_site import StaticSite


class MaintenancePageArgs(TypedDict):
    """Arguments of MaintenancePage."""

    fqdn: str
    """Name under which users see it, for instance www.example.com: the one alias of its distribution."""

    zone_id: pulumi.Input[str]
    """Public hosted zone of that name; the certificate is proven there."""

    site: StaticSite
    """Account that holds the page. Never the one with the backups."""

    backup_account_name: str
    """Storage account of the backups; refused when it is the page's own (K26)."""

    standby_url: str
    """Where the page sends people, for instance https://dr.example.com/petclinic/."""

    title: NotRequired[str]
    """Defaults to "We are moving to our standby site"."""

    message: NotRequired[str]
    """One paragraph. Defaults to a neutral sentence."""

    retry_after_seconds: NotRequired[int]
    """Said to crawlers and clients in Retry-After. Defaults to 300."""

    price_class: NotRequired[str]
    """Which of CloudFront's edges serve it. Defaults to PriceClass_200 (includes Asia)."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class MaintenancePage(pulumi.ComponentResource):
    """A page in Azure behind its own CloudFront distribution: 503 with Retry-After and no-store for every path and
    method, 200 for `/healthz` so that a check can see that it would be shown.

    The same in every mode: a new alias takes a quarter of an hour to reach every edge.
    """

    distribution_domain: pulumi.Output[str]
    """d….cloudfront.net: what a record leads to, and what its check asks (`/healthz`)."""
    distribution_zone_id: pulumi.Output[str]
    marker: str
    """Text that only this page has; for the inventory."""
    certificate_arn: pulumi.Output[str]

    def __init__(self, name: str, args: MaintenancePageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise NotImplementedError("arguments first; the body follows")
