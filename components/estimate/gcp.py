"""What components cost a month that are at Google, or join it with AWS."""

import re

from ..rules.cloud_sql import CloudSqlStandbyIntent
from ..rules.link_alarms import GcpAlarmsIntent
from ..rules.vpn import TUNNELS, AwsGcpVpnIntent
from .figures import Item
from .prices import HOURS_PER_MONTH, Prices
from .route53 import added

CONNECTIONS = 2
"""At AWS, each with two tunnels."""
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


def alarms(prices: Prices, known: GcpAlarmsIntent) -> list[Item]:
    """GcpAlarms, by condition. What is read of series for them comes on top."""
    if not known.alarms:
        return []
    words = f"{known.alarms} alarms of {CONDITIONS} conditions"
    return [prices.cost("alarms at Google", "gcp/alert-condition", known.region, known.alarms * CONDITIONS, words)]


def address(prices: Prices, region: str) -> Item:
    """A reserved address that nothing answers at."""
    return prices.cost("reserved address", "gcp/address-unused", region, HOURS_PER_MONTH)
