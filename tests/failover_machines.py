"""Two sites in a folder, driven only through the programs and servers that the commands really speak to: guest programs
(by Run Command), kubectl, Blob, DNS. What they would do to databases is done to lists of rows in a file.
"""

import json
import pathlib
import socket
import struct
import threading
from dataclasses import replace
from typing import Any

from operations import azure, web, worker
from operations.moves.from_backup import facts_reader, hands
from operations.moves.from_backup.facts_reader import FactsReader
from operations.moves.from_backup.world import BackupWorld
from operations.store import open_store
from operations.subjects import away_reader
from operations.subjects.eyes import Eyes
from operations.transport import azure as transport
from operations.transport.azure import RunCommand
from tests.azure_http import Azure
from tests.failover_world import INVENTORY
from twinsite.inventory import AzureRunCommand, Inventory, Pod

HOME_ADDRESS, AWAY_ADDRESS, NOTICE_ADDRESS = "127.1.0.1", "127.1.0.2", "127.1.0.3"

JOB = INVENTORY.reached_by(Pod)["aws-rds-backup"]

STAND_INS = pathlib.Path(__file__).parent / "stand_ins"


class NameServer:
    """The zone's server and the resolver in one: the stateful name by the latch, the other by health or latch."""

    def __init__(self, azure_there: Azure, alive: Any) -> None:
        self._azure, self._alive = azure_there, alive
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                message, sender = self._socket.recvfrom(4096)
            except OSError:
                return
            self._socket.sendto(self._answer(message), sender)

    def _answer(self, message: bytes) -> bytes:
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1 : at + 1 + message[at]].decode())
            at += 1 + message[at]
        name = ".".join(labels)
        question = message[12 : at + 5]
        kind = struct.unpack_from("!H", message, at + 1)[0]
        latched = any(container == "$web" and blob == "latch/dr" for _, container, blob in list(self._azure.blobs))
        data = b""
        if kind == 1:
            dr = AWAY_ADDRESS if latched else HOME_ADDRESS
            www = NOTICE_ADDRESS if latched or not self._alive() else HOME_ADDRESS
            found = {
                "dr.example.com": dr,
                "www.example.com": www,
                "alb.aws.example": HOME_ADDRESS,
                "dr.edge.example": AWAY_ADDRESS,
                "www.edge.example": NOTICE_ADDRESS,
            }.get(name)
            data = socket.inet_aton(found) if found else b""
        head = message[:2] + struct.pack("!5H", 0x8400, 1, 1 if data else 0, 0, 0)
        record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(data)) + data
        return head + question + (record if data else b"")

    def close(self) -> None:
        self._socket.close()


