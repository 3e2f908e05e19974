"""Asks charon for its SAs over vici, its own control socket: one long-lived connection instead of a process per look.

Protocol: a 4-byte length, a type byte, for named types a counted name, then a message of sections, values and lists
(strongSwan source, src/libcharon/plugins/vici/README.md).
"""

import socket
import struct
from typing import Any

SOCKETS = ("/run/charon.vici", "/var/run/charon.vici")

_REQUEST, _RESPONSE, _UNKNOWN, _REGISTER, _CONFIRM, _EVENT_UNKNOWN, _EVENT = (0, 1, 2, 3, 5, 6, 7)
_SECTION_START, _SECTION_END, _KEY_VALUE, _LIST_START, _LIST_ITEM, _LIST_END = (1, 2, 3, 4, 5, 6)


class ViciError(Exception):
    """charon cannot be asked, or said no."""


def decode(data: bytes) -> dict[str, Any]:
    """A vici message: sections are dictionaries, lists are lists, values are text. ViciError when it is malformed."""
    root: dict[str, Any] = {}
    stack = [root]
    items: list[str] | None = None
    at = 0

    def take(width: int) -> str:
        nonlocal at
        size = int.from_bytes(data[at : at + width], "big")
        at += width
        text = data[at : at + size]
        if at > len(data) or len(text) != size:
            raise ViciError("charon's answer ends in the middle of a value")
        at += size
        return text.decode("utf-8", "replace")

    while at < len(data):
        kind = data[at]
        at += 1
        if kind == _SECTION_START:
            section: dict[str, Any] = {}
            stack[-1][take(1)] = section
            stack.append(section)
        elif kind == _SECTION_END:
            if len(stack) == 1:
                raise ViciError("charon's answer closes a section that was never opened")
            stack.pop()
        elif kind == _KEY_VALUE:
            name = take(1)
            stack[-1][name] = take(2)
        elif kind == _LIST_START:
            items = []
            stack[-1][take(1)] = items
        elif kind == _LIST_ITEM and items is not None:
            items.append(take(2))
        elif kind == _LIST_END and items is not None:
            items = None
        else:
            raise ViciError(f"charon's answer holds an unknown element {kind}")
    if len(stack) != 1:
        raise ViciError("charon's answer ends inside a section")
    return root


class Vici:
    """One connection to charon. Not thread-safe."""

    def __init__(self, timeout_seconds: float = 2.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_seconds)
        self._registered: set[str] = set()
        problem: OSError | None = None
        for path in SOCKETS:
            try:
                self._socket.connect(path)
                return
            except OSError as error:
                problem = error
        self._socket.close()
        raise ViciError(f"charon does not answer on {SOCKETS[0]}: {problem}")

    def close(self) -> None:
        self._socket.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                part = self._socket.recv(size - len(data))
            except OSError as error:
                raise ViciError(f"charon stopped answering: {error}") from None
            if not part:
                raise ViciError("charon closed the connection")
            data += part
        return data

    def _send(self, kind: int, name: str) -> None:
        body = struct.pack("!BB", kind, len(name)) + name.encode()
        try:
            self._socket.sendall(struct.pack("!I", len(body)) + body)
        except OSError as error:
            raise ViciError(f"charon stopped listening: {error}") from None

    def _receive(self) -> tuple[int, bytes]:
        (size,) = struct.unpack("!I", self._exactly(4))
        packet = self._exactly(size)
        return packet[0], packet[1:]

    def sas(self) -> list[dict[str, Any]]:
        """Every IKE SA as charon describes it, each with its connection's name under `name`."""
        if "list-sa" not in self._registered:
            self._send(_REGISTER, "list-sa")
            if self._receive()[0] != _CONFIRM:
                raise ViciError("charon has no event list-sa")
            self._registered.add("list-sa")
        self._send(_REQUEST, "list-sas")
        found = []
        while True:
            kind, body = self._receive()
            if kind == _EVENT:
                for name, sa in decode(body[1 + body[0] :]).items():
                    found.append({**sa, "name": name})
            elif kind == _RESPONSE:
                return found
            else:
                raise ViciError(f"charon refused list-sas (packet type {kind})")

    def shared(self) -> list[str]:
        """Names of the shared keys that charon holds, as swanctl's sections have them; never a key."""
        self._send(_REQUEST, "get-shared")
        kind, body = self._receive()
        if kind != _RESPONSE:
            raise ViciError(f"charon refused get-shared (packet type {kind})")
        return list(decode(body).get("keys") or [])


def summary(sas: list[dict[str, Any]], connection: str = "") -> dict[str, Any]:
    """What observers need of `sas`: {"ike": […], "children": […]}, only those of `connection` when it is given."""
    ike, children = [], []
    for sa in sas:
        if connection and sa["name"] != connection:
            continue
        ike.append(
            {
                "unique_id": int(sa.get("uniqueid", 0)),
                "state": sa.get("state", ""),
                "initiator": sa.get("initiator") == "yes",
                "established_seconds": int(sa.get("established", 0)),
                "remote_host": sa.get("remote-host", ""),
            }
        )
        for child in (sa.get("child-sas") or {}).values():
            children.append(
                {
                    "unique_id": int(child.get("uniqueid", 0)),
                    "ike": int(sa.get("uniqueid", 0)),
                    "name": child.get("name", ""),
                    "state": child.get("state", ""),
                    "installed_seconds": int(child.get("install-time", 0)),
                    "bytes_in": int(child.get("bytes-in", 0)),
                    "bytes_out": int(child.get("bytes-out", 0)),
                }
            )
    return {"ike": ike, "children": children}
