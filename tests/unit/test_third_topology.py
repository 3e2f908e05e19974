"""A topology of which no file outside its own folders knows: settings, refusals, a program, status and plans."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TREE = Path(__file__).resolve().parents[2]
THIRD = TREE / "tests" / "third"

PROGRAM = """
import json, sys
import pulumi
from pulumi.runtime import mocks

class Mocks(mocks.Mocks):
    def new_resource(self, args):
        made.append(args.typ)
        return args.name, dict(args.inputs)
    def call(self, args):
        return {}

made = []
mocks.set_mocks(Mocks())
from stacks import chosen
from stacks.settings import Reader
reader = Reader.of("p", {"p:topology": "lighthouse", "p:boat": "anna"}, ())
topology = chosen(reader)
settings = topology.read(reader)
reader.finish("stack s")
found = {}

@pulumi.runtime.test
def build():
    found.update(topology.build(settings))

build()
print(json.dumps({"made": made, **found}))
"""


def run(folder: Path, *words: str, told: str = "", known: bool = True) -> subprocess.CompletedProcess[str]:
    """Python with the tree on its path, and the third topology's folder where it is `known`."""
    path = os.pathsep.join([str(TREE), *([str(THIRD)] if known else [])])
    environment = {**os.environ, "PYTHONPATH": path, "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        input=told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def asked(folder: Path, **settings: str) -> list[str]:
    """Problems that the program has with a stack file of these settings."""
    config = {f"p:{key}": value for key, value in {"topology": "lighthouse", **settings}.items()}
    told = {"ask": "needs", "project": "p", "stack": "s", "root": str(folder), "config": config, "secrets": []}
    done = run(folder, "-m", "stacks", told=json.dumps(told))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["needs"] is None or found["needs"]["topology"] == "lighthouse"
    return list(found["problems"])


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """What its program publishes, in a file."""
    done = run(tmp_path, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["made"] == ["harbour:index:Shelf"] * 2
    (tmp_path / "inventory.json").write_text(json.dumps(found["inventory"]))
    return tmp_path / "inventory.json"


def test_its_settings_have_their_defaults_and_their_refusals(tmp_path: Path) -> None:
    assert asked(tmp_path, boat="anna") == []
    assert asked(tmp_path, dr_mode="warm", active_site="moon") == [
        "dr_mode warm is not offered by topology lighthouse, which has pilot-light: "
        "`pulumi config set dr_mode pilot-light`",
        "active_site is 'moon': `pulumi config set active_site …` with one of island, shore",
        "boat is not set: `pulumi config set boat VALUE` (Name of the courier's boat)",
    ]
    assert asked(tmp_path, boat="anna", trips_a_day="25") == [
        "trips_a_day is 25: `pulumi config set trips_a_day NUMBER` with 1 to 24"
    ]


def test_without_its_folder_nobody_knows_it(tmp_path: Path) -> None:
    told = {
        "ask": "needs",
        "project": "p",
        "stack": "s",
        "root": str(tmp_path),
        "config": {"p:topology": "lighthouse"},
        "secrets": [],
    }
    done = run(tmp_path, "-m", "stacks", told=json.dumps(told), known=False)
    assert json.loads(done.stdout)["problems"] == [
        "topology is 'lighthouse': `pulumi config set topology …` with one of aws-azure, aws-gcp, onprem-aws"
    ]


def status(inventory: Path, known: bool = True) -> dict[str, Any]:
    done = run(inventory.parent, "-m", "operations", "--inventory", str(inventory), "status", "--json", known=known)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_status_looks_at_its_flow_of_a_new_kind(inventory: Path) -> None:
    found = status(inventory)
    assert (found["topology"], found["active_site"]) == ("lighthouse", "island")
    assert found["couriers"] == [{"name": "anna", "at_the_quay": False}]
    assert (found["healthy"], found["problems"]) == (False, ["anna is not at the quay: `touch anna`"])
    (inventory.parent / "anna").touch()
    found = status(inventory)
    assert (found["healthy"], found["problems"]) == (True, [])
    (words,) = status(inventory, known=False)["problems"]
    assert words.startswith("anna: this twinsite cannot look at flows of kind courier"), "told of, never passed over"


def failover(inventory: Path, *words: str, to: str = "shore", known: bool = True) -> tuple[int, dict[str, Any]]:
    """Its exit code and its answer."""
    command = ("-m", "operations", "--inventory", str(inventory), "failover", "--to", to, "--json", *words)
    done = run(inventory.parent, *command, known=known)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_its_move_of_a_new_kind_is_planned_with_its_steps(inventory: Path) -> None:
    (inventory.parent / "anna").write_text("calm, all lamps lit")
    code, found = failover(inventory, "--plan")
    assert (code, found["verdict"], found["problems"]) == (0, "passed", [])
    assert [(one["title"], one["where"], one["undo"]) for one in found["plan"]] == [
        ("take the bag from anna, which lies at the shore", "the quay of the shore", "none"),
        ("open the logbook", "a desk at the shore", "`rm logbook`"),
    ]
    assert {plane["site"] for one in found["plan"] for plane in one["planes"]} == {"shore"}
    assert found["says"] == ["lost: what was written since the boat left"]
    assert not (inventory.parent / "logbook").exists(), "a plan does nothing"


def test_a_plan_that_needs_the_dead_site_is_refused_by_the_step(inventory: Path) -> None:
    code, found = failover(inventory, "--plan")
    assert (code, found["verdict"], found["plan"]) == (2, "refused", [])
    (problem,) = found["problems"]
    assert problem.startswith(
        "step take-bag (take the bag from anna, which lies at the island) needs the quay of the island, which is at "
        "island, and island is dead"
    )


def test_its_move_is_done_with_lock_journal_evidence_and_page(inventory: Path) -> None:
    (inventory.parent / "anna").write_text("calm, all lamps lit")
    code, found = failover(inventory)
    assert (code, found["verdict"], found["problems"]) == (0, "passed", [])
    assert [one["outcome"] for one in found["steps"]] == ["done", "done"]
    assert (inventory.parent / "logbook").read_text() == "calm, all lamps lit"
    assert "The shore went on with the logbook that came by boat." in Path(found["report"]).read_text()
    office = inventory.parent / "harbour-office"
    (journal,) = (office / "journal").iterdir()
    assert json.loads(journal.read_text())["command"] == "failover"
    assert not (office / "lock.json").exists()
    code, found = failover(inventory)
    assert (code, found["problems"]) == (2, ["the logbook is open at the shore already: `rm logbook` closes it"])


def test_its_move_refuses_in_its_own_words(inventory: Path) -> None:
    code, found = failover(inventory, "--plan", to="island")
    assert (code, found["problems"]) == (2, ["--to island: a failover of this stack goes to shore: `--to shore`"])


def test_what_it_has_no_move_for_is_refused_with_what_it_has(inventory: Path) -> None:
    code, found = failover(inventory, "--plan", known=False)
    (problem,) = found["problems"]
    assert code == 2
    assert problem.startswith(
        "topology lighthouse in pilot-light has no names and no PostgreSQL replica with a job that moves its writer"
    )
    assert problem.endswith("this stack has `twinsite status`")
    done = run(
        inventory.parent, "-m", "operations", "--inventory", str(inventory), "failback", "--to", "island", "--json"
    )
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem.endswith("this stack has `twinsite failover --to shore`, `twinsite status`")
