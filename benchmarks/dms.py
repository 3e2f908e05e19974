"""A DMS task of the lab's between two real databases, MySQL and PostgreSQL, told what the component publishes.

Rows loaded and changed, the document's settings beside ours on the same pair, a path that is cut for a minute. What it
says of DMS is what the lab's stand-in does by the user guide (ADR 60); its speed is the lab's.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lab.services.dms.task import FRESH, RELOAD
from tests.dms_pairs import ONE_ROW, ROWS, SOURCE, TARGET, TRANSACTIONS, Pair, differing, validated
from tests.lab.dms_pair import MySqlPair
from tests.lab.two_servers import running_servers
from tests.mocks.test_dms_cdc_task import ALARM, MYSQL, build
from tests.servers.dms_carried import fresh
from tests.servers.dms_pair import PostgresPair
from tests.servers.load import Load, missing
from tests.servers.postgres import Postgres, running_pair

from .context import Context, NotMeasured
from .figure import Figure, value_at_most, value_is

PATIENCE = 300.0
CUT_SECONDS = 60.0
ALARM_AT = {"latency_alarm_seconds": 10, "latency_alarm_minutes": 1}
"""A cut of a minute is none for the component's own alarm, which waits for three."""
SESSIONS = 4
FEW = 500
"""Rows of a pair that is loaded twice or cut."""

Make = Callable[[str, int], Pair]


def run(context: Context) -> Iterator[Figure]:
    """Seven figures an engine, and two of moves."""
    with contextlib.ExitStack() as servers:
        folder = context.folder / "dms"
        folder.mkdir()
        context.say("PostgreSQL 16 and 18")
        pair = servers.enter_context(running_pair())
        yield from _engine(context, "PostgreSQL", lambda name, rows: PostgresPair(*pair, name, _in(folder, name), rows))
        context.say("PostgreSQL: the writer there and home")
        yield from moves(context, pair, _in(folder, "moves"))
    with contextlib.ExitStack() as servers:
        context.say("two MySQL 9.7 servers of the machine image")
        both = servers.enter_context(running_servers())
        yield from _engine(context, "MySQL", lambda name, rows: MySqlPair(both, _in(folder, f"my{name}"), rows))


