"""What components on Azure cost a month."""

from collections.abc import Iterable

from ..rules.watching import PLACES, TEST_SECONDS
from .figures import Item
from .ground import BACKUP_SHARE
from .prices import HOURS_PER_MONTH, Prices
from .route53 import ANSWERS_SOURCE, Checked, answers_a_month, gib

OS_DISK_GIB = 30
LOG_ALERTS = 3
"""Of Observer, at most every quarter of an hour: the test's silence, a late backup, a small one."""


def machine(prices: Prices, region: str, size: str) -> list[Item]:
    """ColdWarmVm while it runs."""
    return [
        prices.cost(f"machine {size}", f"vm/{size}", region, HOURS_PER_MONTH),
        prices.cost("machine's disk", "disk/standard-ssd", region, OS_DISK_GIB),
    ]


def database(prices: Prices, region: str, size: str, managed: bool, storage_gib: int) -> list[Item]:
    """StandbyDatabase while it runs."""
    server, storage = ("mysql", "mysql/storage") if managed else ("vm", "disk/standard-ssd")
    return [
        prices.cost(f"database {size}", f"{server}/{size}", region, HOURS_PER_MONTH),
        prices.cost("database's storage", storage, region, storage_gib),
    ]


def address(prices: Prices, region: str) -> Item:
    """AzureNetwork's static address."""
    return prices.cost("static address", "azure/public-ipv4", region, HOURS_PER_MONTH)


def backups(prices: Prices, region: str, name: str, database_gib: float, keep_days: int) -> Item:
    """What a BackupStore keeps, one a day."""
    kept = database_gib * BACKUP_SHARE * keep_days
    words = f"{keep_days} daily ones, each {BACKUP_SHARE:g} of {database_gib:g} GiB of tables"
    return prices.cost(name, "blob/zrs-hot", region, kept, words)


def sent_away(prices: Prices, region: str, name: str, database_gib: float, interval_seconds: float) -> Item:
    """The standby's own backups, while it serves, to a second account in another region."""
    times = HOURS_PER_MONTH * 3600 / interval_seconds
    words = f"{times:.4g} a month, each {BACKUP_SHARE:g} of {database_gib:g} GiB of tables"
    return prices.cost(name, "azure/between-regions", region, database_gib * BACKUP_SHARE * times, words)


def answered(prices: Prices, region: str, what: str, checks: Iterable[Checked]) -> list[Item]:
    """What answers Route 53's checks, `what` in words: traffic and, of a store, requests."""
    answers = answers_a_month(checks)
    return [
        prices.cost(f"answers of {what} to checks, traffic", "azure/egress", region, gib(answers), ANSWERS_SOURCE),
        prices.cost(f"answers of {what} to checks, requests", "blob/reads", region, answers / 10_000, ANSWERS_SOURCE),
    ]


def alerts(prices: Prices, region: str) -> Item:
    """Observer's queries of the log."""
    return prices.cost("log queries", "azure/log-alert", region, LOG_ALERTS)


def web_test(prices: Prices, region: str) -> Item:
    """Observer's look at the primary's page."""
    runs = len(PLACES) * HOURS_PER_MONTH * 3600 / TEST_SECONDS
    words = f"{len(PLACES)} places, each every {TEST_SECONDS} s"
    return prices.cost("availability test of the primary", "azure/web-test", region, runs, words)
