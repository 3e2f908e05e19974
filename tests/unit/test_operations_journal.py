"""The journal: what it keeps, where, and that what an older twinsite wrote is gone on with."""

import io
import json
import pathlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from operations.console import Plain
from operations.journal import lock
from operations.journal.document import Journal, begin, load, start, unfinished, upgraded
from operations.journal.keepers import OnDesk, OnDisk
from operations.moves import command
from operations.moves.execute import execute
from operations.moves.from_backup.plan import plan
from operations.moves.words import Command, Intent, Plan
from operations.steps import Outcome, Say, Step, Steps
from operations.store import DirectoryStore, Unavailable
from operations.subjects.away import Backup
from tests.failover_world import Model, Site
from tests.property.test_failover_commands import passed


class Nowhere:
    """Keeps nothing."""

    problem = ""

    def keep(self, name: str, content: bytes) -> None: ...

    def close(self, ended: str) -> None: ...


@dataclass(frozen=True)
class Begun(Step[None]):
    """A step that only remembers that it was taken back."""

    named: str
    undone: list[str]
    always: bool = False
    needs = "nothing"
    planes = ()

    @property
    def name(self) -> str:
        return self.named

    @property
    def title(self) -> str:
        return f"do {self.named}"

    @property
    def back(self) -> str:
        return f"undo {self.named}"

    def do(self, hands: None, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome()

    def take_back(self, hands: None) -> str | None:
        self.undone.append(self.named)
        return "undone"


CASES = pathlib.Path(__file__).parents[1] / "cases" / "journal"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in the property tests: no report, no calm, and the process that held the lock is gone."""
    monkeypatch.setattr(command, "_keep", lambda *_: None)
    monkeypatch.setattr(command, "CALM_SECONDS", 0.0)
    monkeypatch.setattr(lock, "gone", lambda _: True)
    yield


def rows(found: Any) -> frozenset[int] | None:
    return None if found is None else frozenset(found)


def killed(line: str) -> Model:
    """Both sites and the store as a command of twinsite with journals of version 1 left them when it was killed."""
    found = json.loads(line)
    model = Model()
    for name in ("alive", "exists", "away_from", "closed", "verified", "latch", "scratch", "clock", "row"):
        setattr(model, name, found[name])
    for site in ("home", "away"):
        setattr(model, site, Site(rows(found[site]["rows"]), found[site]["serves"]))
    model.backups = {
        name: Backup(**{**one, "concerns": tuple(one["concerns"])}) for name, one in found["backups"].items()
    }
    model.held_by = {name: frozenset(held) for name, held in found["held_by"].items()}
    model.aside = {name: frozenset(held) for name, held in found["aside"].items()}
    model.line, model.written_away = frozenset(found["line"]), set(found["written_away"])
    model.store.objects = {name: json.dumps(content).encode() for name, content in found["store"].items()}
    return model


def lines(name: str) -> list[str]:
    return (CASES / f"{name}.jsonl").read_text().splitlines()


@pytest.mark.parametrize("line", lines("failover"))
def test_a_failover_begun_with_a_journal_of_version_1_is_ended(line: str) -> None:
    model = killed(line)
    begun = unfinished(model.store)
    passed(model, Intent(Command.FAILOVER, "azure"))
    assert begun is not None and load(model.store, begun.id) is not None, "it is the same operation"
    assert (model.latch, model.writer().site, unfinished(model.store)) == ([True, True], "azure", None)


@pytest.mark.parametrize("line", lines("failback"))
def test_a_failback_begun_with_a_journal_of_version_1_is_ended_and_loses_nothing(line: str) -> None:
    model = killed(line)
    passed(model, Intent(Command.FAILBACK, "aws"))
    assert model.latch == [False, False]
    assert model.written_away <= (model.home.rows or frozenset())


@pytest.mark.parametrize("command", [Command.DRILL_FAILOVER, Command.DRILL_RESTORE])
def test_a_drill_begun_with_a_journal_of_version_1_goes_back_to_the_mode_that_it_had_raised(command: Command) -> None:
    for line in lines(command.value.replace(" ", "-")):
        model = killed(line)
        decided = plan(model.facts(True), Intent(command))
        assert isinstance(decided, Plan)
        lowered = [step for step in decided.steps if step.name == "lower-mode"]
        assert [step.title for step in lowered] == [
            "lower the mode again: `pulumi config set dr_mode cold`, `pulumi up`"
        ]
        passed(model, Intent(command))
        assert (model.exists, model.scratch, unfinished(model.store)) == (False, False, None)


def test_a_drill_goes_back_to_the_mode_in_which_it_found_the_stack(tmp_path: pathlib.Path) -> None:
    store = DirectoryStore(tmp_path)
    begun = start(store, "drill restore", "azure", "ann", "pilot-light")
    begun.decide({"raised": "yes"})
    found = unfinished(store)
    assert found is not None and found.from_mode == "pilot-light"


def test_a_full_disk_here_stops_neither_steps_nor_their_undoing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "journal").write_text("in the way of the folder, as a full disk is of a file")
    log = Journal(begin("repair", "me"), OnDisk(tmp_path))
    steps, undone = Steps(Plain(io.StringIO()), log), []
    for name in ("first", "second"):
        steps.run(Begun(name, undone), None)
    assert steps.undo_all() == []
    assert undone == ["second", "first"]
    assert "journal" in log.unsent


def test_a_lock_that_somebody_took_is_told_and_nothing_is_put_back_under_their_hands() -> None:
    undone: list[str] = []
    steps = (Begun("raise", undone), Begun("look", undone), Begun("lower", undone, always=True))
    looks = iter([None, lock.Locked("the lock was taken from us: stopped here")])

    def keep() -> None:
        if problem := next(looks):
            raise problem

    log = Journal(begin("drill failover", "me"), Nowhere())
    came = execute(Plan(Command.DRILL_FAILOVER, "azure", steps), log, Steps(Plain(io.StringIO()), log, keep), None)
    assert came.problems == [
        "do look: the lock was taken from us: stopped here", "not put back, because of that: do lower",
    ]  # fmt: skip
    assert log.done() == {"raise"}


def test_a_newer_twinsites_journal_is_left_to_it(tmp_path: pathlib.Path) -> None:
    store = DirectoryStore(tmp_path)
    begun = start(store, "failover", "azure", "ann", "cold")
    begun.note(version=3)
    with pytest.raises(Unavailable, match=r"is of version 3, and this twinsite reads up to 2: go on with the twinsite"):
        unfinished(store)


def test_what_an_older_document_lacks_is_added_once() -> None:
    old = {"id": "a", "choices": {"raised": "yes"}, "entries": []}
    new = upgraded(old, "there")
    assert (new["version"], new["from"]) == (2, "cold")
    assert upgraded(new, "there") is new
    assert upgraded({**old, "choices": {}}, "there")["from"] == ""


class Dark(DirectoryStore):
    """A store to which the way is cut until `light`."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self.light = threading.Event()

    def write(self, name: str, content: bytes) -> None:
        if not self.light.wait(20):
            raise Unavailable("nobody answers")
        super().write(name, content)


def test_a_drill_does_not_wait_for_a_store_behind_its_cut_and_all_of_it_arrives(tmp_path: pathlib.Path) -> None:
    store = Dark(tmp_path / "there")
    journal = Journal(begin("drill tunnel-cut", "ann", "d1"), OnDesk(tmp_path / "here", store))
    for number in range(20):
        journal.end_step(f"step-{number}", "")
        here = json.loads((tmp_path / "here" / "journal" / "d1.json").read_text())
        assert len(here["entries"]) == number + 1, "whole on this desk after every entry"
    assert store.read("journal/d1.json") is None
    store.light.set()
    journal.close("passed")
    found = store.read("journal/d1.json")
    assert found is not None and len(json.loads(found[0])["entries"]) == 20
    assert journal.unsent == ""