def _in(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _engine(context: Context, engine: str, make: Make) -> Iterator[Figure]:
    for name, rows, measure in (("rows", ROWS, _rows), ("settings", FEW, _settings), ("cut", FEW, _cut)):
        context.say(f"{engine}: {name}")
        pair = make(name, rows)
        try:
            yield from measure(context, engine, pair)
        finally:
            pair.gone()


def _until(holds: Callable[[], bool], what: str) -> float:
    """Seconds until it holds. NotMeasured when it does not."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > PATIENCE:
            raise NotMeasured(f"{what}: not within {PATIENCE:g} s")
        time.sleep(0.1)
    return time.monotonic() - began


def _apart(pair: Pair) -> int:
    """Rows that one end lacks, or that differ, by content."""
    here, there = set(pair.listed(SOURCE)), set(pair.listed(TARGET))
    return len(here ^ there)


def _rows(context: Context, engine: str, pair: Pair) -> Iterator[Figure]:
    began = time.monotonic()
    task = pair.start(pair.task())
    pair.write(TRANSACTIONS)
    written = time.monotonic() - began
    late = _until(pair.same, "the last transaction at the target")
    apart = _apart(pair)
    _until(lambda: validated(task), "every table compared by the task")
    pair.ask(TARGET, "UPDATE shop.orders SET cents = 0.5 WHERE id = 9000")
    pair.ask(SOURCE, "UPDATE shop.orders SET cents = cents + 1 WHERE id = 8000")
    _until(lambda: differing(task)[1] > 0, "the planted difference, by the task")
    _until(lambda: _apart(pair) == 2, "the other change")
    context.say(f"{engine}: written in {written:.1f} s, equal {late:.1f} s later")
    yield Figure(
        name=f"{engine}: {ROWS} rows loaded, {TRANSACTIONS} transactions meanwhile: rows missing or different",
        value=float(apart),
        unit="rows",
        must=value_is(0),
        compared_to="rows in all; one that was changed at the target on purpose is found by content and by DMS",
        compared_value=float(len(pair.listed(SOURCE))),
        runs={"written within s": [round(written, 1)], "equal after the last commit, s": [round(late, 2)]},
    )


def _settings(context: Context, engine: str, pair: Pair) -> Iterator[Figure]:
    ours = pair.start(pair.task())
    _until(pair.same, "the load")
    _until(lambda: validated(ours), "every table compared")
    ours.stop()
    pair.ask(TARGET, "INSERT INTO shop.orders (id, customer, cents) VALUES (999, 1, 1)")
    pair.start(ours, "resume-processing")
    pair.write(40)
    last = "SELECT MAX(id) FROM shop.orders WHERE id < 999"
    _until(lambda: pair.ask(TARGET, last) == pair.ask(SOURCE, last), "the changes")
    ours.stop()
    mine = _harm(pair)
    theirs = pair.start(pair.task(theirs=True), RELOAD)
    _until(lambda: pair.lobs() == pair.cut_off, "the document's load")
    _until(lambda: pair.made_natively() == "0|0", "both tables dropped")
    _until(lambda: theirs.statistics.rows()[-1]["TableState"] == "Table completed", "the document's load")
    others = _harm(pair)
    for what, unit in (("rows of the target lost", "rows"), ("long values cut off", "values"),
                       ("indexes and foreign keys dropped", "objects")):  # fmt: skip
        yield Figure(
            name=f"{engine}: {what}, by our settings",
            value=float(mine[what]),
            unit=unit,
            must=value_is(0),
            compared_to="by document 004's settings, the same pair, started again",
            compared_value=float(others[what]),
        )


def _harm(pair: Pair) -> dict[str, int]:
    sizes = zip(pair.lobs().split("|"), ("50000", "60000"), strict=True)
    return {
        "rows of the target lost": 1 - int(pair.ask(TARGET, ONE_ROW)),
        "long values cut off": sum(found != whole for found, whole in sizes),
        "indexes and foreign keys dropped": sum(one == "0" for one in pair.made_natively().split("|")),
    }


def _cut(context: Context, engine: str, pair: Pair) -> Iterator[Figure]:
    task = pair.start(pair.task(seconds=10.0))
    _until(pair.same, "the load")
    first = time.time()
    pair.way.cut()
    until = time.monotonic() + CUT_SECONDS
    written = 0
    while time.monotonic() < until:
        pair.write(20)
        written += 20
        time.sleep(min(1.0, max(0.0, until - time.monotonic())))
    pair.way.mend()
    back = _until(pair.same, "what was written during the cut")
    context.say(f"{engine}: {written} transactions in a cut of {CUT_SECONDS:g} s, equal {back:.1f} s after it")
    # The alarm clears with the first whole minute that is quiet.
    quiet = 60.0 * (2 + time.time() // 60)
    _until(lambda: time.time() > quiet + 1, "a quiet minute")
    states = {
        name: alarmed(_alarm(name), _minutes(task.latencies, at, first)) for at, name in ((1, "source"), (2, "target"))
    }
    conditions = f"{written} transactions meanwhile; the component's own settings; nobody's hand"
    yield Figure(
        name=f"{engine}: path cut {CUT_SECONDS:g} s: all rows equal after its return",
        value=back,
        unit="s",
        must=value_at_most(15),
        compared_to="the cut",
        compared_value=CUT_SECONDS,
        note=conditions,
    )
    yield Figure(
        name=f"{engine}: path cut {CUT_SECONDS:g} s: rows missing or different",
        value=float(_apart(pair)),
        unit="rows",
        must=value_is(0),
        compared_to="rows in all",
        compared_value=float(len(pair.listed(SOURCE))),
    )
    yield Figure(
        name=f"{engine}: path cut {CUT_SECONDS:g} s: alarms on latency that came up and cleared",
        value=float(sum("ALARM" in found and found[-1] == "OK" for found in states.values())),
        unit="alarms",
        must=value_is(2),
        compared_to="alarms on latency",
        compared_value=2.0,
        runs=states,
        note="by their own inputs, with latency_alarm_seconds 10 and latency_alarm_minutes 1; minute by minute",
    )


def moves(context: Context, pair: tuple[Postgres, Postgres], folder: Path) -> Iterator[Figure]:
    """The writer over and home under load, home loaded anew by a task the other way in between."""
    flow = fresh(pair, folder)
    try:
        with Load(pair, flow.name, SESSIONS) as load:
            load.wait_for(100, PATIENCE)
            found = [flow.must("switch", "--epoch", "1")]
            load.wait_for(100, PATIENCE)
            flow.task().stop()
            flow.must("rejoin", "--epoch", "1")
            flow.must("reseed")
            flow.task("source").start(FRESH)
            _until(flow.current, "home to have what is written away")
            found.append(flow.must("switch", "--epoch", "2", "--to", "source"))
            load.wait_for(100, PATIENCE)
        lost = missing(load, flow.source)
        flow.here(
            f"DELETE FROM orders WHERE customer = (SELECT id FROM customers WHERE name = '{min(load.acknowledged)}')"
        )
        planted = missing(load, flow.source)
    finally:
        flow.over()
    if len(planted) != len(lost) + 1:
        raise NotMeasured("a transaction that was deleted on purpose was not found")
    closed = [float(one["closed_seconds"]) for one in found]
    note = f"{SESSIONS} sessions; the job's verbs, no pods; {len(load.acknowledged)} transactions acknowledged"
    yield Figure(
        name="PostgreSQL: switchover and home under load: write outage at the database, the longer",
        value=max(closed),
        unit="s",
        must=value_at_most(10),
        compared_to="the longest time in which no session was acknowledged",
        compared_value=round(load.longest_gap(), 2),
        runs={"there and home, s": closed},
        note=note,
    )
    yield Figure(
        name="PostgreSQL: switchover and home under load: acknowledged transactions missing",
        value=float(len(lost)),
        unit="transactions",
        must=value_is(0),
        compared_to="acknowledged; one that was deleted on purpose is found",
        compared_value=float(len(load.acknowledged)),
        note=note,
    )


def _alarm(side: str) -> dict[str, Any]:
    """What the component publishes."""
    inputs: dict[str, Any] = build(MYSQL, **ALARM_AT).one(f"t-latency-{side}", ALARM).inputs
    return inputs


def _minutes(told: Sequence[tuple[float, float, float]], at: int, first: float) -> list[float | None]:
    """The maximum of each whole minute from the one of `first` on; None where nothing was told."""
    begin, now = int(first // 60), int(time.time() // 60)
    return [max((one[at] for one in told if int(one[0] // 60) == minute), default=None) for minute in range(begin, now)]


def alarmed(alarm: dict[str, Any], minutes: Sequence[float | None]) -> list[str]:
    """State after each minute, as CloudWatch evaluates a static threshold whose missing data are breaching."""
    assert alarm["comparisonOperator"] == "GreaterThanThreshold" and alarm["treatMissingData"] == "breaching"
    over = [value is None or value > float(alarm["threshold"]) for value in minutes]
    periods = int(alarm["evaluationPeriods"])
    return [
        "ALARM" if all(over[max(0, end - periods) : end]) and end >= periods else "OK"
        for end in range(1, len(over) + 1)
    ]
