"""What components on AWS cost a month."""

from ..rules.dms import PERIOD_SECONDS, DmsCdcTaskIntent
from ..rules.link_alarms import AwsLinkAlarmsIntent
from .figures import SECONDS, Basis, Item
from .prices import HOURS_PER_MONTH, Prices

ROOT_VOLUME_GIB = 8
ALARMS_OF_A_TASK = 4
INCLUDED_GIB = {"t": 50, "": 100}
"""Storage that DMS's instances have in their price, GiB: the burstable ones, all others [AWS, DMS pricing; the same in
Infracost's dms_replication_instance.go]."""


def host(prices: Prices, region: str, name: str, kind: str) -> list[Item]:
    """An Ec2Host: the instance, its root volume, its secret, the alarm that recovers it."""
    return [
        prices.cost(f"{name} {kind}", f"ec2/{kind}", region, HOURS_PER_MONTH),
        prices.cost(f"{name}'s root volume", "ebs/gp3", region, ROOT_VOLUME_GIB),
        prices.cost(f"{name}'s secret", "secretsmanager/secret", region, 1),
        prices.cost(f"{name}'s recovery alarm", "cloudwatch/alarm", region, 1),
    ]


def volume(prices: Prices, region: str, name: str, gib: int) -> Item:
    """A data volume."""
    return prices.cost(name, "ebs/gp3", region, gib)


def migration(prices: Prices, known: DmsCdcTaskIntent) -> list[Item]:
    """A DmsCdcTask: the replication instance, in two zones where it is, storage beyond what its price has, alarms.
    Nothing in cold."""
    if not known.runs:
        return []
    kind = known.instance_class.removeprefix("dms.")
    zones = "-multi-az" if known.multi_az else ""
    included = INCLUDED_GIB.get(kind[:1], INCLUDED_GIB[""])
    more = max(0, known.storage_gib - included)
    words = f"{known.storage_gib} GiB, of which {included} are in the instance's price"
    return [
        prices.cost(f"task {known.task_id} {kind}{zones}", f"dms/{kind}{zones}", known.region, HOURS_PER_MONTH),
        *(
            [prices.cost(f"task {known.task_id}'s storage", f"dms/storage{zones}", known.region, more, words)]
            if more
            else []
        ),
        prices.cost(f"task {known.task_id}'s alarms", "cloudwatch/alarm", known.region, ALARMS_OF_A_TASK),
    ]


def logins(prices: Prices, known: DmsCdcTaskIntent) -> list[Item]:
    """Secrets with what its ends are logged in to with, where the stack makes them."""
    return (
        [prices.cost(f"task {known.task_id}'s logins", "secretsmanager/secret", known.region, 2)] if known.runs else []
    )


def migration_loss(known: DmsCdcTaskIntent) -> Item:
    """What an unplanned failover may lose: changes that are on their way when somebody hears of it."""
    waited = f"{known.latency_alarm_minutes} x {PERIOD_SECONDS} s"
    return Item(
        f"task {known.task_id}: changes on their way",
        known.seen_after_seconds,
        SECONDS,
        Basis.COMPUTED,
        f"latency alarm at {known.latency_alarm_seconds} s, told after {waited}; DMS promises no latency",
    )


def link_alarms(prices: Prices, known: AwsLinkAlarmsIntent) -> list[Item]:
    """AwsLinkAlarms. Messages of the topic are free in this number."""
    if not known.alarms:
        return []
    return [prices.cost("alarms at AWS", "cloudwatch/alarm", known.region, known.alarms)]


def address(prices: Prices, region: str) -> Item:
    """An Elastic address in use."""
    return prices.cost("elastic address", "vpc/public-ipv4", region, HOURS_PER_MONTH)
