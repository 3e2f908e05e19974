"""The table of breakages, and what decides that one was named and mended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from benchmarks.breakages import bench, run
from benchmarks.breakages.database import DATABASE, NEEDS_A_VOLUME, SAMPLE
from benchmarks.breakages.standby import STANDBY
from benchmarks.breakages.table import Breakage, Mended

ROWS = (*bench.ROWS, *STANDBY)
SENTENCE = "source: sync_binlog is 0 in the running server instead of 1: run `twinsite repair`"
ROW = Breakage("sync-binlog-off", "source", ("sync_binlog is 0", "twinsite repair"))
BY_HAND = Breakage("sync-binlog-off", "source", ("sync_binlog is 0",), Mended.PERSON)


@dataclass
class FakeDesk:
    """A stack with one thing that can be broken."""

    says: str = SENTENCE
    repairs: bool = True
    broken: bool = False
    done: list[str] = field(default_factory=list)

    def status(self) -> dict[str, Any]:
        return {"problems": [self.says] if self.broken and self.says else []}

    def command(self, words: Sequence[str]) -> dict[str, Any]:
        self.done.append(" ".join(words))
        self.broken = self.broken and not self.repairs
        return {"verdict": "passed" if self.repairs else "failed", "problems": [], "refused": []}

    def shell(self, place: str, program: str, *arguments: str) -> str:
        self.done.append(arguments[0])
        self.broken = arguments[0] == "make"
        return ""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "NAMED_SECONDS", 0.0)
    monkeypatch.setattr(run, "BACK_SECONDS", 0.0)
    monkeypatch.setattr(run, "PAUSE_SECONDS", 0.0)


def test_what_is_named_and_repaired_holds_and_nobody_undoes_it() -> None:
    desk = FakeDesk()
    found = run.one(desk, ROW)
    assert found.seconds is not None
    assert (found.mended, found.said, found.wrong) == (True, SENTENCE, "")
    assert desk.done == ["make", "twinsite repair"]


def test_what_a_person_mends_is_undone_by_the_rows_own_program() -> None:
    desk = FakeDesk()
    assert run.one(desk, BY_HAND).mended
    assert desk.done == ["make", "undo"]


@pytest.mark.parametrize("says", ["", "source: something is wrong: run `twinsite repair`", "source: sync_binlog is 0"])
def test_silence_another_cause_or_no_fix_is_not_named(says: str) -> None:
    assert run.one(FakeDesk(says), ROW).seconds is None


def test_a_repair_that_leaves_it_broken_has_not_mended_and_the_row_is_undone_all_the_same() -> None:
    desk = FakeDesk(repairs=False)
    found = run.one(desk, ROW)
    assert not found.mended
    assert "failed" in found.wrong
    assert desk.done[-1] == "undo"
    assert not desk.broken


def test_a_promise_that_it_heals_is_found() -> None:
    assert "promised" in run.one(FakeDesk(f"{SENTENCE}; it comes back by itself"), ROW).wrong


def test_every_row_has_a_name_of_its_own_and_can_be_made_and_undone() -> None:
    names = [row.name for row in ROWS]
    assert sorted(set(names)) == sorted(names)
    for row in ROWS:
        assert f'"{row.name} make"' in row.program, f"nothing breaks {row.name}"
        # What no row of its own undoes on a standby its role does, applied again.
        undone = f'"{row.name} undo"' in row.program or '*" undo") /usr/local/sbin/twinsite-guest' in row.program
        assert undone or row.mended is not Mended.PERSON, f"nobody undoes {row.name}"


def test_every_sentence_is_asked_for_its_cause_and_its_fix() -> None:
    assert [row.name for row in ROWS if len(row.says) < 2] == []


def test_there_are_as_many_as_promised() -> None:
    assert (len(DATABASE), len(bench.ROWS) - len(DATABASE)) == (37, 32)
    assert {*SAMPLE, *NEEDS_A_VOLUME} <= {row.name for row in DATABASE}
