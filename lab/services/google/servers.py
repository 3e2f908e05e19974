"""sqladmin.googleapis.com: a server as its record has it [Cloud SQL Admin API v1, instances.get].

Whether its machine runs, the scene says; without a scene's word it does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lab.services.google.calls import Call, Door, Played, Service
from lab.services.google.errors import Refusal
from lab.services.google.rights import Records

SERVER = "gcp:sql/databaseInstance:DatabaseInstance"


class Servers(Service):
    """`state`: a server's name → Google's word for how it is."""

    name = "sqladmin"
    old = True

    def __init__(self, door: Door, records: Records, state: Callable[[str], str] = lambda name: "RUNNABLE") -> None:
        super().__init__(door)
        self._records, self._state = records, state

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        place = r"/v1/projects/(?P<project>[^/]+)/instances/(?P<name>[^/]+)"
        return {("GET", place): ("cloudsql.instances.get", self._server)}

    def _server(self, call: Call) -> dict[str, Any]:
        name = call.words["name"]
        record = self._records(SERVER).get(name)
        if record is None or record.get("project") != call.words["project"]:
            raise Refusal(404, "The Cloud SQL instance does not exist.", "instanceDoesNotExist")
        said = record.get("settings") or {}
        network, backups = said.get("ipConfiguration") or {}, said.get("backupConfiguration") or {}
        settings = {
            "tier": said.get("tier"),
            "activationPolicy": said.get("activationPolicy") or "ALWAYS",
            "availabilityType": said.get("availabilityType") or "ZONAL",
            "databaseFlags": [{"name": one["name"], "value": one["value"]} for one in said.get("databaseFlags") or ()],
            "ipConfiguration": {
                # Google's default is an address in the internet.
                "ipv4Enabled": network.get("ipv4Enabled", True),
                "sslMode": network.get("sslMode") or "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
                "privateNetwork": network.get("privateNetwork"),
            },
            "backupConfiguration": {
                "enabled": bool(backups.get("enabled")),
                "pointInTimeRecoveryEnabled": bool(backups.get("pointInTimeRecoveryEnabled")),
                "binaryLogEnabled": bool(backups.get("binaryLogEnabled")),
            },
        }
        return {
            "kind": "sql#instance",
            "name": name,
            "project": record["project"],
            "region": record.get("region"),
            "state": self._state(name),
            "databaseVersion": record.get("databaseVersion"),
            "connectionName": record.get("connectionName"),
            "ipAddresses": [{"type": "PRIVATE", "ipAddress": record.get("privateIpAddress")}],
            "settings": settings,
        }
