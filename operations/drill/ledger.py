"""The acked-write ledger and the document's rows, as the drill uses them, on both ends of its flow (../ledger)."""

import contextlib
import datetime
import json
import threading
from typing import Any

from .. import sql
from ..ledger.end import End
from ..steps import wait
from ..transport import RemoteFailed, Unreachable
from . import timeline
from .expectations import SESSIONS, Ledger, Rows

RATE = 20.0
"""Transactions a second of all sessions together: far more than a heartbeat, and after a cut of a minute caught up
in seconds by the smallest replica (2 shared cores apply about 200 a second, each one synced to disk)."""

CATCH_UP_SECONDS = 30.0
# Often enough to look into a catching-up of a few seconds, rarely enough not to slow it down.
ORDER_LOOK_SECONDS = 0.5


class Writer:
    """Writes on the source while the drill runs, and holds what was acknowledged against the replica."""

    def __init__(self, source: End, replica: End, identity: str) -> None:
        self._source, self._replica, self._identity = source, replica, identity
        self._began = False
        self._inserted: list[str] = []
        self._order: list[int] = []
        self._watching = threading.Event()
        self._watcher: threading.Thread | None = None
        self.result: Ledger | None = None
        self.rows: Rows | None = None
        self.errant: str | None = None
        self.ack_times: list[float] = []

    def start(self, longest_seconds: float) -> None:
        """Empty tables, controls, and the writing sessions."""
        self._began = True
        self._source.prepare(SESSIONS)
        self._source.start(self._identity, longest_seconds, RATE, SESSIONS)
        wait("the writer's first acknowledgements", lambda: self.acked() > 0, 20)

    def acked(self) -> int:
        """How many transactions were acknowledged so far."""
        return self._source.acked()

    def insert(self, text: str, after_seconds: float = 0.0) -> None:
        """A row of the document's table, now or later by itself. Its text carries the drill's name."""
        self._began = True
        self._source.write(self._identity, f"{text} {self._identity}", after_seconds)
        self._inserted.append(text)

    def watch_order(self) -> None:
        """From now on look again and again whether the replica's beginning of each session has a gap."""
        self._watching.set()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        pause = threading.Event()
        while self._watching.is_set():
            with contextlib.suppress(Unreachable, RemoteFailed, sql.Gone, sql.Refused):
                self._order.append(self._replica.gaps())
            pause.wait(ORDER_LOOK_SECONDS)

    def stop(self) -> None:
        """End the writing; its file is complete then."""
        self._watching.clear()
        if self._watcher is not None:
            self._watcher.join(timeout=15)
        self._source.stop()

    def check(self, began: float, back: float, source_offset: float) -> None:
        """Wait until the replica has what the source has, then hold the acknowledgements against it. `began` to
        `back` is the cut on the operator's clock."""
        self._catch_up()
        text = self._source.acknowledgements()
        acked = [entry for line in text.splitlines() if (entry := json.loads(line))["outcome"] == "acked"]
        moments = [(_moment(entry) - source_offset, int(entry["session"])) for entry in acked]
        self.ack_times = sorted(moment for moment, _ in moments)
        during = [session for moment, session in moments if began <= moment <= back]
        found = self._replica.verify(text)
        self.result = Ledger(
            acked=int(found["acked"]),
            missing=len(found["missing"]) + len(found["updates_missing"]) + len(found["childless"]),
            duplicated=len(found["duplicated"]),
            reordered=len(found["reordered"]) + max(self._order, default=0),
            control="one lost, one doubled and one swapped transaction were found" if found["controls_found"] else "",
            acked_during=len(during),
            sessions=len(set(during)),
            stall_seconds=timeline.largest_gap(self.ack_times, began, back),
            detail=_detail(found, self._order),
        )
        mine = [text[: -len(self._identity) - 1] for text in found["pings"] if text.endswith(f" {self._identity}")]
        self.rows = Rows(tuple(self._inserted), tuple(mine))

    def _catch_up(self) -> None:
        """The replica gets time to apply what it has; what is missing afterwards is missing. Also reads what it has
        of its own: the replica first, since the source only gains meanwhile."""
        source = self._source.executed()
        with contextlib.suppress(TimeoutError):
            wait("the replica to apply everything", lambda: not self._replica.lacking(source), CATCH_UP_SECONDS)
        self.errant = self._source.lacking(self._replica.executed())

    def clean(self, keep: bool) -> str | None:
        """Stop, and drop what the drill made unless it is to be kept. None when nothing was begun."""
        self._watching.clear()
        if not self._began:
            return None
        # A row that is still to come would make the schema anew.
        self._source.forget(self._identity)
        if keep:
            self._source.stop()
            return "stopped; twinsite_drill and testdb are kept"
        return f"dropped {', '.join(self._source.clean())}"

    def words(self) -> str:
        """The result as a sentence."""
        if self.result is None:
            return "not counted"
        found = self.result
        return (
            f"{found.acked} acknowledged: {found.missing} missing, {found.duplicated} duplicated, "
            f"{found.reordered} reordered"
        )


def _moment(entry: dict[str, Any]) -> float:
    return datetime.datetime.fromisoformat(str(entry["utc"])).timestamp()


def _detail(found: dict[str, Any], order: list[int]) -> str:
    words = [f"order looked at {len(order)} times while it caught up"]
    if found["in_doubt"]:
        words.append(f"{found['in_doubt']} in doubt (promised to nobody)")
    for kind in ("missing", "duplicated", "reordered", "childless", "updates_missing"):
        if found[kind]:
            words.append(f"{kind}: {', '.join(map(str, found[kind][:5]))}" + (" …" if len(found[kind]) > 5 else ""))
    return "; ".join(words)
