"""What users of topology aws-azure reach: their names, the front door and the notice page. The same in every mode."""

from dataclasses import dataclass
from typing import Any

import pulumi_aws as aws

from components.network.azure import AzureNetwork
from components.traffic import FrontDoor, Latch, MaintenancePage, Route53FailoverPair, StaticSite

from .aws_azure_settings import NAME, Settings


@dataclass(frozen=True)
class Users:
    """What users reach; None is what one name does without."""

    front: FrontDoor | None
    page: MaintenancePage | None
    notice: Route53FailoverPair | None
    application: Route53FailoverPair

    @property
    def names(self) -> list[Route53FailoverPair]:
        """Those that fail over."""
        return [name for name in (self.notice, self.application) if name is not None]


def reach(
    settings: Settings, network: AzureNetwork, page_site: StaticSite, latch: Latch, tags: dict[str, str]
) -> Users:
    """Everything that leads users to one site or the other."""
    front = None if settings.one_name else _front(settings, tags)
    _origin_record(settings, network)
    page = None if settings.one_name else _page(settings, page_site, tags)
    return Users(front, page, *_names(settings, network, latch, page, front, tags))


def _front(settings: Settings, tags: dict[str, str]) -> FrontDoor:
    return FrontDoor(
        f"{NAME}-front",
        {
            "fqdn": settings.application_name,
            "zone_id": settings.zone_id,
            "origin_host": settings.origin_host,
            "origin_certificate_names": [settings.origin_host],
            "tags": tags,
        },
    )


def _page(settings: Settings, site: StaticSite, tags: dict[str, str]) -> MaintenancePage:
    return MaintenancePage(
        f"{NAME}-notice",
        {
            "fqdn": settings.notice_name,
            "zone_id": settings.zone_id,
            "site": site,
            "backup_account_name": settings.backup_account,
            "standby_url": f"https://{settings.application_name}{settings.application_path}",
            "tags": tags,
        },
    )


def _origin_record(settings: Settings, network: AzureNetwork) -> None:
    """CloudFront (and operations) find the machine by a name of its own, which leads to the standby for ever."""
    aws.route53.Record(
        f"{NAME}-origin",
        zone_id=settings.zone_id,
        name=settings.origin_host,
        type="A",
        ttl=60,
        records=[network.public_address],
    )


def _names(
    settings: Settings,
    network: AzureNetwork,
    latch: Latch,
    page: MaintenancePage | None,
    front: FrontDoor | None,
    tags: dict[str, str],
) -> tuple[Route53FailoverPair | None, Route53FailoverPair]:
    """The notice (moves by health or latch) and the application (by the latch only)."""
    primary: Any = {
        "dns_name": settings.primary_alb_name,
        "zone_id": settings.primary_alb_zone_id,
        "has_ipv6": settings.primary_has_ipv6,
    }
    check: Any = {"host": settings.primary_host, "path": settings.application_path}
    path, standby = settings.application_path, settings.standby_marker
    if page is None or front is None:
        address = network.public_address
        # Named as the notice is with two names: a change from two to one changes its records in place.
        return None, Route53FailoverPair(
            f"{NAME}-www",
            {
                "fqdn": settings.application_name,
                "zone_id": settings.zone_id,
                "stateful": True,
                "primary": primary,
                # For the alarm; it moves nobody.
                "primary_check": {"host": settings.primary_host, "path": path, "text": settings.primary_marker},
                "secondary": {"ipv4": address},
                "secondary_check": {
                    "host": settings.application_name,
                    "address": address,
                    "path": path,
                    "text": standby,
                },
                "latch": latch,
                "tags": tags,
            },
        )
    notice = Route53FailoverPair(
        f"{NAME}-www",
        {
            "fqdn": settings.notice_name,
            "zone_id": settings.zone_id,
            "stateful": False,
            "primary": primary,
            "primary_check": check,
            "secondary": {
                "distribution_domain": page.distribution_domain,
                "distribution_zone_id": page.distribution_zone_id,
            },
            "secondary_check": {"host": page.distribution_domain, "path": "/healthz"},
            "latch": latch,
            "tags": tags,
        },
    )
    application = Route53FailoverPair(
        f"{NAME}-dr",
        {
            "fqdn": settings.application_name,
            "zone_id": settings.zone_id,
            "stateful": True,
            "primary": primary,
            "secondary": {
                "distribution_domain": front.distribution_domain,
                "distribution_zone_id": front.distribution_zone_id,
            },
            "secondary_check": {"host": front.distribution_domain, "path": path, "text": standby},
            "latch": latch,
            "tags": tags,
        },
    )
    return notice, application
