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

AZURE_PRICE_BASIS = "assumption: remembered list price of koreacentral, pay as you go"
VM_USD_HOUR = {"Standard_B1ms": 0.0256, "Standard_B2s": 0.052, "Standard_B2ms": 0.104, "Standard_D2s_v5": 0.118}
FLEXIBLE_USD_HOUR = {"Standard_B1ms": 0.0213, "Standard_B2s": 0.085, "Standard_B2ms": 0.17, "Standard_D2ds_v4": 0.221}
FLEXIBLE_USD_GIB_MONTH = 0.137
DISK_USD_GIB_MONTH = 0.09
OS_DISK_GIB = 30
ZRS_USD_GIB_MONTH = 0.025
AZURE_ADDRESS_USD_HOUR = 0.005
OBSERVER_USD_MONTH = 3.0

ROUTE53_BASIS = "assumption: remembered list price of Route 53, without the free checks of an account"
CHECK_USD_MONTH = 1.0
FAST_FOREIGN_CHECK_USD_MONTH = (
    0.75 + 2 * 2.0
)  # an endpoint outside AWS; HTTPS and the 10 s interval are options of 2 USD

AZURE_TIME_BASIS = "assumption: no cloud account has measured it"
DATABASE_SECONDS = {True: 480.0, False: 180.0}  # Flexible Server; a machine
MACHINE_SECONDS = 180.0
START_SECONDS = 20.0
PULUMI_SECONDS = 30.0
DECIDE_SECONDS = 120.0
RESTORE_BASIS = "measured on 2 cores for 1.1 GB of tables (parallel TSV, FACTS section 4a), times the size"
RESTORE_SECONDS_GIB = 22.0
BACKUP_SECONDS_GIB = 8.0
BACKUP_SHARE = 0.16  # 172 MB of backup for 1.1 GB of tables, same measurement


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


def aws_azure_estimate(
    *,
    machine_size: str,
    database_size: str,
    managed_database: bool,
    database_storage_gib: int,
    database_gib: int,
    keep_days: int,
    backup_interval_seconds: float,
    detect_seconds: float,
    latch_seconds: float,
    failover_checks: int,
    checks_of_azure: int,
) -> dict[str, Any]:
    """Estimate of topology aws-azure in each of its modes: cost of what twinsite creates, RTO and RPO.

    `database_gib` is the customer's own figure; `failover_checks` counts Route 53 checks on AWS and calculated ones,
    `checks_of_azure` those of endpoints outside AWS. The primary site's cost is not in it.
    """
    always = _always(database_gib, keep_days, failover_checks, checks_of_azure)
    raised = _raised(machine_size, database_size, managed_database, database_storage_gib)
    lost = [
        Item(
            "time between scheduled backups",
            backup_interval_seconds,
            "seconds",
            "computed: longest gap of the schedule",
        ),
        Item("a backup's own time", database_gib * BACKUP_SECONDS_GIB, "seconds", RESTORE_BASIS),
    ]
    route = [
        Item("notice that the primary is dead", detect_seconds, "seconds", "computed: interval x failures"),
        Item("decide", DECIDE_SECONDS, "seconds", "assumption: a person reads the plan"),
    ]
    switch = [Item("latch, health checks, resolvers", latch_seconds, "seconds", "computed: 10 x 1 + 6 + TTL")]
    provision = [
        Item("preview and update outside the clouds", PULUMI_SECONDS, "seconds", "assumption"),
        Item(
            "database server; machine and packages meanwhile",
            max(DATABASE_SECONDS[managed_database], MACHINE_SECONDS),
            "seconds",
            AZURE_TIME_BASIS,
        ),
        Item("restore and proof", database_gib * RESTORE_SECONDS_GIB, "seconds", RESTORE_BASIS),
        Item("application starts", START_SECONDS, "seconds", "assumption: Tomcat with a small WAR"),
    ]
    return {
        "modes": {
            "cold": _mode(always, [*route, *provision, *switch], lost),
            "warm": _mode([*always, *raised], [*route, *switch], lost),
        },
        "cost_without": ["the primary site", "traffic", "requests", "taxes"],
        "not_measured_in_a_cloud": "every time of Azure is an assumption until a drill in your account has measured it",
        "warm_serves": "the backup that was restored last; its age adds to the RPO until a newer one is restored",
    }


def _mode(costs: list[Item], path: list[Item], lost: list[Item]) -> dict[str, Any]:
    return {
        "cost_usd_month": total(costs),
        "unknown_prices": [item.name for item in costs if item.value is None],
        "rto_seconds": total(path),
        "rpo_seconds": total(lost),
        "critical_path": [asdict(item) for item in path],
        "items": [asdict(item) for item in [*costs, *lost]],
    }


def _always(database_gib: int, keep_days: int, failover_checks: int, checks_of_azure: int) -> list[Item]:
    kept = database_gib * BACKUP_SHARE * keep_days
    return [
        Item("backups at rest", kept * ZRS_USD_GIB_MONTH, "usd_month", f"{AZURE_PRICE_BASIS}; {keep_days} daily ones"),
        Item("static address", AZURE_ADDRESS_USD_HOUR * HOURS_PER_MONTH, "usd_month", AZURE_PRICE_BASIS),
        Item("checks on AWS, calculated checks", failover_checks * CHECK_USD_MONTH, "usd_month", ROUTE53_BASIS),
        Item(
            "checks on Azure, HTTPS, 10 s", checks_of_azure * FAST_FOREIGN_CHECK_USD_MONTH, "usd_month", ROUTE53_BASIS
        ),
        Item("availability test, log queries", OBSERVER_USD_MONTH, "usd_month", AZURE_PRICE_BASIS),
    ]


def _raised(machine_size: str, database_size: str, managed: bool, storage_gib: int) -> list[Item]:
    prices, storage = (FLEXIBLE_USD_HOUR, FLEXIBLE_USD_GIB_MONTH) if managed else (VM_USD_HOUR, DISK_USD_GIB_MONTH)
    return [
        _hourly(f"machine {machine_size}", VM_USD_HOUR.get(machine_size)),
        Item("machine's disk", OS_DISK_GIB * DISK_USD_GIB_MONTH, "usd_month", AZURE_PRICE_BASIS),
        _hourly(f"database {database_size}", prices.get(database_size)),
        Item("database's storage", storage_gib * storage, "usd_month", AZURE_PRICE_BASIS),
    ]


def _hourly(name: str, price: float | None) -> Item:
    if price is None:
        return Item(name, None, "usd_month", "no price known for it")
    return Item(name, round(price * HOURS_PER_MONTH, 2), "usd_month", AZURE_PRICE_BASIS)


def _instance(name: str, kind: str) -> Item:
    hourly = INSTANCE_USD_HOUR.get(kind)
    if hourly is None:
        return Item(f"{name} {kind}", None, "usd_month", f"no price known for {kind}")
    return Item(f"{name} {kind}", round(hourly * HOURS_PER_MONTH, 2), "usd_month", PRICE_BASIS)
