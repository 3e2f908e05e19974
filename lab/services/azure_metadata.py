"""Azure's metadata service (169.254.169.254) and platform address (168.63.129.16) inside each virtual network's router.

The source address says which machine asks. A metadata request needs `Metadata: true` and no X-Forwarded-For, so that an
open proxy on the machine gives nothing away [Microsoft Learn, Azure Instance Metadata Service].
"""

import json
import re
import socket
import sys
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.services.azure import SUBSCRIPTION
from lab.services.azure_commands import Commands
from lab.services.azure_tenant import MACHINE_SECONDS, Refused, Tenant
from lab.services.exchange import Exchange, Listener

ADDRESSES = ("169.254.169.254", "168.63.129.16")
_RESOURCE_ID = re.compile(r"/resourceGroups/([^/]+)/.*/([^/]+)$")


@dataclass(frozen=True)
class Guest:
    """The machine that asks."""

    id: str
    """The box's."""
    resource: str
    """Azure's id; empty for a machine of Azure's own, such as a database server."""
    record: dict[str, Any]
    address: str
    public_address: str

    @property
    def identities(self) -> list[str]:
        """Ids of the identities that are attached to it."""
        return list((self.record.get("identity") or {}).get("userAssignedIdentities") or {})


Find = Callable[[str], Guest | None]


class Metadata(Listener):
    """One address of one virtual network."""

    def __init__(
        self, listening: socket.socket, find: Find, tenant: Tenant, commands: Commands, log: Any = sys.stderr
    ) -> None:
        super().__init__(listening, Handler, log)
        self.platform = listening.getsockname()[0] == ADDRESSES[1]
        self.find = find
        self.tenant = tenant
        self.commands = commands


class Handler(Exchange):
    """One connection from one machine."""

    server: Metadata
    timeout = 120

    def do_GET(self) -> None:
        guest = self.server.find(self.client_address[0])
        if guest is None:
            self._answer(404, {"error": "not found"})
        elif self.server.platform:
            if self.path == "/lab/command":
                self._answer(200, self.server.commands.next(guest.id))
            else:
                self._answer(404, {"error": "the lab's platform address speaks no goal-state protocol"})
        else:
            self._metadata(guest)

    def do_POST(self) -> None:
        guest = self.server.find(self.client_address[0])
        body = self.body()
        if guest is None or not self.server.platform or not self.path.startswith("/lab/result/"):
            self._answer(404, {"error": "not found"})
            return
        kept = self.server.commands.done(guest.id, self.path.rpartition("/")[2], json.loads(body))
        self._answer(200 if kept else 410, {})

    def _metadata(self, guest: Guest) -> None:
        path, _, query = self.path.partition("?")
        given = dict(urllib.parse.parse_qsl(query))
        if self.headers.get("Metadata", "").lower() != "true":
            self._answer(
                400, {"error": "invalid_request", "error_description": "Required metadata header not specified"}
            )
        elif self.headers.get("X-Forwarded-For"):
            self._answer(400, {"error": "Bad request. X-Forwarded-For header is not allowed"})
        elif "api-version" not in given:
            versions = {"newest-versions": ["2023-11-15", "2021-12-13", "2021-02-01"]}
            self._answer(400, {"error": "Bad request. api-version was not specified in the request", **versions})
        elif path == "/metadata/identity/oauth2/token":
            self._token(guest, given)
        elif path.rstrip("/") == "/metadata/instance":
            self._answer(200, instance(guest))
        elif path.rstrip("/") == "/metadata/instance/compute":
            self._answer(200, instance(guest)["compute"])
        else:
            self._answer(404, {"error": "Not found"})

    def _token(self, guest: Guest, given: dict[str, str]) -> None:
        if not given.get("resource"):
            self._answer(
                400, {"error": "invalid_request", "error_description": "Required audience parameter not specified"}
            )
            return
        wanted = given.get("client_id", ""), given.get("msi_res_id", "") or given.get("mi_res_id", "")
        try:
            token, expires, client = self.server.tenant.for_machine(guest.identities, given["resource"], *wanted)
        except Refused as refused:
            self._answer(refused.status, {"error": refused.code, "error_description": str(refused)})
            return
        self._answer(
            200,
            {
                "access_token": token,
                "client_id": client,
                "expires_in": str(int(expires - time.time())),
                "expires_on": str(expires),
                "ext_expires_in": str(MACHINE_SECONDS),
                "not_before": str(int(time.time())),
                "resource": given["resource"],
                "token_type": "Bearer",
            },
        )

    def _answer(self, status: int, value: Any) -> None:
        headers = [("Server", "IMDS/150.870.65.1854"), ("Content-Type", "application/json; charset=utf-8")]
        self.answer(status, headers, json.dumps(value).encode())


def instance(guest: Guest) -> dict[str, Any]:
    """The instance document: what scripts read most."""
    found = _RESOURCE_ID.search(guest.resource)
    group, name = (found[1], found[2]) if found else ("", "")
    record = guest.record
    tags = record.get("tags") or {}
    return {
        "compute": {
            "azEnvironment": "AzurePublicCloud",
            "location": record.get("location", ""),
            "name": name,
            "osType": "Linux",
            "resourceGroupName": group,
            "resourceId": guest.resource,
            "subscriptionId": SUBSCRIPTION,
            "tags": ";".join(f"{key}:{value}" for key, value in sorted(tags.items())),
            "tagsList": [{"name": key, "value": value} for key, value in sorted(tags.items())],
            "vmId": record.get("vmId", ""),
            "vmSize": (record.get("hardwareProfile") or {}).get("vmSize", ""),
            "zone": (record.get("zones") or [""])[0],
        },
        "network": {
            "interface": [
                {"ipv4": {"ipAddress": [{"privateIpAddress": guest.address, "publicIpAddress": guest.public_address}]}}
            ]
        },
    }
