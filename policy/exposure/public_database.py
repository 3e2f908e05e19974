"""Databases with a public address."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import CannotDecideError, Resource, each

_HARM = "so the database has a public address beside the private way"


def _aws(one: Resource) -> Iterator[str]:
    if one.get("publiclyAccessible") is True:
        yield f"publiclyAccessible is true, {_HARM}: set it to false and reach it through the tunnel or a peering"


def _azure(one: Resource) -> Iterator[str]:
    access = str(one.get("network.publicNetworkAccess", "")).lower()
    # In a network, Azure turns the public way off where nothing is said of it.
    if access == "disabled" or (not access and one.given("network.delegatedSubnetResourceId")):
        return
    made = one.get("createMode", "Default")
    if not access and made not in ("Default", "Create", "Update"):
        raise CannotDecideError(
            f"createMode is {made}, and its network may be the source's: set network.publicNetworkAccess"
        )
    yield (
        f"network.publicNetworkAccess is {access or 'not given, which Azure takes for enabled'}, {_HARM}: set it to "
        "disabled with a private endpoint, or network.delegatedSubnetResourceId"
    )


def _gcp(one: Resource) -> Iterator[str]:
    if one.get("settings.ipConfiguration.ipv4Enabled") is not False:
        yield (
            f"settings.ipConfiguration.ipv4Enabled is not false, and Google takes nothing for true, {_HARM}: set it to "
            "false, with privateNetwork"
        )


def _firewall(one: Resource) -> Iterator[str]:
    first, last = one.get("startIpAddress"), one.get("endIpAddress")
    if first == "0.0.0.0" and last == "255.255.255.255":
        yield f"it lets {first} to {last} in, which is everyone: list the addresses that ask it"


POLICY = each(
    "database-public",
    Severity.CRITICAL,
    "A database is reached by a private way only: passwords of a public one are tried from everywhere, and replication "
    "goes beside the tunnel (K41; Security Hub RDS.2; Azure Database manual, networking of flexible servers).",
    {
        "aws:rds/instance:Instance": _aws,
        "aws:rds/clusterInstance:ClusterInstance": _aws,
        "aws:dms/replicationInstance:ReplicationInstance": _aws,
        "azure-native:dbformysql:Server": _azure,
        "azure-native:dbforpostgresql:Server": _azure,
        "gcp:sql/databaseInstance:DatabaseInstance": _gcp,
        "azure-native:dbformysql:FirewallRule": _firewall,
        "azure-native:dbforpostgresql:FirewallRule": _firewall,
    },
)
