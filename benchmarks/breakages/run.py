"""Makes each breakage, looks until it is named, mends it as the table says; and looks at a healthy stack under load."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .table import HEALS, NAMED_SECONDS, Breakage, Mended

BACK_SECONDS = 90.0
"""Everything works again so long after it was mended."""
PAUSE_SECONDS = 0.5


class Desk(Protocol):
    """Where a person sits: the two commands, and a login on the hosts."""

    def status(self) -> dict[str, Any]:
        """`twinsite status --json`."""

    def command(self, words: Sequence[str]) -> dict[str, Any]:
        """Another command's JSON."""

    def shell(self, place: str, program: str, *arguments: str) -> str:
        """A shell program on a host, as root; its output. Whoever implements it fails when it fails."""


@dataclass(frozen=True)
class Outcome:
    """What came of one breakage."""

    name: str
    seconds: float | None
    """Until status named it; None: it did not in NAMED_SECONDS."""
    mended: bool
    """As the table says, and nothing else is left."""
    said: str
    """The sentence that named it, else all that status said."""
    wrong: str = ""
    """What was not as it must be, besides."""

    def __str__(self) -> str:
        named = "NOT NAMED" if self.seconds is None else f"{self.seconds:.1f} s"
        return f"{self.name}: {named}, {'mended' if self.mended else 'NOT MENDED'}; {self.said} {self.wrong}".strip()


def one(desk: Desk, row: Breakage) -> Outcome:
    """Break, look, mend. Whatever comes of it, the row's own undo is run when it was not mended as told."""
    desk.shell(row.place, row.program, "make", row.name)
    mended = False
    try:
        seconds, said, problems = _named(desk, row)
        promises = [words for words in problems if row.promises_nothing and HEALS in words]
        words = f"(promised: {'; '.join(promises)})" if promises else ""
        if row.mended is Mended.PERSON:
            desk.shell(row.place, row.program, "undo", row.name)
        else:
            found = desk.command(row.mended.words)
            if found["verdict"] != "passed":
                words += f" ({row.mended.value}: {found['verdict']}, {found['problems'] + found['refused']})"
        left = _until_healthy(desk)
        mended = not left
        return Outcome(row.name, seconds, mended, said, f"{words} {f'(left: {left})' if left else ''}".strip())
    finally:
        if not mended:
            desk.shell(row.place, row.program, "undo", row.name)
            _until_healthy(desk)


def _named(desk: Desk, row: Breakage) -> tuple[float | None, str, list[str]]:
    began = time.monotonic()
    while True:
        problems: list[str] = desk.status()["problems"]
        seconds = time.monotonic() - began
        if said := row.named_in(problems):
            return seconds, said, problems
        if seconds > NAMED_SECONDS:
            return None, f"status said: {problems}", problems
        time.sleep(PAUSE_SECONDS)


def _until_healthy(desk: Desk) -> list[str]:
    """What is still wrong after BACK_SECONDS."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        problems: list[str] = desk.status()["problems"]
        if not problems or time.monotonic() > deadline:
            return problems
        time.sleep(PAUSE_SECONDS)


def alarms(desk: Desk, seconds: float) -> Iterator[list[str]]:
    """The problems of each look in this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield desk.status()["problems"]
        time.sleep(PAUSE_SECONDS)
