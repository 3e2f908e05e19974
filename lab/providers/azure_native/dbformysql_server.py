"""A MySQL flexible server."""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native import flexible_server, topology
from lab.providers.azure_native.cloud import GROUP, AzureType, exists, generated, items, reference
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import database_host

DELETED = "lab:azure:deleted-server"
"""Records by name: the name of a deleted server is not free for a while (hours to days, nobody says how long)."""

VERSIONS = ("5.7", "8.0.21", "8.4", "9.3")
"""[SDK, dbformysql.ServerVersion, and Microsoft Learn, supported versions]"""


class Server(AzureType):
    """Size, storage and backup change in place; who the administrator is and how it was made do not."""

    token = "azure-native:dbformysql:Server"
    path = GROUP + "/providers/Microsoft.DBforMySQL/flexibleServers/{serverName}"
    api = "2024-02-01-preview"
    autoname = generated("serverName", 63)
    completed: ClassVar[frozenset[str]] = frozenset({"network", "storage", "backup"})
    provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        name = inputs.get("serverName")
        if isinstance(name, str) and not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name):
            yield Problem("serverName", f"InvalidServerName: {name!r}: 3 to 63 lower-case letters, digits, hyphens")
        if inputs.get("createMode") in (None, "Default"):
            for key in ("administratorLogin", "administratorLoginPassword", "sku"):
                if not inputs.get(key):
                    yield Problem(key, f"InvalidParameterValue: a new server needs {key}")
        if inputs.get("administratorLogin") in ("admin", "root", "azure_superuser", "administrator", "guest", "public"):
            yield Problem(
                "administratorLogin",
                f"InvalidParameterValue: {inputs['administratorLogin']!r} is reserved on a flexible server",
            )

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        network = dict(inputs.get("network") or {})
        private = bool(network.get("delegatedSubnetResourceId"))
        network.setdefault("publicNetworkAccess", "Disabled" if private else "Enabled")
        return {
            "fullyQualifiedDomainName": database_host(str(inputs["serverName"])),
            "state": "Ready",
            "version": inputs.get("version") or "8.0.21",
            "replicationRole": inputs.get("replicationRole") or "None",
            "replicaCapacity": 10,
            "network": network,
            "storage": {"storageSizeGB": 32, "autoGrow": "Enabled", **(inputs.get("storage") or {})},
            "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled", **(inputs.get("backup") or {})},
        }

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        """One PUT of all that the program says, over the server as it is now ("the update action will overwrite the
        existing server", FlexibleServers.json): a disk that grew by itself would shrink. Codes are assumptions."""
        was, now = ((one.get("storage") or {}).get("storageSizeGB") or 0 for one in (state, new))
        old, version = str(state.get("version") or ""), str(new.get("version") or "")
        refused = ""
        if now < was:
            refused = f"storage has {was} GB and can only be scaled up, not down to {now} GB"
        elif old and version and _series(version) < _series(old):
            refused = f"version {old} cannot go back to {version}"
        if refused:
            raise Refusal(f'Status=400 Code="InvalidParameterValue" Message="Server {new["serverName"]}: {refused}."')
        return super().update(call, identity, state, new)

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        name = record["serverName"]
        if name in box.records(DELETED) or any(one["serverName"] == name for one in box.records(self.token).values()):
            raise Refusal(
                f'Status=409 Code="ServerNameAlreadyExists" Message="Specified server name \'{name}\' is already used."'
            )
        if record.get("createMode") not in (None, "Default"):
            raise Refusal(
                "the lab makes new flexible servers only (createMode Default): it has no backups of Azure's own"
            )
        place = record["network"].get("delegatedSubnetResourceId")
        if not place:
            raise Refusal(
                "the lab's flexible servers are inside a network: give network.delegatedSubnetResourceId and "
                "privateDnsZoneResourceId (nobody should reach a standby's database from the internet)"
            )
        subnet = exists(box, topology.SUBNET, place)
        services = [one.get("serviceName") for one in items(subnet.get("delegations"))]
        if "Microsoft.DBforMySQL/flexibleServers" not in services:
            raise Refusal(
                f'Status=400 Code="SubnetMissingRequiredDelegation" Message="Subnet {place} requires delegation to '
                'Microsoft.DBforMySQL/flexibleServers"'
            )
        zone = str(record["network"].get("privateDnsZoneResourceId") or "")
        exists(box, "azure-native:privatedns:PrivateZone", zone)
        linked = [
            reference(one.get("virtualNetwork"))
            for key, one in box.records("azure-native:privatedns:VirtualNetworkLink").items()
            if topology.same(key.rpartition("/virtualNetworkLinks/")[0], zone)
        ]
        if not any(topology.same(one, topology.vnet_of(place)) for one in linked):
            raise Refusal(
                f"the private DNS zone {zone} has no link to the server's network: nobody would find the server"
            )
        record["__address"] = topology.free_address(box, place, topology.cidr_of(subnet))
        record["__machine"] = topology.short("db", f"{identity}/{time.time_ns()}")

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put_networks(box)
        flexible_server.put_machine(box, identity, record)
        box.apply()
        flexible_server.wait(box, record)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        was, now = before["__inputs"], record["__inputs"]
        if was.get("administratorLoginPassword") != now.get("administratorLoginPassword"):
            who = flexible_server.literal(now["administratorLogin"])
            password = flexible_server.literal(now["administratorLoginPassword"])
            flexible_server.sql(box, record, f"ALTER USER {who}@'%' IDENTIFIED BY {password};")

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        super().delete(call, identity, state)
        if call.box is not None:
            call.box.put(DELETED, identity.rpartition("/")[2], {"of": identity})

    def clear(self, call: Call, identity: str, record: dict[str, Any]) -> None:
        super().delete(call, identity, record)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        with box.lock:
            box.unworld("machines", record["__machine"])
            box.unworld("interfaces", topology.short("nic", identity))
        box.apply()


def _series(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
