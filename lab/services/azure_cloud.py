"""Azure as the daemon holds it: its APIs, its host names, and what its machines ask their platform."""

import functools
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.model import World
from lab.services import azure_login, azure_management
from lab.services.api import Api
from lab.services.azure import Operator, blob_host, database_host, vault_host
from lab.services.azure_blob import ACCOUNT, Blobs
from lab.services.azure_commands import Commands
from lab.services.azure_login import ClusterIssuer, Login
from lab.services.azure_management import MACHINE, Management, machine_of
from lab.services.azure_metadata import ADDRESSES, Guest, Metadata
from lab.services.azure_rights import Roles
from lab.services.azure_tenant import Tenant
from lab.services.azure_vault import VAULT, Vaults
from lab.services.azurite import Azurite
from lab.services.front import ADDRESS as FRONT
from lab.services.netns import listen
from lab.state import State

SERVER = "azure-native:dbformysql:Server"
PUBLIC_ADDRESS = "azure-native:network:PublicIPAddress"
NETWORK_PREFIX = "vnet-"
"""The box's virtual networks of Azure; its other networks are AWS's."""


class AzureCloud:
    """One box's Azure. Create it in the daemon's main thread: Azurite ends with that thread."""

    def __init__(
        self,
        state: State,
        operator: Operator,
        data: Path,
        certificate: Callable[[str], str],
        running: Callable[[str], bool],
        power: Callable[[str, str], None],
    ) -> None:
        self._state = state
        self.certificate = certificate
        self.tenant = Tenant(operator, state.records_list)
        self.commands = Commands()
        self.azurite = Azurite(data)
        roles = Roles(operator, state.records_list)
        read, put, forget = state.records_list, state.records_put, state.records_delete
        self.blobs = Blobs(self.azurite, self.tenant, roles, read, put, forget)
        self.apis: Sequence[Api] = (
            Login(self.tenant),
            ClusterIssuer(self.tenant),
            self.blobs,
            Vaults(self.tenant, roles, read, put),
            Management(self.tenant, roles, read, self.commands, running, power),
        )
        self._lock = threading.Lock()
        self._metadata: dict[str, list[Metadata]] = {}

    def start(self) -> None:
        """Wait for what takes a moment."""
        self.azurite.wait()

    def stop(self) -> None:
        with self._lock:
            for network in list(self._metadata):
                self._close(network)
        self.azurite.stop()

    def report(self) -> dict[str, Any]:
        """For `status`."""
        return {"blobs": self.azurite.alive, "problem": self.azurite.problem, "metadata": sorted(self._metadata)}

    def names(self) -> dict[str, str]:
        """Host names that exist now, with their addresses."""
        found = dict.fromkeys((azure_login.HOST, azure_login.CLUSTER.hostname or "", azure_management.HOST), FRONT[0])
        for record in self._state.records_list(ACCOUNT).values():
            web = str((record.get("primaryEndpoints") or {}).get("web", ""))
            found |= {blob_host(record["accountName"]): FRONT[0], web.removeprefix("https://").strip("/"): FRONT[0]}
        found |= {vault_host(key.rpartition("/")[2]): FRONT[0] for key in self._state.records_list(VAULT)}
        for record in self._state.records_list(SERVER).values():
            if record.get("__address"):
                found[database_host(record["serverName"])] = record["__address"]
        for record in self._state.records_list(PUBLIC_ADDRESS).values():
            fqdn = (record.get("dnsSettings") or {}).get("fqdn")
            if fqdn:
                found[fqdn] = record["ipAddress"]
        return found

    # Machines

    def applying(self, world: World) -> None:
        """Before the box makes a world real: a listening socket would keep a router's namespace alive."""
        with self._lock:
            for gone in set(self._metadata) - {vpc.id for vpc in world.vpcs}:
                self._close(gone)

    def applied(self, world: World, namespace: Callable[[str], str]) -> None:
        """After it: metadata service and platform address in each virtual network's router."""
        with self._lock:
            for vpc in {vpc.id for vpc in world.vpcs if vpc.id.startswith(NETWORK_PREFIX)} - set(self._metadata):
                self._metadata[vpc] = []
                for address in ADDRESSES:
                    listening = listen(namespace(vpc), (address, 80))
                    server = Metadata(listening, functools.partial(self._guest, vpc), self.tenant, self.commands)
                    name = f"azure-{address}-{vpc}"
                    threading.Thread(target=server.serve_forever, args=(0.1,), name=name, daemon=True).start()
                    self._metadata[vpc].append(server)

    def machine(self, name: str) -> str:
        """The box's name of the virtual machine that a person calls `name`; empty for none."""
        records = self._state.records_list(MACHINE).values()
        return next((machine_of(one) for one in records if one.get("name") == name), "")

    def _guest(self, vpc: str, address: str) -> Guest | None:
        found = self._state.world()[0].at(vpc, address)
        if found is None:
            return None
        machine, face = found
        for resource, record in self._state.records_list(MACHINE).items():
            if machine_of(record) == machine.id:
                return Guest(machine.id, resource, record, face.address, face.public_address)
        return Guest(machine.id, "", {}, face.address, face.public_address)

    def _close(self, network: str) -> None:
        for server in self._metadata.pop(network):
            server.shutdown()
            server.server_close()
