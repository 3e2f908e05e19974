"""The acked-write ledger and the document's rows, as the drill uses them. The programs are
components/guest/drill/ledger*."""

import contextlib
import datetime
import json
import threading
from typing import Any

from components.inventory import Replica

from ..guest import TOOLS, Guests
from ..steps import wait
from ..transport import RemoteFailed, Unreachable
from . import timeline
from .expectations import SESSIONS, Ledger, Rows

RATE = 20.0
"""Transactions a second of all sessions together: far more than a heartbeat, and after a cut of a minute caught up
in seconds by the smallest replica (2 shared cores apply about 200 a second, each one synced to disk)."""

FOLDER = "/var/lib/twinsite/drill"
CATCH_UP_SECONDS = 30.0
# Often enough to look into a catching-up of a few seconds, rarely enough not to slow it down.
ORDER_LOOK_SECONDS = 0.5


class Writer:
    """Writes on the source while the drill runs, and holds what was acknowledged against the replica."""

    def __init__(self, guests: Guests, replica: Replica, identity: str) -> None:
        self._guests, self._replica, self._identity = guests, replica, identity
        self._began = False
        self._inserted: list[str] = []
        self._order: list[int] = []
        self._watching = threading.Event()
        self._watcher: threading.Thread | None = None
        self.result: Ledger | None = None
        self.rows: Rows | None = None
        self.errant: str | None = None
        self.ack_times: list[float] = []

    def _source(self, *arguments: str, stdin: str = "", timeout_seconds: float = 60) -> dict[str, Any]:
        answer: dict[str, Any] = self._guests.tool(
            self._replica.source, "ledger", *arguments, stdin=stdin, timeout_seconds=timeout_seconds
        )
        return answer

    def _by_timer(self, unit: str, properties: list[str], *arguments: str) -> None:
        """Run the ledger's program as a unit of the source: it goes on when the operator's way there is cut."""
        command = ["systemd-run", "--quiet", "--collect", f"--unit={unit}-{self._identity}", *properties]
        self._guests.call(self._replica.source, [*command, "python3", f"{TOOLS}/ledger.py", *arguments])

    def start(self, longest_seconds: float) -> None:
        """Empty tables, controls, and the writing sessions."""
        self._began = True
        self._source("prepare", "--sessions", str(SESSIONS))
        options = ["--seconds", f"{longest_seconds:.0f}", "--rate", f"{RATE:g}", "--sessions", str(SESSIONS)]
        self._by_timer("twinsite-ledger", [f"--property=RuntimeMaxSec={longest_seconds + 60:.0f}"], "run", *options)
        wait("the writer's first acknowledgements", lambda: self.acked() > 0, 20)

    def acked(self) -> int:
        """How many transactions were acknowledged so far."""
        return int(self._source("status")["acked"])

    def insert(self, text: str, after_seconds: float = 0.0) -> None:
        """A row of the document's table, now or by the source's own timer. Its text carries the drill's name."""
        self._began = True
        message = ["--msg", f"{text} {self._identity}"]
        if after_seconds:
            when = [f"--on-active={after_seconds:.3f}", "--timer-property=AccuracySec=20ms"]
            self._by_timer("twinsite-row", when, "ping", *message)
        else:
            self._source("ping", *message)
        self._inserted.append(text)

    def watch_order(self) -> None:
        """From now on look again and again whether the replica's beginning of each session has a gap."""
        self._watching.set()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        pause = threading.Event()
        while self._watching.is_set():
            with contextlib.suppress(Unreachable, RemoteFailed):
                found = self._guests.tool(self._replica.replica, "ledger", "prefix")
                self._order.append(sum(int(session["gaps"]) for session in found["sessions"]))
            pause.wait(ORDER_LOOK_SECONDS)

    def stop(self) -> None:
        """End the writing; its file is complete then."""
        self._watching.clear()
        if self._watcher is not None:
            self._watcher.join(timeout=15)
        self._source("stop")

    def check(self, began: float, back: float, source_offset: float) -> None:
        """Wait until the replica has what the source has, then hold the acknowledgements against it. `began` to
        `back` is the cut on the operator's clock."""
        self._catch_up()
        text = self._guests.call(self._replica.source, ["cat", f"{FOLDER}/acked.jsonl"])
        acked = [entry for line in text.splitlines() if (entry := json.loads(line))["outcome"] == "acked"]
        moments = [(_moment(entry) - source_offset, int(entry["session"])) for entry in acked]
        self.ack_times = sorted(moment for moment, _ in moments)
        during = [session for moment, session in moments if began <= moment <= back]
        found = self._verify(text)
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

    def _verify(self, acked: str) -> dict[str, Any]:
        """Exit 1 means that something was found, and the answer says what."""
        command = ["sudo", "-n", "python3", f"{TOOLS}/ledger.py", "verify", "--acked", "/dev/stdin"]
        done = self._guests.transport.run(self._replica.replica, command, acked, 120)
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise RemoteFailed(self._replica.replica, "ledger verify", done.code, done.stderr.strip()) from None
        return found

    def _catch_up(self) -> None:
        """The replica gets time to apply what it has; what is missing afterwards is missing. Also reads what it has
        of its own: the replica first, since the source only gains meanwhile."""
        source = self._guests.tool(self._replica.source, "probe", "gtids")["gtids"]

        def missing() -> str:
            return str(self._guests.tool(self._replica.replica, "probe", "gtids", "--minus", source)["missing"])

        with contextlib.suppress(TimeoutError):
            wait("the replica to apply everything", lambda: not missing(), CATCH_UP_SECONDS)
        theirs = self._guests.tool(self._replica.replica, "probe", "gtids")["gtids"]
        self.errant = str(self._guests.tool(self._replica.source, "probe", "gtids", "--minus", theirs)["missing"])

    def clean(self, keep: bool) -> str | None:
        """Stop, and drop what the drill made unless it is to be kept. None when nothing was begun."""
        self._watching.clear()
        if not self._began:
            return None
        # A row that is still to come would make the schema anew.
        timer = f"twinsite-row-{self._identity}.timer"
        self._guests.transport.run(self._replica.source, ["sudo", "-n", "systemctl", "stop", timer])
        if keep:
            self._source("stop")
            return "stopped; twinsite_drill and testdb are kept"
        answer = self._source("cleanup")
        return f"dropped {', '.join(answer['dropped'])}"

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
