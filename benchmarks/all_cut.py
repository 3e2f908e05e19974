"""All four tunnels cut while an application writes 20 transactions a second: how soon the replica is current once there
is a path again, and whether a row is missing. Beside it the document's wal_sender_timeout of 0: nobody sees that the
replica is gone, and its sender holds the slot against it when it is back.

Two PostgreSQL 18 behind the routers; the flow is set up and looked at by the component's own job.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.box.host import BoxError
from lab.box.host import run as run_command
from tests.lab.box_world import eventually
from tests.lab.cloud_vpn_bed import Bed, joined
from tests.lab.cloud_vpn_servers import SOURCE, Replicated, Server
from tests.lab.cloud_vpn_world import routers, told

from .context import Context, NotMeasured
from .figure import Figure, value_at_most, value_is

PREFIX = "bt"
NAME = "crm"
CUT_SECONDS, LONG_SECONDS = 60, 900
MUST_SECONDS = 10.0
SEEN_SECONDS = 12.0
"""wal_sender_timeout of 10 s, and until the slot is asked again."""
A_SECOND = 20
"""Transactions."""
FRESH_SECONDS = 0.5
"""Current: all that was acknowledged so long ago is there."""
PATIENCE_SECONDS = 120
MOVE_SECONDS = 5.0
SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, orders int NOT NULL DEFAULT 0);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL REFERENCES customers, cents int);
INSERT INTO customers SELECT i FROM generate_series(0, 99) i
"""
SUMS = "SELECT (SELECT string_agg(id::text, ',' ORDER BY id) FROM orders), (SELECT sum(orders) FROM customers)"


class Writer:
    """One session beside the source: an order and its customer in each transaction, from entering to leaving `with`."""

    def __init__(self, server: Server, first: int) -> None:
        self._client = server.client(NAME)
        self._next = first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.acknowledged: list[tuple[int, float]] = []
        """Orders' numbers, and when."""

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)
        self._client.kill()
        self._client.communicate()

    def known(self, since: float) -> int:
        """The newest order that had been acknowledged by then."""
        return next((number for number, at in reversed(self.acknowledged) if at <= since), 0)

    def _write(self) -> None:
        client = self._client
        assert client.stdin and client.stdout
        while not self._over.wait(1 / A_SECOND):
            client.stdin.write(
                f"BEGIN; INSERT INTO orders VALUES ({self._next}, {self._next % 100}, 1); "
                f"UPDATE customers SET orders = orders + 1 WHERE id = {self._next % 100}; COMMIT;\n\\echo done\n"
            )
            client.stdin.flush()
            if client.stdout.readline().strip() != "done":
                return
            self.acknowledged.append((self._next, time.monotonic()))
            self._next += 1


@dataclass
class Seen:
    """Of one cut; seconds."""

    inactive: float | None = None
    """From the cut until the source saw that nobody reads the slot; None: not within the cut."""
    path: float = 0.0
    """From the cut's end until a packet came through."""
    current: float = 0.0
    """From that packet until the replica was current."""
    written: int = 0
    missing: list[int] = field(default_factory=list)


def run(context: Context) -> Iterator[Figure]:
    """Three figures of each length, with the document's setting beside the first."""
    try:
        yield from _run(context)
    except (AssertionError, BoxError) as late:
        raise NotMeasured(str(late)) from None


def _run(context: Context) -> Iterator[Figure]:
    folder = context.folder / "all-cut"
    folder.mkdir()
    with joined(folder / "box", PREFIX, *routers(told())) as bed:
        eventually(lambda: bed.paths == (1, 4) and bed.up_but(), PATIENCE_SECONDS, "all paths")
        made = Replicated(bed, folder, NAME, SCHEMA)
        made.set_up()
        ours = {seconds: _cut(context, bed, made, seconds) for seconds in _lengths(context)}
        if problems := made.guest("look")["problems"]:
            raise NotMeasured(f"look, when all was over: {problems}")
        closed = _moves(context, made)
        made.source.sql("ALTER SYSTEM SET wal_sender_timeout = 0")
        made.source.sql("SELECT pg_reload_conf()")
        theirs = _cut(context, bed, made, CUT_SECONDS)
        _control(made, ours[CUT_SECONDS])
    if theirs.inactive is not None:
        raise NotMeasured(f"with wal_sender_timeout 0 the dead replica was seen after {theirs.inactive:.1f} s")
    yield Figure(
        name="switchover through the tunnels, over TLS, there and back: neither end took writes, by the job",
        value=max(closed),
        unit="s",
        must=value_at_most(MOVE_SECONDS),
        compared_to="the faster one of both",
        compared_value=min(closed),
        note="an application at the source wrote until it was shut; all that was acknowledged was at the other end",
    )
    for seconds, seen in ours.items():
        name, beside = f"all four tunnels cut {seconds} s", seconds == CUT_SECONDS
        yield Figure(
            name=f"{name}: replica current after the path was back",
            value=seen.current,
            unit="s",
            must=value_at_most(MUST_SECONDS),
            compared_to="the document's wal_sender_timeout 0",
            compared_value=theirs.current if beside else None,
            note=f"the path itself was back {seen.path:.1f} s after the cut's end, {theirs.path:.1f} s beside it",
        )
        yield Figure(
            name=f"{name}: the source saw that the replica was gone",
            value=seen.inactive,
            unit="s",
            must=value_at_most(SEEN_SECONDS),
            compared_to="the document's: not within the cut, its walsender was there to the end",
            compared_value=None,
        )
        yield Figure(
            name=f"{name}: acknowledged rows that are missing",
            value=len(seen.missing),
            unit="rows",
            must=value_is(0),
            compared_to="rows taken away on purpose, which were found",
            compared_value=1,
            note=f"of {seen.written} at {A_SECOND}/s; the document's setting lost {len(theirs.missing)}, too",
        )


