"""Commands for the agents inside Azure's machines: asked for over the platform address, run in there, told back."""

import secrets
import threading
import time
from typing import Any

from lab.client import LabError

POLL_SECONDS = 25.0


class Commands:
    """A queue for each machine. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._sent: dict[str, str] = {}
        """Command to machine."""
        self._results: dict[str, dict[str, Any]] = {}

    def submit(self, machine: str, script: str, parameters: list[dict[str, str]], timeout: float) -> str:
        """Queue a command; gives its id."""
        identity = secrets.token_hex(12)
        command = {"id": identity, "script": script, "parameters": parameters, "timeout": timeout}
        with self._changed:
            self._waiting.setdefault(machine, []).append(command)
            self._sent[identity] = machine
            self._changed.notify_all()
        return identity

    def next(self, machine: str) -> dict[str, Any] | None:
        """The machine's next command; None after a while without one."""
        deadline = time.monotonic() + POLL_SECONDS
        with self._changed:
            while not self._waiting.get(machine):
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return None
            return self._waiting[machine].pop(0)

    def done(self, machine: str, identity: str, result: dict[str, Any]) -> bool:
        """Keep a result; False when the machine was not asked for it."""
        with self._changed:
            if self._sent.get(identity) != machine:
                return False
            self._results[identity] = result
            self._changed.notify_all()
            return True

    def result(self, identity: str, wait: float = 0.0) -> dict[str, Any] | None:
        """How a command ended; None while it has not. LabError for one that was never given."""
        deadline = time.monotonic() + wait
        with self._changed:
            if identity not in self._sent:
                raise LabError(f"there is no command {identity}")
            while identity not in self._results:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            return self._results.get(identity)
