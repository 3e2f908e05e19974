"""Every command that acts leaves records, however it ends: refused before anybody is asked, or by its plan, done, or
killed in any of its steps."""

import json
import os
import pathlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from operations import cli
from operations.drill import command, tunnel_cut
from operations.drill.cut_steps import steps_of
from operations.drill.tunnel_cut import Request, plan
from operations.steps import Steps
from tests import failover_world
from tests.evidence_chain import VERIFIER, key, records, told, trust
from tests.operations_hosts import FakeTransport, HostWorld
from tests.operations_world import INVENTORY
from twinsite.inventory import to_dict

DRILL = ["drill", "tunnel-cut", "--settle", "0", "--json"]
STEPS = ["take-lock", *(step.name for step in steps_of(plan(INVENTORY, Request())))]


@pytest.fixture
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostWorld]:
    """A project folder with an inventory file, a place for evidence, and hosts in memory; a drill of a moment."""
    monkeypatch.chdir(tmp_path)
    for name, inventory in (("dev", INVENTORY), ("dr", failover_world.INVENTORY)):
        (tmp_path / f"{name}.json").write_text(json.dumps(to_dict(inventory)))
    monkeypatch.setenv("TWINSITE_INVENTORY", "dev.json")
    monkeypatch.setenv("TWINSITE_EVIDENCE", f"file://{tmp_path}/place")
    monkeypatch.setenv("TWINSITE_EVIDENCE_KEY", str(key(tmp_path, "ann").path))
    for name, value in (("WRITE_BEFORE_SECONDS", 0.05), ("WRITE_AFTER_SECONDS", 0.05), ("ROW_SECONDS", 0.05)):
        monkeypatch.setattr(tunnel_cut, name, value)
    planned = tunnel_cut.plan

    def short(*arguments: object) -> tunnel_cut.Plan:
        found = planned(*arguments)  # type: ignore[arg-type]
        return replace(found, cut=replace(found.cut, seconds=0.15))

    monkeypatch.setattr(command, "plan", short)
    world = HostWorld()
    monkeypatch.setattr(cli, "connect", lambda _: FakeTransport(world))
    yield world


def chained(folder: pathlib.Path, stack: str = "dev") -> list[dict[str, Any]]:
    """What the chain says; it is verified."""
    there = folder / "place" / stack
    assert VERIFIER.main(["--keys", str(trust(folder, key(folder, "ann"))), str(there)]) == 0
    return [told(one) for one in records(there).values()]


def test_a_drill_leaves_its_plan_its_phases_and_its_clocks(
    desk: HostWorld, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(DRILL)
    answer = json.loads(capsys.readouterr().out)
    _, planned, ended = chained(tmp_path)
    assert len(planned["plan"]["steps"]) == len(STEPS) - 1
    assert ended["phases"] == answer["steps"] and ended["phases"]
    assert set(ended["clocks"]) == {host.name for host in INVENTORY.hosts}
    assert ended["checks"]["each"] == answer["checks"] and ended["checks"]["failed"] + ended["checks"]["passed"] > 5
    assert set(ended["files"]) == {pathlib.Path(answer[one]).name for one in ("evidence", "report")}
    assert answer["record"]["number"] == 3


@pytest.mark.parametrize(
    ("stack", "typed", "why"),
    [
        ("dev", ["failover", "--to", "onprem"], "has no "),
        ("dr", ["repair"], "has no "),
        ("dr", ["switchover", "--to", "azure"], "has no PostgreSQL replica with a job that moves its writer"),
        ("dr", ["drill", "failover", "--live"], "--live would move users"),
        ("dev", ["drill", "tunnel-cut", "--at", "moon"], "--at moon: this tunnel's gateways are"),
    ],
)
def test_an_attempt_that_was_refused_is_recorded_with_why(
    desk: HostWorld, tmp_path: pathlib.Path, stack: str, typed: list[str], why: str
) -> None:
    assert cli.main(["--inventory", f"{stack}.json", *typed]) == 2
    began, ended = chained(tmp_path, stack)
    assert (began["event"], ended["event"], ended["verdict"], ended["plan"]) == ("began", "ended", "refused", None)
    assert why in ended["deviations"][0]


def test_looking_leaves_no_record(desk: HostWorld, tmp_path: pathlib.Path) -> None:
    for typed in (["status"], ["repair", "--plan"], ["report"]):
        cli.main(typed)
    assert not (tmp_path / "place").exists()


def test_a_repair_is_recorded_with_what_it_had_to_do(desk: HostWorld, tmp_path: pathlib.Path) -> None:
    assert cli.main(["repair"]) == 0
    began, planned, ended = chained(tmp_path)
    assert (began["command"], planned["plan"]["steps"], ended["verdict"]) == ("repair", [], "passed")


@pytest.mark.parametrize("step", STEPS)
def test_a_drill_that_is_killed_in_a_step_has_left_its_plan(
    desk: HostWorld, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """kill -9: nothing of this process runs after it."""
    child = os.fork()
    if not child:
        run = Steps.run

        def killed(self: Steps, one: Any, *more: Any, **named: Any) -> Any:
            if one.name == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return run(self, one, *more, **named)

        Steps.run = killed  # type: ignore[method-assign]
        try:
            cli.main(DRILL)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    began, planned = chained(tmp_path)
    assert (began["event"], planned["event"]) == ("began", "planned")
    assert planned["plan"]["digest"].startswith("sha256:")
