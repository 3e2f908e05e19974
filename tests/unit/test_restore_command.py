"""`twinsite restore`: what it plans and refuses, and that a kill at any moment leaves it to the same command."""

import io
import json
import pathlib
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from operations import cli, offers
from operations.console import Plain
from operations.journal import lock
from operations.moves import command
from operations.moves.from_archive.world import ArchiveWorld
from operations.moves.words import Command, Intent
from operations.stack import Stack
from operations.transport import Done
from tests import aws_gcp_world
from tests.failover_world import Killed, MemoryStore
from twinsite.inventory import Agent, Backups, Host, Pod, Workload, to_dict

ID, OLDER = "20261130T181700Z-0a1b2c3d", "20261129T181700Z-4e5f6a7b"
POD = Pod("gke", "crm", "postgres-restore")
INVENTORY = replace(
    aws_gcp_world.INVENTORY,
    store="gs://operations",
    flows=(),
    hosts=(Host("gcp-postgres-restore", "gcp", "", ("archive",), POD),),
    backups=Backups("gs://crm-dr-backups", "crm", "17 18 * * *", 28.0),
)
NOT_EMPTY = (
    "database crm at 10.31.0.3 is not empty (1 objects, such as table public.customers): restore into an empty one"
)
RESTORE = Intent(Command.RESTORE)


@dataclass
class Target:
    """The job's verbs, as far as what is where goes; dies where it is told to."""

    holds: str = ""
    """A backup's id, or another word for somebody's rows."""
    unfinished: str = ""
    broken: bool = False
    kill_at: int | None = None
    dead: bool = False
    ticks: int = 0
    deeds: list[str] = field(default_factory=list)
    place: str = "CronJob crm/postgres-restore"
    program: str = "archive"

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.tick)

    def tick(self) -> None:
        self.ticks += 1
        if self.dead or (self.kill_at is not None and self.ticks >= self.kill_at):
            self.dead = True
            raise Killed

    def run(self, arguments: Any, seconds: float) -> Done:
        verb, which = arguments
        self.tick()
        self.deeds.append(f"{verb} {which}")
        which = ID if which == "latest" else which
        if which not in (ID, OLDER):
            return Done(2, json.dumps({"outcome": "refused", "problems": [f"there is no backup {which!r}"]}), "")
        code, found = getattr(self, verb)(which)
        self.tick()
        return Done(code, json.dumps({"backup_id": which, "rows": 303, "tables": 11, **found}), "")

    def fit(self, which: str) -> tuple[int, dict[str, Any]]:
        problems = [NOT_EMPTY] if self.holds and not self.unfinished else []
        return int(bool(problems)), {
            "fits": not problems,
            "problems": problems,
            "unfinished": self.unfinished or None,
            "began": "2026-11-30T18:17:00Z",
            "scheduled": True,
            "bytes_total": 1 << 30,
            "branch": "epoch 3",
            "target": {"address": "10.31.0.3", "database": "crm"},
        }

    def restore(self, which: str) -> tuple[int, dict[str, Any]]:
        assert not self.holds or self.unfinished, "rows were written over"
        self.holds = self.unfinished = which
        self.tick()
        if self.broken:
            return 1, {"proved": False, "problems": ["table public.customers is missing"]}
        self.unfinished = ""
        return 0, {"proved": True, "problems": [], "differences": [], "left_behind": ["roles are left behind"]}

    def prove(self, which: str) -> tuple[int, dict[str, Any]]:
        proved = self.holds == which
        return int(not proved), {"proved": proved, "problems": [] if proved else ["other rows"], "differences": []}

    def world(self) -> ArchiveWorld:
        store: Any = self.store
        return ArchiveWorld(store, INVENTORY, lambda say: self)


@pytest.fixture(autouse=True)
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lock, "gone", lambda _: True)


def run(target: Target, intent: Intent = RESTORE, only_plan: bool = False) -> dict[str, Any]:
    stack = Stack("gcp", INVENTORY, pathlib.Path.cwd())
    return command.run(stack, intent, Plain(io.StringIO()), only_plan, target.world)


