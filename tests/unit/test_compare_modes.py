"""`twinsite compare-modes`: by the real command on a topology of its own folder, and on answers of a program."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operations import compare
from operations.project import Files

TREE = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    settle(tmp_path, boat="anna", trips_a_day="2")
    return tmp_path


def settle(folder: Path, **settings: str) -> None:
    lines = [f"  p:{key}: '{value}'" for key, value in {"topology": "lighthouse", **settings}.items()]
    (folder / "Pulumi.s.yaml").write_text("\n".join(["config:", *lines]))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(TREE), str(TREE / "tests" / "third")])
    command = [sys.executable, "-m", "operations", "--stack", "s", "compare-modes", *words]
    environment = {**os.environ, "PYTHONPATH": path, "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def answer(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = run(folder, "--json", *words)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_stack_is_estimated_and_its_resources_counted_without_an_account(folder: Path) -> None:
    code, found = answer(folder)
    assert (code, found["verdict"], found["topology"], found["dr_mode"]) == (0, "passed", "lighthouse", "pilot-light")
    mode = found["modes"]["pilot-light"]
    assert (mode["resources"], mode["rto_seconds"], mode["rpo_seconds"]) == (2, 43200, 43200)
    assert [one["name"] for one in mode["registered"]] == ["lighthouse-island", "lighthouse-shore"]
    assert mode["cost_usd_month"] is None, "nobody knows what a lamp costs"
    assert mode["unknown_prices"] == ["lamp of the island", "lamp of the shore"]
    shown = run(folder).stdout
    assert "at least $0.00 (unknown: lamp of the island, lamp of the shore) a month" in shown
    assert "43200 s  the next boat (computed: trips a day)" in shown


def test_one_changed_setting_shows_its_difference_and_changes_no_file(folder: Path) -> None:
    before = (folder / "Pulumi.s.yaml").read_bytes()
    code, found = answer(folder, "--what-if", "trips_a_day=4")
    assert code == 0
    assert found["modes"]["pilot-light"]["rto_seconds"] == 43200
    assert found["what_if"]["modes"]["pilot-light"]["rto_seconds"] == 21600
    assert found["what_if"]["difference"]["pilot-light"] == {
        "cost_usd_month": None, "rto_seconds": -21600, "rpo_seconds": -21600, "adds": [], "removes": [],
    }  # fmt: skip
    assert "pilot-light: RTO 12 h → 6 h" in run(folder, "--what-if", "trips_a_day=4").stdout
    assert (folder / "Pulumi.s.yaml").read_bytes() == before


def test_over_a_budget_is_a_failed_expectation_with_the_way_to_service(folder: Path) -> None:
    settle(folder, boat="anna", trips_a_day="2", budget_rto_seconds="3600")
    code, found = answer(folder)
    assert (code, found["verdict"]) == (1, "failed")
    (problem,) = found["modes"]["pilot-light"]["over_budget"]
    assert problem.startswith("RTO of pilot-light is 12 h (the next boat 12 h); budget_rto_seconds allows 3600")
    assert answer(folder, "--what-if", "budget_rto_seconds=50000")[1]["what_if"]["modes"]["pilot-light"][
        "over_budget"
    ] == []  # fmt: skip


@pytest.mark.parametrize(
    ("what_if", "words"),
    [
        ("trips_a_day", "has no =: write KEY=VALUE"),
        ("trips=4", "there is no setting trips: page settings of the documentation has them"),
        ("trips_a_day=99", "trips_a_day is 99"),
        ("trips_a_day=often", "trips_a_day is 'often', not a whole number"),
    ],
)
def test_a_change_that_the_program_would_not_take_is_refused(folder: Path, what_if: str, words: str) -> None:
    code, found = answer(folder, "--what-if", what_if)
    assert (code, found["verdict"]) == (2, "refused")
    assert words in found["problems"][0]
    assert run(folder, "--what-if", what_if).stdout.startswith("compare-modes: refused\n  ✗ ")


def test_settings_that_are_wrong_carry_no_figure_and_those_not_made_yet_only_leave_resources_unknown(
    folder: Path,
) -> None:
    settle(folder, trips_a_day="2")
    code, found = answer(folder)
    assert (code, found["verdict"], found["lacking"][0].split()[0]) == (0, "passed", "boat")
    mode = found["modes"]["pilot-light"]
    assert (mode["rto_seconds"], mode["resources"]) == (43200, None)
    assert mode["resources_unknown"].startswith("1 of the settings are not made yet")
    settle(folder, boat="anna", trips_a_day="none")
    code, found = answer(folder)
    assert (code, found["verdict"], found["modes"]) == (2, "refused", {})


WORDS = {"cost": "$1", "rto": "1 s", "rpo": "1 s", "critical_path": "a 1 s"}


def mode(**more: Any) -> dict[str, Any]:
    figures = {"cost_usd_month": 1.0, "rto_seconds": 1.0, "rpo_seconds": 1.0}
    return {**figures, "words": WORDS, "critical_path": [], "beside_it": [], **more}


class Said(Files):
    """A program's answers."""

    def ask(self, what: str) -> dict[str, Any]:
        if what == "estimate":
            modes = {"cold": mode(), "warm": mode()}
            return {
                "estimate": {"modes": modes, "cost_without": ["oil"], "notes": []},
                "over_budget": {"cold": [], "warm": []},
                "problems": [],
                "lacking": [],
                "settings": [],
                "topology": "t",
                "dr_mode": "cold",
            }
        store = {"type": "a:b:Store", "name": "store", "holds_data": True}
        server = {"type": "a:b:Server", "name": "server", "holds_data": True}
        machine = {"type": "a:b:Machine", "name": "machine", "holds_data": False}
        if self.config["p:dr_mode"] == "warm" and self.config.get("p:active_site") == "there":
            return {"resources": None, "problems": ["no"]}
        return {"resources": [store, *([server, machine] if self.config["p:dr_mode"] == "warm" else [])]}


def test_a_mode_shows_what_it_adds_and_what_data_the_way_down_destroys(tmp_path: Path) -> None:
    found = compare._compared(Said(tmp_path, "p", "s", {}, ()))
    warm = found["modes"]["warm"]
    assert [one["name"] for one in warm["adds"]] == ["server", "machine"]
    assert [one["name"] for one in warm["down_destroys"]] == ["server"], "what stays is not destroyed"
    assert found["modes"]["cold"]["adds"] == []
    shown = compare.text(found)
    assert "resources  1     3 (+2)" in shown
    assert "a move down destroys the data of server\n" in shown


def test_a_mode_that_the_program_refuses_has_its_figures_and_no_resources(tmp_path: Path) -> None:
    found = compare._compared(Said(tmp_path, "p", "s", {"p:active_site": "there"}, ()))
    warm = found["modes"]["warm"]
    assert (warm["resources"], warm["resources_unknown"], warm["adds"]) == (None, "no", [])
    assert "resources unknown: no" in compare.text(found)