def _moves(context: Context, made: Replicated) -> list[float]:
    """There and back by the job's verbs; seconds for which neither end took writes."""
    with Writer(made.source, _next(made)) as writer:
        eventually(lambda: _is_current(made, writer), PATIENCE_SECONDS, "a current replica")
        said = [made.guest("switch", "--epoch", "1")]
    if missing := _missing(made, writer):
        raise NotMeasured(f"{len(missing)} acknowledged rows were not at the other end when it was opened")
    said.append(made.guest("switch", "--epoch", "2", "--to", "source"))
    if lacking := [one for one in said if "closed_seconds" not in one]:
        raise NotMeasured(f"switch: {lacking}")
    eventually(lambda: _same(made), PATIENCE_SECONDS, "both ends are the same")
    closed = [float(one["closed_seconds"]) for one in said]
    context.say(f"  switched there and back: neither end took writes for {closed[0]:.2f} and {closed[1]:.2f} s")
    return closed


def _next(made: Replicated) -> int:
    return int(made.source.sql("SELECT coalesce(max(id), 0) + 1 FROM orders", NAME))


def _lengths(context: Context) -> list[int]:
    return [CUT_SECONDS, *([LONG_SECONDS] if context.long else [])]


def _cut(context: Context, bed: Bed, made: Replicated, seconds: int) -> Seen:
    """One, under load; afterwards both ends are the same."""
    seen = Seen()
    with Writer(made.source, _next(made)) as writer:
        eventually(lambda: _is_current(made, writer), PATIENCE_SECONDS, "a current replica")
        bed.box.vpns.cut([way for end in bed.aws.ends for way in ((end.outside, end.peer), (end.peer, end.outside))])
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            if seen.inactive is None and not _active(made):
                seen.inactive = time.monotonic() - began
            time.sleep(0.5)
        if _is_current(made, writer):
            raise NotMeasured("the replica is current although all four tunnels are cut")
        bed.box.vpns.cut([])
        seen.path = eventually(lambda: _through(made), PATIENCE_SECONDS, "a packet through the tunnels")
        seen.current = eventually(lambda: _is_current(made, writer), PATIENCE_SECONDS, "a current replica")
    seen.written = len(writer.acknowledged)
    eventually(lambda: _same(made), PATIENCE_SECONDS, "both ends are the same")
    seen.missing = _missing(made, writer)
    context.say(
        f"  cut {seconds} s, {seen.written} transactions: slot inactive after {_words(seen.inactive)}, path back after "
        f"{seen.path:.1f} s, current {seen.current:.1f} s later, {len(seen.missing)} missing"
    )
    return seen


def _active(made: Replicated) -> bool:
    return made.source.sql(f"SELECT active FROM pg_replication_slots WHERE slot_name = '{NAME}'") == "t"


def _through(made: Replicated) -> bool:
    words = ("ping", "-c", "1", "-W", "0.5", SOURCE)
    return "1 received" in run_command("ip", "netns", "exec", made.target.room.namespace, *words, check=False)


def _is_current(made: Replicated, writer: Writer) -> bool:
    wanted = writer.known(time.monotonic() - FRESH_SECONDS)
    return wanted > 0 and int(made.target.sql("SELECT coalesce(max(id), 0) FROM orders", NAME)) >= wanted


def _same(made: Replicated) -> bool:
    return made.source.sql(SUMS, NAME) == made.target.sql(SUMS, NAME)


def _missing(made: Replicated, writer: Writer) -> list[int]:
    there = {int(one) for one in made.target.sql("SELECT id FROM orders", NAME).split()}
    return [number for number, _ in writer.acknowledged if number not in there]


def _control(made: Replicated, seen: Seen) -> None:
    """A row that is taken away on purpose, past the gate, makes a difference."""
    taken = "DELETE FROM orders WHERE id = (SELECT max(id) FROM orders)"
    made.target.sql(f"SET session_replication_role = replica; {taken}", NAME)
    if _same(made) or not seen.written:
        raise NotMeasured("a row that was taken away on purpose was not missed: the comparison sees nothing")


def _words(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"
