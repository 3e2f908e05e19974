"""What components cost a month that are at Google, or join it with AWS."""

import re

from ..rules.cloud_sql import CloudSqlStandbyIntent
from ..rules.gcs_backup import GcsBackupStoreIntent, PostgresBackupJobIntent
from ..rules.link_alarms import GcpAlarmsIntent
from ..rules.logical import LogicalReplicaIntent
from ..rules.vpn import TUNNELS, AwsGcpVpnIntent
from ..schedule import longest_gap_seconds
from .figures import SECONDS, Basis, Item
from .ground import BACKUP_SHARE
from .prices import HOURS_PER_MONTH, MONTH_SECONDS, Prices
from .route53 import added

CONNECTIONS = 2
"""At AWS, each with two tunnels."""
ALARM_SECONDS = 120
"""From a value to whoever is told: aligned over one minute, and so for another (GcpAlarms)."""
BEAT_SECONDS = 10
"""How long a look waits for its heartbeat (guest/logical/look.py)."""
CONDITIONS = 2
"""Of a policy: what is wrong, and what stopped."""
_CUSTOM = re.compile(r"db-custom-(\d+)-(\d+)")


def vpn(prices: Prices, known: AwsGcpVpnIntent) -> list[Item]:
    """An AwsGcpVpn. Gateways, router and the range for services cost nothing by themselves."""
    keys = [
        prices.cost("tunnels' keys at AWS", "secretsmanager/secret", known.aws_region, 1),
        prices.cost("tunnels' keys at Google", "gcp/secret-version", known.gcp_region, 1),
    ]
    if not known.joined:
        return keys
    connections = prices.cost(
        "connections to Google", "vpc/vpn-connection", known.aws_region, CONNECTIONS * HOURS_PER_MONTH
    )
    tunnels = prices.cost("tunnels to AWS", "gcp/vpn-tunnel", known.gcp_region, TUNNELS * HOURS_PER_MONTH)
    return [*keys, connections, tunnels]


def cloud_sql(prices: Prices, known: CloudSqlStandbyIntent) -> list[Item]:
    """A CloudSqlStandby, its disk as it is made. Backups and logs come on top, by what is written."""
    secret = prices.cost("database password at Google", "gcp/secret-version", known.region, 1)
    if not known.runs:
        return [secret]
    machines = 2 if known.availability_type == "REGIONAL" else 1
    disk = prices.cost("database's disk", "cloudsql/ssd", known.region, machines * known.disk_gib)
    return [secret, _server(prices, known, machines * HOURS_PER_MONTH), disk]


def _server(prices: Prices, known: CloudSqlStandbyIntent, hours: float) -> Item:
    name, size = f"database {known.tier}", _CUSTOM.fullmatch(known.tier)
    if size is None:
        return prices.cost(name, f"cloudsql/{known.tier}", known.region, hours)
    cpus, gib = int(size[1]), int(size[2]) / 1024
    parts = (("cloudsql/cpu", cpus * hours), ("cloudsql/memory-gib", gib * hours))
    return added(name, [prices.cost(name, sku, known.region, quantity) for sku, quantity in parts])


def backups(
    prices: Prices, known: GcsBackupStoreIntent, job: PostgresBackupJobIntent, aws_region: str, gib: float
) -> list[Item]:
    """A GcsBackupStore and what a PostgresBackupJob brings there out of AWS, a database of `gib` at most."""
    runs = MONTH_SECONDS / longest_gap_seconds(job.schedule)
    each = f"each {BACKUP_SHARE:g} of {gib:g} GiB of tables, as many as the standby's disk holds"
    kept = runs * known.keep_days * 86400 / MONTH_SECONDS
    size = gib * BACKUP_SHARE
    return [
        prices.cost("backups at rest", "gcs/standard", known.location, kept * size, f"{kept:.3g}, {each}"),
        prices.cost("backups on their way", "aws/egress", aws_region, runs * size, f"{runs:.3g} a month, {each}"),
    ]


def alarms(prices: Prices, known: GcpAlarmsIntent) -> list[Item]:
    """GcpAlarms, by condition. What is read of series for them comes on top."""
    if not known.alarms:
        return []
    words = f"{known.alarms} alarms of {CONDITIONS} conditions"
    return [prices.cost("alarms at Google", "gcp/alert-condition", known.region, known.alarms * CONDITIONS, words)]


def replica_traffic(prices: Prices, known: LogicalReplicaIntent, aws_region: str) -> list[Item]:
    """Rows of a LogicalReplica on their way out of AWS, at most; nothing where it follows nobody."""
    if not known.follows:
        return []
    gib = known.wal_mib_per_hour * HOURS_PER_MONTH / 1024
    words = f"at most: every hour like the busiest, {known.wal_mib_per_hour:g} MiB of WAL (wal_mib_per_hour)"
    return [prices.cost("rows over the tunnels", "aws/egress", aws_region, gib, words)]


def replica_loss(known: LogicalReplicaIntent, watched: GcpAlarmsIntent) -> Item:
    """What an unplanned failover may lose of a LogicalReplica: a lag that nobody has been told of yet."""
    every = longest_gap_seconds(known.schedule)
    seconds = watched.lag_seconds + every + BEAT_SECONDS + ALARM_SECONDS
    words = (
        f"lag alarm at {watched.lag_seconds} s, a heartbeat every {every} s that may take {BEAT_SECONDS} s, told after "
        f"{ALARM_SECONDS} s; a lag below it is whatever the last look said"
    )
    return Item("rows on their way", float(seconds), SECONDS, Basis.COMPUTED, words)


def address(prices: Prices, region: str) -> Item:
    """A reserved address that nothing answers at."""
    return prices.cost("reserved address", "gcp/address-unused", region, HOURS_PER_MONTH)
