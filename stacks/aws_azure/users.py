"""What users of topology aws-azure reach: their names, the front door and the notice page. The same in every mode."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from twinsite import FrontDoor, Latch, MaintenancePage, Route53FailoverPair, StaticSite
from twinsite.network.azure_network import AzureNetwork
from twinsite.traffic.route53_failover_pair import PagesArgs

from .args import Args, Arguments, joined
from .settings import NAME, Settings


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


def reach(settings: Settings, plain: Arguments, network: AzureNetwork, page_site: StaticSite, latch: Latch) -> Users:
    """Everything that leads users to one site or the other."""
    front = FrontDoor(f"{NAME}-front", plain.front) if plain.front is not None else None
    _origin_record(settings, network)
    page = MaintenancePage(f"{NAME}-notice", joined(plain.page, site=page_site)) if plain.page is not None else None
    return Users(front, page, *_names(settings, plain, network, latch, page, front))


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


def _pages(settings: Settings, url: pulumi.Input[str], marker: pulumi.Input[str]) -> PagesArgs:
    """`url` and `marker` are the secondary's."""
    return {
        "path": settings.application_path,
        "primary_host": settings.primary_host,
        "primary_marker": settings.primary_marker,
        "secondary_url": url,
        "secondary_marker": marker,
    }


def _names(
    settings: Settings,
    plain: Arguments,
    network: AzureNetwork,
    latch: Latch,
    page: MaintenancePage | None,
    front: FrontDoor | None,
) -> tuple[Route53FailoverPair | None, Route53FailoverPair]:
    """The notice and the application."""
    path, standby = settings.application_path, settings.standby_marker
    if plain.notice is None or page is None or front is None:
        address = network.public_address
        # Without a front the machine answers for itself.
        pages = _pages(settings, f"https://{settings.origin_host}{path}", standby)
        # Named as the notice is with two names: a change from two to one changes its records in place.
        return None, _name(f"{NAME}-www", plain.application, latch, {"ipv4": address}, {"address": address}, pages)
    shown = _pages(settings, pulumi.Output.format("https://{}/", page.distribution_domain), page.marker)
    notice = _name(f"{NAME}-www", plain.notice, latch, *_edge(page), shown)
    served = _pages(settings, pulumi.Output.format("https://{}{}", front.distribution_domain, path), standby)
    return notice, _name(f"{NAME}-dr", plain.application, latch, *_edge(front), served)


def _edge(at: MaintenancePage | FrontDoor) -> tuple[Args, Args]:
    """A distribution as a name's secondary, and whom its check asks."""
    domain = at.distribution_domain
    return {"distribution_domain": domain, "distribution_zone_id": at.distribution_zone_id}, {"host": domain}


def _name(name: str, pair: Args, latch: Latch, secondary: Args, asked: Args, pages: PagesArgs) -> Route53FailoverPair:
    check = {**pair["secondary_check"], **asked}
    return Route53FailoverPair(name, joined(pair, latch=latch, secondary=secondary, secondary_check=check, pages=pages))