def test_the_plan_names_the_backup_its_age_and_branch_and_changes_nothing() -> None:
    target = Target()
    found = run(target, only_plan=True)
    assert found["verdict"] == "passed" and target.deeds == ["fit latest"]
    assert [step["name"] for step in found["plan"]] == ["restore-backup"]
    assert f"backup {ID}" in found["says"][0] and "epoch 3: 303 rows in 11 tables" in found["says"][0]
    assert "into crm at 10.31.0.3, at gcp; who may write, and where users are, stays as it is" in found["says"][1]
    assert not target.holds and target.store.objects == {}


def test_it_restores_proves_and_says_what_is_left_for_a_person() -> None:
    target = Target()
    found = run(target)
    assert found["verdict"] == "passed", found["problems"]
    assert target.deeds == ["fit latest", f"fit {ID}", f"restore {ID}"]
    assert found["figures"]["restored_rows"] == 303 and found["figures"]["rpo_seconds"] >= 0
    assert found["figures"]["rpo_basis"] == "the newest scheduled backup"
    assert found["findings"] == ["roles are left behind"]
    assert found["next"][0].startswith("make the application's role at gcp's database")
    assert pathlib.Path(found["report"]).exists() and json.loads(pathlib.Path(found["evidence"]).read_text())


def test_pods_and_registers_are_named_where_there_are_any() -> None:
    target = Target()
    world = target.world()
    away = Workload("crm", "gcp", "gke", "crm", "crm-role", 3, True)
    agent = Agent("gcp", "twinsite-writer", "crm", "gke", "gs://r/agent-gcp.json")
    world.inventory = replace(INVENTORY, workloads=(away,), agents=(agent,), registers=("a", "b", "c"))
    left = world.left(Command.RESTORE, "gcp")
    assert "have the registers name gcp: page writer-agent says how" in left
    assert any("kubectl --context gke -n crm patch configmap crm-role" in words for words in left)


@pytest.mark.parametrize("intent", [RESTORE, replace(RESTORE, backup=OLDER)])
def test_rows_that_are_there_are_never_written_over(intent: Intent) -> None:
    target = Target(holds="somebody's")
    found = run(target, intent)
    assert (found["verdict"], found["problems"]) == ("refused", [NOT_EMPTY])
    assert target.holds == "somebody's" and [deed.split()[0] for deed in target.deeds] == ["fit"]


def test_a_backup_that_is_not_there_is_refused_in_the_jobs_words() -> None:
    found = run(Target(), replace(RESTORE, backup="2026"))
    assert found["verdict"] == "refused" and "there is no backup '2026'" in found["problems"][0]


def test_what_is_not_as_the_manifest_says_is_a_failure_and_begins_anew() -> None:
    target = Target(broken=True)
    found = run(target)
    assert found["verdict"] == "failed"
    assert "what is there is not what the backup was (table public.customers is missing)" in found["problems"][0]
    target.broken = False
    again = run(target)
    assert again["verdict"] == "passed" and f"a restore of backup {ID} ended amid it" in again["says"][2]


def test_killed_anywhere_the_same_command_goes_on_with_the_same_backup() -> None:
    """Between two things that it does, the job's end and the journal's word for it among them."""
    asked, outcomes = replace(RESTORE, backup=OLDER), set()
    whole = Target()
    run(whole, asked)
    for moment in range(1, whole.ticks + 1):
        target = Target(kill_at=moment)
        with pytest.raises(Killed):
            run(target, asked)
        target.dead, target.kill_at = False, None
        told = any(json.loads(content).get("verdict") == "passed" for content in target.store.objects.values())
        found = run(target, asked)
        assert (target.holds, target.unfinished) == (OLDER, "")
        assert found["problems"] == ([NOT_EMPTY] if told else []), moment
        outcomes.add((found["verdict"], found["steps"][0]["detail"][:11] if found["steps"] else ""))
    assert outcomes == {("passed", "restored in"), ("passed", "it is there"), ("refused", "")}


def test_a_stack_without_that_job_names_what_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert offers.refusal("restore", INVENTORY) == ""
    assert offers.typed("restore", INVENTORY) == "twinsite restore"
    pathlib.Path("cold.json").write_text(json.dumps(to_dict(replace(INVENTORY, hosts=()))))
    assert cli.main(["--inventory", "cold.json", "--stack", "s", "restore", "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert "has no job at the standby that restores backups" in problem
