"""Who may write (ADR 44), on the pure model: seeded schedules of cuts, pauses, kills and failovers, and with each rule
taken away, for a checker that finds no second writer must be seen finding one. `--long`: also real agents of two sites,
each beside a real PostgreSQL with sessions that try to write there all the time (ADR 65)."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.servers.postgres import running_pair
from tests.servers.writer_sites import RULE, SCHEDULE_SECONDS, Sites, whole_schedule
from tests.writer_schedules import ENOUGH, WITHOUT, Schedule, first_with_two

from .context import Context, NotMeasured
from .figure import Figure, value_at_least, value_is

SCHEDULES, LONG_SCHEDULES = 1000, 10_000
SERVER_SCHEDULES = 12


def run(context: Context) -> Iterator[Figure]:
    """Two figures; `--long`: three."""
    count = LONG_SCHEDULES if context.long else SCHEDULES
    seen = [Schedule(seed).run() for seed in range(count)]
    moved = sum(bool(one.opened["B"] and one.decided) for one in seen)
    found: dict[str, int | None] = {}
    for rule, make in WITHOUT.items():
        found[rule] = first_with_two(make)
        context.say(f"without {rule}: two writers in schedule {found[rule]}")
    if missed := [rule for rule, seed in found.items() if seed is None]:
        raise NotMeasured(f"nothing of {ENOUGH} schedules shows what these rules are for: {', '.join(missed)}")
    yield Figure(
        name="two writers at once, seeded schedules on the pure model",
        value=sum(bool(one.two_writers) for one in seen),
        unit="schedules",
        must=value_is(0),
        compared_to="schedules until two wrote with a rule taken away, the slowest of the rules to show it",
        compared_value=max(seed + 1 for seed in found.values() if seed is not None),
        runs={
            "schedules": [count],
            "first seed with two writers, without": [f"{one}: {at}" for one, at in found.items()],
        },
        note=f"{count} schedules",
    )
    yield Figure(
        name="failovers that came to their end in the same schedules",
        value=moved,
        unit="schedules",
        must=value_at_least(count / 2),
        compared_to="schedules: a model in which nobody ever writes has no two writers, either",
        compared_value=count,
    )
    if context.long:
        yield _between_servers(context)


def _between_servers(context: Context) -> Figure:
    """Agents, servers and sessions, killed, stopped and cut off from registers."""
    both, moves, writes = [], 0, 0
    with running_pair() as servers:
        for seed in range(SERVER_SCHEDULES):
            with tempfile.TemporaryDirectory(prefix="twinsite-writers-") as folder:
                sites = Sites(servers, f"writers{seed}", Path(folder))
                try:
                    sites.begin()
                    moved, written = whole_schedule(sites, seed)
                except AssertionError as wrong:
                    if not sites.late():
                        raise NotMeasured(f"schedule {seed}: {wrong}") from None
                    both.append(seed)
                else:
                    moves, writes = moves + moved, writes + written
                    context.say(f"  schedule {seed}: {moved} failovers, {written} writes, one writer at a time")
                finally:
                    sites.end()
    return Figure(
        name="two writers at once, seeded schedules of agents beside PostgreSQL servers",
        value=len(both),
        unit="schedules",
        must=value_is(0),
        compared_to="failovers in them",
        compared_value=moves,
        runs={"schedules": [SERVER_SCHEDULES], "seconds of each": [SCHEDULE_SECONDS], "with two writers": both},
        note=f"{writes} writes acknowledged; lease {RULE.lease_seconds:g} s; a second writer planted in each was seen",
    )
