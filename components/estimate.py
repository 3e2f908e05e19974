"""RTO, RPO and cost arithmetic. Pure; every figure carries its basis.

A basis is `measured in the lab`, the name of a vendor's document, `computed` from shipped settings, or `assumption`.
"""

from dataclasses import asdict, dataclass
from typing import Any

HOURS_PER_MONTH = 730

# On-demand list prices of ap-northeast-2 in USD, remembered, not looked up: check them before you budget.
PRICE_BASIS = "assumption: remembered list price of ap-northeast-2"
INSTANCE_USD_HOUR = {"t3.micro": 0.013, "t3.small": 0.026, "t3.medium": 0.052, "t3.large": 0.104}
GP3_USD_GIB_MONTH = 0.0912
PUBLIC_IPV4_USD_HOUR = 0.005
SECRET_USD_MONTH = 0.40
ALARM_USD_MONTH = 0.10
ROOT_VOLUME_GIB = 8


@dataclass(frozen=True)
class Item:
    """One line of an estimate. `value` is None when it is not known."""

    name: str
    value: float | None
    unit: str
    basis: str


def total(items: list[Item]) -> float:
    """Sum of what is known."""
    return round(sum(item.value for item in items if item.value is not None), 2)


def onprem_aws_estimate(
    *, gateway_type: str, source_type: str, data_volume_gib: int, detect_seconds: float, resume_seconds: float
) -> dict[str, Any]:
    """Estimate of topology onprem-aws: monthly cost on AWS, and how long a healed link needs to carry changes again.

    RTO of a site failure is not given: promotion of the on-prem replica is not part of this topology yet.
    """
    costs = [
        _instance("gateway", gateway_type),
        _instance("source", source_type),
        Item("root volumes", 2 * ROOT_VOLUME_GIB * GP3_USD_GIB_MONTH, "usd_month", PRICE_BASIS),
        Item("data volume", data_volume_gib * GP3_USD_GIB_MONTH, "usd_month", PRICE_BASIS),
        Item("elastic address", PUBLIC_IPV4_USD_HOUR * HOURS_PER_MONTH, "usd_month", PRICE_BASIS),
        Item("secrets", 2 * SECRET_USD_MONTH, "usd_month", PRICE_BASIS),
        Item("recovery alarms", 2 * ALARM_USD_MONTH, "usd_month", PRICE_BASIS),
    ]
    times = [
        Item("detect a dead peer", detect_seconds, "seconds", "computed: dpd_delay + retransmissions"),
        Item("replication resumes after the tunnel", resume_seconds, "seconds", "computed: net timeout + retry"),
    ]
    return {
        "cost_usd_month": total(costs),
        "cost_without": ["traffic", "the on-prem hosts"],
        "unknown_prices": [item.name for item in costs if item.value is None],
        "recovery_seconds_after_link_returns": total(times[1:]),
        "items": [asdict(item) for item in costs + times],
    }


def _instance(name: str, kind: str) -> Item:
    hourly = INSTANCE_USD_HOUR.get(kind)
    if hourly is None:
        return Item(f"{name} {kind}", None, "usd_month", f"no price known for {kind}")
    return Item(f"{name} {kind}", round(hourly * HOURS_PER_MONTH, 2), "usd_month", PRICE_BASIS)
