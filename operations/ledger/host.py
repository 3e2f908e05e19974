"""An end that is a host: its guest's programs, over its way in. They go on when that way is cut."""

import json
from typing import Any

from ..guest import TOOLS, Guests
from ..transport import RemoteFailed

FOLDER = "/var/lib/twinsite/drill"


class HostEnd:
    """The programs are components/guest/drill/ledger* and probe."""

    here = False

    def __init__(self, guests: Guests, host: str) -> None:
        self.name = host
        self._guests = guests

    def _ledger(self, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._guests.tool(self.name, "ledger", *arguments, timeout_seconds=60)
        return answer

    def _by_timer(self, unit: str, properties: list[str], *arguments: str) -> None:
        """As a unit of the host."""
        command = ["systemd-run", "--quiet", "--collect", f"--unit={unit}", *properties]
        self._guests.call(self.name, [*command, "python3", f"{TOOLS}/ledger.py", *arguments])

    def prepare(self, sessions: int) -> None:
        """Empty tables, controls."""
        self._ledger("prepare", "--sessions", str(sessions))

    def start(self, identity: str, seconds: float, rate: float, sessions: int) -> None:
        """The writing sessions."""
        options = ["--seconds", f"{seconds:.0f}", "--rate", f"{rate:g}", "--sessions", str(sessions)]
        limit = [f"--property=RuntimeMaxSec={seconds + 60:.0f}"]
        self._by_timer(f"twinsite-ledger-{identity}", limit, "run", *options)

    def acked(self) -> int:
        """So far."""
        return int(self._ledger("status")["acked"])

    def stop(self) -> None:
        """Its file is complete then."""
        self._ledger("stop")

    def acknowledgements(self) -> str:
        """The file."""
        return self._guests.call(self.name, ["cat", f"{FOLDER}/acked.jsonl"])

    def write(self, identity: str, message: str, after_seconds: float = 0.0) -> None:
        """Later: by the host's own timer."""
        if after_seconds:
            when = [f"--on-active={after_seconds:.3f}", "--timer-property=AccuracySec=20ms"]
            self._by_timer(f"twinsite-row-{identity}", when, "ping", "--msg", message)
        else:
            self._ledger("ping", "--msg", message)

    def forget(self, identity: str) -> None:
        """Stop the timer."""
        timer = f"twinsite-row-{identity}.timer"
        self._guests.transport.run(self.name, ["sudo", "-n", "systemctl", "stop", timer])

    def gaps(self) -> int:
        """Of all sessions."""
        found = self._guests.tool(self.name, "ledger", "prefix")
        return sum(int(session["gaps"]) for session in found["sessions"])

    def verify(self, acknowledgements: str) -> dict[str, Any]:
        """Exit 1 means that something was found, and the answer says what."""
        command = ["sudo", "-n", "python3", f"{TOOLS}/ledger.py", "verify", "--acked", "/dev/stdin"]
        done = self._guests.transport.run(self.name, command, acknowledgements, 120)
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise RemoteFailed(self.name, "ledger verify", done.code, done.stderr.strip()) from None
        return found

    def executed(self) -> str:
        """By the probe."""
        return str(self._guests.tool(self.name, "probe", "gtids")["gtids"])

    def lacking(self, gtids: str) -> str:
        """By the probe."""
        return str(self._guests.tool(self.name, "probe", "gtids", "--minus", gtids)["missing"])

    def clean(self) -> list[str]:
        """Stopped first."""
        return [str(name) for name in self._ledger("cleanup")["dropped"]]
