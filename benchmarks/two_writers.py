"""Who may write (ADR 44), on the pure model: seeded schedules of cuts, pauses, kills and failovers, and with each rule
taken away, for a checker that finds no second writer must be seen finding one."""

from collections.abc import Iterator

from tests.writer_schedules import ENOUGH, WITHOUT, Schedule, first_with_two

from .context import Context, NotMeasured
from .figure import Figure, value_at_least, value_is

SCHEDULES, LONG_SCHEDULES = 1000, 10_000


def run(context: Context) -> Iterator[Figure]:
    """Two figures."""
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
