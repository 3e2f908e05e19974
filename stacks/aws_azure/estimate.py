"""What aws-azure costs, takes and loses in each of its modes: its components' shares, put together."""

from twinsite.estimate import azure, rates
from twinsite.estimate.answer import Estimate, Mode
from twinsite.estimate.figures import Basis, Item, Kind, step
from twinsite.estimate.ground import CLOUD, Ground
from twinsite.estimate.path import parallel, serial
from twinsite.estimate.prices import Prices, table
from twinsite.estimate.route53 import Checked, check_costs, latch_checks, pair_checks
from twinsite.modes import DrMode
from twinsite.rules.traffic import Check, Route53FailoverPairIntent

from .args import arguments, second_account
from .settings import Settings


def estimate(settings: Settings, prices: Prices | None = None, ground: Ground = CLOUD) -> Estimate:
    """Of both modes. The primary site's cost is not in it; `database_gib` is the customer's own figure."""
    known = prices or table()
    plain = arguments(settings, {})
    pairs = [Route53FailoverPairIntent.of(pair) for pair in (plain.notice, plain.application) if pair is not None]
    checks = [*latch_checks(), *(check for pair in pairs for check in pair_checks(pair))]
    always, raised = _always(settings, known, checks), _raised(settings, known)
    lost = [rates.between_backups(settings.backup_interval_seconds), rates.backup_itself(settings.database_gib)]
    begin = serial(_noticed(Check()), rates.decision())
    data = serial(
        rates.fetch(settings.database_gib, ground),
        rates.restore(settings.database_gib, settings.database_size, settings.managed_database, ground),
        rates.start(ground),
    )
    server, machine = rates.server(settings.managed_database, ground), rates.machine(ground)
    made = serial(rates.update(ground), parallel(server, machine))
    moved = step(
        "latch, health checks, resolvers",
        Kind.DNS,
        pairs[-1].latch_seconds,
        Basis.COMPUTED,
        "one interval of 10 s, 6 s for the answer, and the longest TTL",
    )
    return Estimate(
        {
            DrMode.COLD.value: Mode(always, serial(begin, made, data, moved), lost),
            DrMode.WARM.value: Mode([*always, *raised], serial(begin, data, moved), lost),
        },
        cost_without=("the primary site", "users' traffic", "requests of users and backups", "IO operations", "taxes"),
        notes=(
            f"times are those of {ground.name}, and no cloud's"
            if ground.name
            else "every time of Azure is an assumption until a drill in your account has measured it",
            "warm restores the newest backup as cold does; when that one is in place already, its fetch and restore "
            "are not waited for",
        ),
    )


def _noticed(check: Check) -> Item:
    words = f"{check.failures} failures, one each {check.interval_seconds} s"
    seconds = float(check.interval_seconds * check.failures)
    return step("the primary is noticed to be dead", Kind.DETECTION, seconds, Basis.COMPUTED, words)


def _always(settings: Settings, prices: Prices, checks: list[Checked]) -> list[Item]:
    region = settings.location
    return [
        azure.backups(prices, region, "backups at rest", settings.database_gib, settings.keep_days),
        azure.address(prices, region),
        *check_costs(prices, checks),
        *azure.answered(prices, region, "the latch", latch_checks()),
        azure.alerts(prices, region),
        azure.web_test(prices, region),
    ]


def _raised(settings: Settings, prices: Prices) -> list[Item]:
    region, size, every = settings.location, settings.database_gib, float(settings.backup_interval_seconds)
    managed, storage = settings.managed_database, settings.database_storage_gib
    kept = "standby's own backups, once it has served so long"
    elsewhere = [] if second_account(settings) is None else [
        azure.sent_away(prices, region, "their way to the second account's region", size, every)
    ]  # fmt: skip
    return [
        *azure.machine(prices, region, settings.machine_size),
        *azure.database(prices, region, settings.database_size, managed, storage),
        azure.backups(prices, settings.public_location if elsewhere else region, kept, size, settings.keep_days),
        *elsewhere,
    ]
