"""What onprem-aws costs, and how long a healed link needs: its components' shares, put together."""

from twinsite.estimate import aws, rates
from twinsite.estimate.answer import Estimate, Mode
from twinsite.estimate.figures import SECONDS, Basis, Kind, step, unknown
from twinsite.estimate.ground import CLOUD, Ground
from twinsite.estimate.path import serial
from twinsite.estimate.prices import Prices, table
from twinsite.rules.database import resume_seconds
from twinsite.rules.tunnel import detect_seconds

from .settings import Settings

NO_PROMOTION = "promotion of the on-prem replica is not part of this topology yet"


def estimate(settings: Settings, prices: Prices | None = None, ground: Ground = CLOUD) -> Estimate:
    """Cost on AWS. What a dead site costs in time is unknown while nobody promotes the replica; a cut link is not."""
    known, region = prices or table(), settings.region
    costs = [*aws.host(known, region, "gateway", settings.gateway_instance_type), aws.address(known, region)]
    if not settings.existing_source_ca:
        costs += aws.host(known, region, "source", settings.source_instance_type)
        costs.append(aws.volume(known, region, "data volume", settings.data_volume_gib))
    resume = resume_seconds(settings.net_timeout_seconds)
    path = serial(
        step("a dead peer is noticed", Kind.DETECTION, detect_seconds(), Basis.COMPUTED, "dpd_delay + retransmissions"),
        rates.decision(),
        unknown("the replica is promoted", SECONDS, NO_PROMOTION, Kind.PROMOTION),
    )
    lag = "replication is asynchronous: `twinsite status` shows how far it is behind; a cut link adds its length"
    lost = [unknown("what the replica had not received", SECONDS, lag)]
    return Estimate(
        {settings.dr_mode.value: Mode(costs, path, lost, [rates.resume(resume, ground)])},
        cost_without=("traffic", "the on-prem hosts"),
        notes=(
            f"a link that comes back carries changes again after {resume:g} s at most: "
            "net_timeout_seconds and one retry",
        ),
    )
