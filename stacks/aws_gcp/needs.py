"""What topology aws-gcp needs of its accounts: of AWS nothing that is counted; Google and Cloudflare are not asked."""

import pulumi

from twinsite.needs import Aws, Home, Needs

from .settings import NAME, Settings


def needs(settings: Settings, home: Home) -> Needs:
    """From settings that may still have gaps. The primary's database is PostgreSQL, which the doctor cannot ask."""
    return Needs(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        home=home,
        aws=Aws(region=settings.region, profile=pulumi.Config("aws").get("profile") or ""),
        words={"region": settings.region},
    )
