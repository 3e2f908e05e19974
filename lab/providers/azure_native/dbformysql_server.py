"""A MySQL flexible server."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import database_host

VERSIONS = ("5.7", "8.0.21", "8.4", "9.3")
"""[SDK, dbformysql.ServerVersion, and Microsoft Learn, supported versions]"""


class Server(AzureType):
    """Size, storage and backup change in place; who the administrator is and how it was made do not."""

    token = "azure-native:dbformysql:Server"
    path = GROUP + "/providers/Microsoft.DBforMySQL/flexibleServers/{serverName}"
    api = "2024-02-01-preview"
    autoname = generated("serverName", 63)
    replaces: ClassVar[frozenset[str]] = frozenset(
        {"administratorLogin", "createMode", "restorePointInTime", "sourceServerResourceId", "importSourceProperties"}
    )
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
        before, after = call.before.get("network") or {}, new.get("network") or {}
        if before.get("delegatedSubnetResourceId") != after.get("delegatedSubnetResourceId"):
            raise Refusal(
                'Status=400 Code="VnetMoveIsNotSupported" Message="A flexible server stays in the subnet that it was '
                'created in." (make another server and restore into it)'
            )
        return super().update(call, identity, state, new)
