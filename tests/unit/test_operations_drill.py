"""The drill's order of things, on hosts in memory: it measures, refuses, and leaves nothing wherever it is stopped."""

import io
import json
import pathlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from operations import steps
from operations.console import Plain
from operations.drill import command, tunnel_cut
from operations.drill.kinds import Direction, How
from operations.drill.tunnel_cut import Refusal, Request, plan
from operations.journal.document import Journal, begin
from operations.journal.keepers import OnDisk
from operations.report import page
from operations.stack import Stack
from tests.operations_hosts import FakeTransport, HostWorld
from tests.operations_world import INVENTORY


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A drill of a quarter of a second: lengths are plain values, nothing waits for what does not happen."""
    for name, value in (("WRITE_BEFORE_SECONDS", 0.05), ("WRITE_AFTER_SECONDS", 0.05), ("ROW_SECONDS", 0.05)):
        monkeypatch.setattr(tunnel_cut, name, value)
    planned = tunnel_cut.plan

    def short(*arguments: object) -> tunnel_cut.Plan:
        found = planned(*arguments)  # type: ignore[arg-type]
        return replace(found, cut=replace(found.cut, seconds=0.15))

    monkeypatch.setattr(command, "plan", short)
    yield


def run(
    world: HostWorld, folder: pathlib.Path, request: Request | None = None, break_lock: bool = False
) -> dict[str, object]:
    stack = Stack("dev", INVENTORY, folder)
    request = request or Request(settle=0.0)
    return command.run(stack, FakeTransport(world), request, Plain(io.StringIO()), break_lock)


def test_a_drill_measures_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    world = HostWorld()
    result = run(world, tmp_path)
    assert world.left() == []
    # Of these worlds the echoes are few: what has to be seen is that every step was taken.
    assert [step["name"] for step in result["steps"] if step["outcome"] == "failed"] == []  # type: ignore[index,attr-defined]
    assert result["problems"] == []
    evidence = json.loads(pathlib.Path(str(result["evidence"])).read_text())
    assert evidence["digest"] == "digest-1"
    assert evidence["figures"] == result["figures"]
    assert "<svg" in pathlib.Path(str(result["report"])).read_text()
    assert pathlib.Path(str(result["report"])).with_suffix(".png").stat().st_size > 10_000


def test_the_journal_is_here_and_in_the_store(tmp_path: pathlib.Path) -> None:
    world = HostWorld()
    run(world, tmp_path)
    (here,) = (tmp_path / "journal").glob("*.json")
    (there,) = world.store.values()
    assert here.read_text() == there
    written = json.loads(there)
    assert (written["version"], written["command"], written["from"]) == (2, "drill tunnel-cut", "pilot-light")
    assert [entry["step"] for entry in written["entries"][:3]] == ["take-lock", "clear-leftovers", "steady-state"]
    assert written["ended"] and written["verdict"]


def test_an_interruption_at_any_moment_leaves_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "write", lambda path, *_: path)
    verdicts = {}
    for moment in range(1, 200):
        world = HostWorld(interrupt_at=moment)
        with steps.stoppable():
            result = run(world, tmp_path / str(moment))
        assert world.left() == [], f"interrupted at {world.calls}"
        verdicts[moment] = result["verdict"]
        if world.interrupt_at > 0:
            break
    # From the lock to the last count it ends the drill; while things are put back it is answered, not obeyed.
    ended = [moment for moment, verdict in verdicts.items() if verdict == "failed"]
    assert world.interrupt_at > 0, "the drill never got to its end"
    assert ended[: len(verdicts) - 7] == list(range(1, len(verdicts) - 6))


@dataclass(frozen=True)
class Broken(steps.Step[None]):
    """A step whose undoing is the test's."""

    undoing: str
    action: Callable[[], str | None]
    name = title = "break"
    needs = "nothing"
    planes = ()

    @property
    def back(self) -> str:
        return self.undoing

    def do(self, hands: None, choices: object, say: object) -> steps.Outcome:
        return steps.Outcome()

    def take_back(self, hands: None) -> str | None:
        return self.action()


def nowhere(folder: pathlib.Path) -> Journal:
    return Journal(begin("drill", "ann"), OnDisk(folder))


def test_a_signal_during_the_undoing_does_not_stop_it(tmp_path: pathlib.Path) -> None:
    said: list[str] = []
    done: list[str] = []

    def slow() -> str:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        done.append("undone")
        return "undone"

    series = steps.Steps(Plain(io.StringIO()), nowhere(tmp_path))
    series.run(Broken("undo", slow), None)
    with steps.unstoppable(said.append):
        assert series.undo_all() == []
    assert done == ["undone"]
    assert len(said) == 2


def test_one_thing_that_cannot_be_undone_does_not_keep_the_others(tmp_path: pathlib.Path) -> None:
    done: list[str] = []

    def broken() -> str:
        raise OSError("no way there")

    series = steps.Steps(Plain(io.StringIO()), nowhere(tmp_path))
    series.run(Broken("first", lambda: done.append("first")), None)
    series.run(Broken("second", broken), None)
    series.run(Broken("third", lambda: done.append("third")), None)
    assert series.undo_all() == ["second: no way there"]
    assert done == ["third", "first"]


