"""The benchmark: every row on stack dev's machines, after a healthy time under load."""

from collections.abc import Iterator
from pathlib import Path

from ..context import Context
from ..figure import Figure, value_at_most, value_is
from ..live import Live
from . import run as runner
from .database import DATABASE
from .gateway import AGENT, GATEWAY
from .table import GUEST, NAMED_SECONDS

ROWS = (*DATABASE, *GATEWAY, *AGENT)
LOAD_SECONDS, LONG_LOAD_SECONDS = 120, 3600
BEFORE = 5 / 18
"""Of eighteen silent breakages on stack dev five were named with the true cause before hosts judged themselves
(November 2026)."""


class _Desk:
    """runner.Desk at the lab's desk."""

    def __init__(self, live: Live, folder: Path) -> None:
        self._live, self._file = live, folder / "breakage.sh"
        self.status, self.command = live.status, live.command

    def shell(self, place: str, program: str, *arguments: str) -> str:
        """A shell program on a host."""
        self._file.write_text(program, encoding="utf-8")
        return self._live.on(place, str(self._file), *arguments)


def run(context: Context) -> Iterator[Figure]:
    """False alarms first: afterwards the hosts have been broken many times."""
    live = context.once(Live)
    desk = _Desk(live, context.folder)
    seconds = LONG_LOAD_SECONDS if context.long else LOAD_SECONDS
    looks = _under_load(context, live, desk, seconds)
    outcomes = []
    for row in ROWS:
        outcomes.append(runner.one(desk, row))
        context.say(f"  {outcomes[-1]}")
    named = [one.seconds for one in outcomes if one.seconds is not None]
    yield Figure(
        name=f"silent breakages that status names with their cause and fix, of {len(outcomes)}",
        value=len(named) / len(outcomes),
        unit="share",
        must=value_is(1.0),
        compared_to="the share of 18 before hosts judged themselves",
        compared_value=BEFORE,
        runs={"not named": [one.name for one in outcomes if one.seconds is None]},
    )
    yield Figure(
        name="slowest until it was named",
        value=max(named, default=None),
        unit="s",
        must=value_at_most(NAMED_SECONDS),
        compared_to="median",
        compared_value=sorted(named)[len(named) // 2] if named else None,
    )
    yield Figure(
        name="mended by what status says, and nothing else promised",
        value=sum(one.mended and not one.wrong for one in outcomes) / len(outcomes),
        unit="share",
        must=value_is(1.0),
        compared_to="nothing",
        runs={"not": [str(one) for one in outcomes if not one.mended or one.wrong]},
    )
    yield Figure(
        name=f"false alarms in {seconds} s of a healthy stack under load",
        value=sum(bool(problems) for problems in looks) if looks else None,
        unit="looks",
        must=value_is(0),
        compared_to="breakages that the same looks have named (positive control)",
        compared_value=len(named),
        runs={"looks": [len(looks)], "alarms": [words for problems in looks for words in problems]},
        note="" if context.long else f"{LOAD_SECONDS} s; the promise is an hour: --long",
    )


def _under_load(context: Context, live: Live, desk: _Desk, seconds: int) -> list[list[str]]:
    context.say(f"{seconds} s of load on a healthy stack")
    load = str(GUEST / "load.sh")
    live.on("source", load, "start", str(seconds + 60))
    try:
        return list(runner.alarms(desk, seconds))
    finally:
        live.on("source", load, "stop")
