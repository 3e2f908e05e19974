"""Talking to the box: JSON over the daemon's unix socket. Standard library only: provider stand-ins start fast.

    box = Client.from_environment()
    if box.available():
        box.call("world_put", kind="vpcs", record={"id": "vpc-1", "cidr": "10.20.0.0/16"})
        box.call("apply")

Methods (the daemon's table in lab/methods.py is the list that counts): ping, status, world_put, world_delete,
world_get, apply, records_get (null when there is none), records_put, records_delete, records_list ({id: record}),
role_put, role_delete, machine, crash, stop, start, cut, loss, expire_nat,
capture_start, capture_stop, console, down.
"""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

SOCKET_VARIABLE = "TWINSITE_LAB_SOCKET"


class LabError(Exception):
    """The box said no. The text is one sentence (or several) for a person."""


class Refused(LabError):
    """Not now, or not like this: exit code 2."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("box", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """One box. Calls are independent: each opens its own connection, so threads may share a client."""

    def __init__(self, socket_path: str | Path, timeout_seconds: float = 600.0) -> None:
        """`timeout_seconds`: an `apply` that boots machines takes seconds; nothing takes ten minutes."""
        self.socket_path = str(socket_path)
        self.timeout_seconds = timeout_seconds

    @classmethod
    def from_environment(cls) -> "Client | None":
        """The box that TWINSITE_LAB_SOCKET names; None when it is unset or empty (recorded only)."""
        path = os.environ.get(SOCKET_VARIABLE, "")
        return cls(path) if path else None

    def available(self) -> bool:
        """Whether a daemon answers on the socket."""
        try:
            self._call("ping", {}, timeout=5.0)
        except LabError:
            return False
        return True

    def call(self, method: str, **params: Any) -> Any:
        """The method's result. LabError with the daemon's sentence, or with what is wrong with the connection."""
        return self._call(method, params, timeout=self.timeout_seconds)

    def _call(self, method: str, params: dict[str, Any], timeout: float) -> Any:
        connection = _UnixConnection(self.socket_path, timeout)
        body = json.dumps({"method": method, "params": params})
        try:
            connection.request("POST", "/call", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LabError(
                f"the lab's daemon does not answer on {self.socket_path} ({type(error).__name__}: {error}); "
                "see `./scripts/lab status`, start over with `./scripts/lab down` and `./scripts/lab up`"
            ) from error
        finally:
            connection.close()
        if not answer.get("ok"):
            raise LabError(str(answer.get("error") or f"{method} failed without a reason"))
        return answer.get("result")