def test_a_cut_whose_timer_fails_is_ended_by_the_operator_and_fails_the_drill(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operations.drill import faults

    monkeypatch.setattr(faults, "TIMER_PATIENCE_SECONDS", 0.2)
    world = HostWorld(undo_timer_works=False)
    result = run(world, tmp_path)
    assert world.left() == []
    failed = [check["name"] for check in result["checks"] if not check["passed"]]  # type: ignore[index,attr-defined]
    assert "the cut lasted as long as asked" in failed
    assert result["verdict"] == "failed"


def test_an_unsteady_state_is_refused_and_nothing_is_broken(tmp_path: pathlib.Path) -> None:
    world = HostWorld()
    world.reports["onprem-database", "database"]["receiver"]["state"] = "OFF"
    result = run(world, tmp_path)
    assert result["verdict"] == "refused"
    assert "a drill starts from a steady state" in str(result["problems"])
    assert "twinsite repair" in str(result["problems"])
    assert world.fault is None
    assert world.left() == []
    assert not (tmp_path / "evidence").exists()


def test_a_host_that_cannot_be_reached_is_refused(tmp_path: pathlib.Path) -> None:
    result = run(HostWorld(unreachable={"aws-gateway": "timed out"}), tmp_path)
    assert result["verdict"] == "refused"
    assert "aws-gateway cannot be reached" in str(result["problems"])


def test_a_stack_of_which_no_host_answers_is_refused(tmp_path: pathlib.Path) -> None:
    world = HostWorld(unreachable={host.name: "No route to host" for host in INVENTORY.hosts})
    result = run(world, tmp_path)
    assert result["verdict"] == "refused"
    assert "none of the" in str(result["problems"])
    assert not tmp_path.joinpath("journal").exists()


def test_a_second_operation_is_refused_with_the_first_ones_name(tmp_path: pathlib.Path) -> None:
    held = {"id": "other", "owner": "`repair` by ann@desk (process 7)", "since": 0.0, "expires": 9e9}
    world = HostWorld(lock=held)
    result = run(world, tmp_path)
    assert result["verdict"] == "refused"
    assert "ann@desk" in str(result["problems"])
    assert "--break-lock" in str(result["problems"])
    assert world.lock == held


def test_a_lock_that_was_taken_over_means_cleaning_up_first(tmp_path: pathlib.Path) -> None:
    held = {"id": "other", "owner": "somebody", "since": 0.0, "expires": 9e9}
    world = HostWorld(lock=held, fault={"verb": "link-down", "began": 0.0, "ends": 9e9}, writer_runs=True)
    result = run(world, tmp_path, break_lock=True)
    step = next(step for step in result["steps"] if step["name"] == "look for what an earlier drill left")  # type: ignore[index,attr-defined]
    assert "a fault on" in step["detail"]
    assert "twinsite-ledger-old.service on aws-source" in step["detail"]
    assert world.left() == []


def test_kept_data_stays_and_everything_else_goes(tmp_path: pathlib.Path) -> None:
    world = HostWorld()
    run(world, tmp_path, Request(settle=0.0, keep_data=True))
    assert world.left() == ["the writer's tables", "rows of the document"]


def test_a_fault_command_cuts_and_restores(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    script = tmp_path / "cut"
    script.write_text(f"#!/bin/sh\necho $1 >> {log}\n")
    script.chmod(0o755)
    run(HostWorld(), tmp_path, Request(settle=0.0, fault_command=str(script)))
    assert log.read_text().split() == ["on", "off"]


def test_a_fault_command_that_fails_is_still_taken_back(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    script = tmp_path / "cut"
    script.write_text(f"#!/bin/sh\necho $1 >> {log}\n[ $1 = off ] || {{ echo no cable >&2; exit 3; }}\n")
    script.chmod(0o755)
    result = run(HostWorld(), tmp_path, Request(settle=0.0, fault_command=str(script)))
    assert log.read_text().split() == ["on", "off"]
    assert "no cable" in str(result["problems"])
    assert result["verdict"] == "failed"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(seconds=0.1), "--seconds 0.1: give 1 to 3600"),
        (Request(seconds=1e6), "give 1 to 3600"),
        (Request(settle=-1), "--settle -1"),
        (Request(at="moon"), "this tunnel's gateways are onprem (onprem-gateway), aws (aws-gateway)"),
    ],
)
def test_bad_input_is_refused_with_the_choices(request_: Request, words: str) -> None:
    with pytest.raises(Refusal) as refusal:
        plan(INVENTORY, request_)
    assert words in str(refusal.value)


def test_a_stack_without_a_replica_is_refused() -> None:
    with pytest.raises(Refusal, match="has no MySQL replica"):
        plan(replace(INVENTORY, flows=()), Request())


def test_a_stack_without_a_store_is_refused() -> None:
    with pytest.raises(Refusal, match="store"):
        plan(replace(INVENTORY, store="moon:/x"), Request())


@pytest.mark.parametrize(
    ("at", "direction", "way"),
    [
        ("onprem", Direction.TO_AWS, "out"),
        ("onprem", Direction.FROM_AWS, "in"),
        ("aws", Direction.TO_AWS, "in"),
        ("aws-gateway", Direction.FROM_AWS, "out"),
    ],
)
def test_a_one_way_cut_is_the_same_on_either_gateway(at: str, direction: Direction, way: str) -> None:
    assert plan(INVENTORY, Request(how=How.ONE_WAY, at=at, direction=direction)).cut.way == way


def test_the_threads_of_a_drill_end_with_it(tmp_path: pathlib.Path) -> None:
    before = threading.active_count()
    run(HostWorld(), tmp_path)
    steps.wait("the threads to end", lambda: threading.active_count() <= before, 5)
