"""Azurite: Microsoft's own emulator of Blob storage, behind the front, with one account and a key that only we know.

It knows no roles, no versions and no static websites; the front sees to the first and the last (azure_blob.py).
"""

import base64
import contextlib
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import time
from email.utils import formatdate
from pathlib import Path

from lab.client import LabError
from lab.paths import cache
from lab.services import shared_key
from lab.services.api import Answer

ACCOUNT = "lab"
PROGRAM = Path("node_modules/azurite/dist/src/blob/main.js")
START_SECONDS = 60
_DROPPED = {"connection", "transfer-encoding", "keep-alive", "server"}


def folder() -> Path:
    """Where `./scripts/setup` put it."""
    return cache() / "tools" / "azurite"


def why_not() -> str:
    """What is missing for it, with the fix; empty when nothing is."""
    if shutil.which("node") is None:
        return "Blob storage needs Node.js: install nodejs and npm, then run `./scripts/setup`"
    if not (folder() / PROGRAM).exists():
        return "Blob storage needs Azurite: run `./scripts/setup` (with npm on PATH)"
    return ""


class Azurite:
    """One process; `data` is its disk. Create it in the daemon's main thread: it dies with that thread."""

    def __init__(self, data: Path) -> None:
        self.problem = why_not()
        self._data = data
        self._key = secrets.token_bytes(32)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._made: set[str] = set()
        if not self.problem:
            self._start()

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(parents=True)
        words = ["setpriv", "--pdeathsig", "KILL", "node", str(folder() / PROGRAM), "--blobHost", "127.0.0.1"]
        words += ["--blobPort", str(self._port), "--location", str(self._data), "--silent", "--loose"]
        words += ["--skipApiVersionCheck", "--disableTelemetry", "--disableProductStyleUrl"]
        key = base64.b64encode(self._key).decode()
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
        )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait(self) -> None:
        """Until it listens. LabError when it does not."""
        deadline = time.monotonic() + START_SECONDS
        while self.alive:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if not self.problem:
            raise LabError("Azurite did not start (its words are in the daemon's log)")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._data, ignore_errors=True)

    def ask(
        self, method: str, container: str, blob: str, query: str, headers: dict[str, str], body: bytes = b""
    ) -> Answer:
        """One request on a container of Azurite's, which is made when it is not there."""
        if self.problem or not self.alive:
            raise LabError(self.problem or "Azurite has ended (its words are in the daemon's log)")
        if container not in self._made:
            self._ask("PUT", f"/{ACCOUNT}/{container}", "restype=container", {}, b"")
            self._made.add(container)
        path = f"/{ACCOUNT}/{container}" + (f"/{blob}" if blob else "")
        return self._ask(method, path, query, headers, body)

    def _ask(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
        kept = {name: value for name, value in headers.items() if name not in ("authorization", "host", "connection")}
        kept |= {"x-ms-date": formatdate(usegmt=True), "content-length": str(len(body))}
        kept.setdefault("x-ms-version", "2023-11-03")
        kept.pop("transfer-encoding", None)
        kept.pop("date", None)
        kept["authorization"] = shared_key.authorization(self._key, ACCOUNT, method, path, query, kept)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            connection.putrequest(method, path + (f"?{query}" if query else ""), skip_accept_encoding=True)
            for name, value in kept.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            found = [(name, value) for name, value in answer.getheaders() if name.lower() not in _DROPPED]
            return answer.status, found, answer.read()
        finally:
            connection.close()