class Machines:
    """Everything, in `folder`."""

    def __init__(self, folder: pathlib.Path, there: Azure, monkeypatch: Any) -> None:
        self._folder, self._azure = folder, there
        self.alive = True
        self.dark: set[str] = set()
        """Accounts that nobody reaches."""
        self._write({
            "number": 10, "home": {"rows": [1, 2, 3]}, "away": {"rows": [], "from": "", "closed": False}, "aside": {},
            "backups": {},
        })  # fmt: skip
        self.backup(scheduled=True)
        for name, source in (("guest-home", "guest"), ("guest-away", "guest"), ("kubectl", "kubectl")):
            path = folder / name
            path.write_text((STAND_INS / f"{source}.py").read_text())
            path.chmod(0o755)
        program = folder / "azure_run.py"
        program.write_text(transport.PROGRAM.read_text().replace("/run/twinsite-runs", str(folder / "runs")))
        monkeypatch.setattr(transport, "PROGRAM", program)
        for module in (away_reader, hands, worker):
            monkeypatch.setattr(module, "GUEST", str(folder / "guest-away"))
        monkeypatch.setattr(facts_reader, "LOOK_PAUSE_SECONDS", 0.0)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        self.names = NameServer(there, lambda: self.alive)
        monkeypatch.setattr("operations.dns.authorities", lambda name, resolver: [self.names.address])
        self.inventory: Inventory = INVENTORY

    def _write(self, state: dict[str, Any]) -> None:
        # Whole: the user that is watched reads it at any moment.
        draft = self._folder / "state.json.draft"
        draft.write_text(json.dumps(state))
        draft.replace(self._folder / "state.json")

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / "state.json").read_text())
        return found

    def change(self, site: str, **values: Any) -> None:
        state = self.state
        state[site] |= values
        self._write(state)

    def backup(self, scheduled: bool) -> str:
        """One of the primary, with its manifest in the store."""
        state = self.state
        state["number"] += 1
        name = f"20270114T{state['number']:06}Z-00000000"
        state["backups"][name] = {"rows": state["home"]["rows"], "store": "mysql-backup", "scheduled": scheduled}
        self._write(state)
        self.publish()
        return name

    def publish(self) -> None:
        """Manifests of all backups, as package `backup` writes them."""
        for name, backup in self.state["backups"].items():
            stamp = f"{name[:4]}-{name[4:6]}-{name[6:8]}T{name[9:11]}:{name[11:13]}:{name[13:15]}Z"
            manifest = {
                "began": stamp,
                "scheduled": backup["scheduled"],
                "tables": [{"name": "owners", "rows": len(backup["rows"])}],
            }
            key = ("petclinicbackup", backup["store"], f"backups/{name}/manifest.json")
            self._azure.blobs[key] = json.dumps(manifest).encode()

    def page(self, url: str, name: str, address: str) -> web.Page:
        """What is served where."""
        if url.endswith("/latch/dr"):
            account = "petclinicpublic" if "one.web" in url else "petcliniclatch"
            there = (account, "$web", "latch/dr") in self._azure.blobs and account not in self.dark
            return web.Page(200 if there else 404)
        address = address or {"alb.aws.example": HOME_ADDRESS, "dr.edge.example": AWAY_ADDRESS}.get(
            url.split("/")[2], NOTICE_ADDRESS
        )
        if address == HOME_ADDRESS:
            return web.Page(200, "served by site aws") if self.alive else web.Page(0, words="cannot connect: timed out")
        if address == NOTICE_ADDRESS:
            return web.Page(503, "notice")
        closed = self.state["away"]["closed"] or not self.inventory.hosts[0].exists
        return web.Page(502, "bad gateway") if closed else web.Page(200, "served by site azure")

    def to_mode(self, mode: str, say: Any) -> Inventory:
        """What `pulumi up` would do."""
        self.publish()
        vm = "dr-vm" if mode == "warm" else ""
        machine, *others = self.inventory.hosts
        machine = replace(machine, way=AzureRunCommand("sub", "dr-rg", vm))
        self.inventory = replace(self.inventory, dr_mode=mode, hosts=(machine, *others))
        if vm:
            state = self.state
            newest = max(name for name, backup in state["backups"].items())
            self.change("away", rows=state["backups"][newest]["rows"], **{"from": newest})
        return self.inventory

    def world(self) -> BackupWorld:
        """What command.connect would make."""
        self.publish()
        identity = self._azure.identity()
        machines = RunCommand(identity, self.inventory.reached_by(AzureRunCommand), pause_seconds=0.01)
        home = worker.ClusterWorker(JOB, pause_seconds=0.01) if self.alive else None
        store = open_store(self.inventory.store, identity)
        eyes = Eyes(self.inventory.home, self.inventory.away, self.names.address, self.page)
        reader = FactsReader(self.inventory, azure.Blobs(identity), store, machines, home, eyes, lambda: ())

        def to_mode(mode: str, say: Any) -> Inventory:
            found = self.to_mode(mode, say)
            machines.know(found.reached_by(AzureRunCommand))
            return found

        return BackupWorld(store, reader, home, to_mode)
