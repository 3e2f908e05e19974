"""The agent beside a site's database, turn by turn: registers, lease, what it says to operations and of /writer.

It opens nothing by itself and keeps nothing: killed, it leaves a lease that ends (ADR 65).
"""

import datetime
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import Failed, Refused
from .database import DatabaseGate
from .holder import Holder, clock
from .registers import Register, packed
from .rule import HURRIED_SECONDS, NEVER, REGISTERS, STATUS_SECONDS, TURN_SECONDS, Open, Rule, Said, Shut

TABLES_SECONDS = 60.0
"""How long a new table may have no gate."""
VERSION = 1


class Agent:
    """One of a site's. `turn` is called by `run`, or by a test."""

    def __init__(
        self,
        site: str,
        home: str,
        registers: "list[Register]",
        gate: DatabaseGate,
        status: "Register | None" = None,
        rule: "Rule | None" = None,
        now: "Callable[[], float]" = clock,
        say: "Callable[[str], None]" = print,
    ) -> None:
        """`status`: an object beside a register, which holds what this agent knows."""
        self.site, self._home, self._registers, self.gate = site, home, registers, gate
        self.holder = Holder(site, registers, gate, rule, now)
        gate.knows = lambda: self.holder.memory
        self._now, self._say, self._status = now, say, status
        self._looked = self._said = NEVER
        self._telling: threading.Thread | None = None
        self.problems: tuple[str, ...] = ()
        self._unready = ""
        self._last: tuple[Any, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether this site is decided to write, and its database lets it."""
        return self._now() < self.gate.until

    def turn(self, patience_seconds: float = TURN_SECONDS) -> None:
        """One. What does not work is a problem, and is tried again in the next."""
        problems = []
        if self._now() - self._looked >= TABLES_SECONDS:
            self._unready = self._put_up()
        if self._unready:
            problems.append(self._unready)
        try:
            self.holder.turn(patience_seconds)
            self._begin()
        except (Failed, Refused) as problem:
            problems.append(str(problem))
        problems += [f"register {self._registers[at]}: {why}" for at, why in sorted(self.holder.silent.items())]
        if self.gate.seen is not None and self.gate.seen.prepared:
            problems.append(
                f"the database has {self.gate.seen.prepared} prepared transactions, which no gate holds back: COMMIT "
                "PREPARED or ROLLBACK PREPARED them (pg_prepared_xacts)"
            )
        self.problems = tuple(problems)
        self._tell()

    def _put_up(self) -> str:
        try:
            self.gate.put_up(self._say)
        except (Failed, Refused) as problem:
            return f"tables are not all behind the gate: {problem}"
        self._looked = self._now()
        return ""

    def _begin(self) -> None:
        """At home, registers that all say nothing are given their first words, if this gate never had a lease."""
        heard = self.holder.memory.heard
        if self.site != self._home or any(one.epoch >= 0 or one.began == NEVER for one in heard):
            return
        if self.holder.silent or self.gate.look().leased:
            return
        first = packed(Said(0, self.site, clear=True))
        written = sum(one.swap(first, "") for one in self._registers)
        self._say(f"wrote {self.site}, epoch 0, into {written} of {REGISTERS} registers, which held nothing")

    def known(self) -> "dict[str, Any]":
        """What it knows, for operations."""
        memory, allowed, seen = self.holder.memory, self.holder.allowed, self.gate.seen
        return {
            "version": VERSION,
            "at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "site": self.site,
            "role": "writer" if self.writes else "reader",
            "epoch": memory.top,
            "lease_seconds": round(max(0.0, self.gate.until - self._now()), 1),
            "has_data": None if seen is None else seen.writes,
            "why": allowed.why if isinstance(allowed, Shut) else "",
            "problems": list(self.problems),
        }

    def _tell(self) -> None:
        """Operations, in a thread of its own: it delays no turn."""
        state = (self.writes, self.holder.memory.top, isinstance(self.holder.allowed, Open), self.problems)
        if state != self._last:
            self._say(f"{'writer' if self.writes else 'reader'}, epoch {state[1]}: {self._words()}")
        due = state != self._last or self._now() - self._said >= STATUS_SECONDS
        busy = self._telling is not None and self._telling.is_alive()
        if self._status is None or not due or busy:
            self._last = state if self._status is None else self._last
            return
        self._last, self._said = state, self._now()
        content = json.dumps(self.known(), indent=1).encode()
        self._telling = threading.Thread(target=self._write, args=(self._status, content), daemon=True)
        self._telling.start()

    def _words(self) -> str:
        allowed = self.holder.allowed
        why = [allowed.why] if isinstance(allowed, Shut) else []
        return "; ".join([*why, *self.problems]) or "all is well"

    def _write(self, status: Register, content: bytes) -> None:
        try:
            found = status.read()
            status.swap(content, found[1] if found else "")
        except Failed as problem:
            self._say(f"{status} was not told: {problem}")

    def run(self, over: threading.Event, turn_seconds: float = TURN_SECONDS) -> None:
        """Until told to end. The lease is left as it is: whoever comes next renews it, or it ends."""
        while not over.is_set():
            began = time.monotonic()
            self.turn(self._pace(turn_seconds))
            over.wait(max(0.0, self._pace(turn_seconds) - (time.monotonic() - began)))

    def _pace(self, turn_seconds: float) -> float:
        """From a turn to the next."""
        return min(turn_seconds, HURRIED_SECONDS) if self.gate.hurried else turn_seconds
