"""A store in a directory of one of the stack's hosts, where the standby site has no object store."""

import base64
import json
from typing import Any

from .guest import Guests, OtherGuest
from .store import NoStore, Unavailable
from .transport import RemoteFailed, Unreachable


class HostStore:
    """store.Store through the host's own program, which locks the directory for each change."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    def __str__(self) -> str:
        return self._guests.inventory.store

    def _ask(self, verb: str, *arguments: str, stdin: bytes = b"") -> Any:
        try:
            return json.loads(self._guests.store(verb, *arguments, stdin=base64.b64encode(stdin).decode()))
        except OtherGuest as other:
            raise NoStore(str(other)) from None
        except (Unreachable, RemoteFailed, ValueError) as problem:
            raise Unavailable(str(problem)) from None

    def read(self, name: str) -> tuple[bytes, str] | None:
        found = self._ask("read", name)
        return (base64.b64decode(found["content"]), str(found["tag"])) if found else None

    def write(self, name: str, content: bytes) -> None:
        self._ask("write", name, stdin=content)

    def create(self, name: str, content: bytes) -> bool:
        return bool(self._ask("create", name, stdin=content))

    def replace(self, name: str, content: bytes, tag: str) -> bool:
        return bool(self._ask("replace", name, "--tag", tag, stdin=content))

    def remove(self, name: str, tag: str) -> bool:
        return bool(self._ask("remove", name, "--tag", tag))

    def names(self, prefix: str) -> list[str]:
        return [str(name) for name in self._ask("names", "--prefix", prefix)]
