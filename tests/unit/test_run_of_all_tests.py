"""`./scripts/test` with commands that only say that they were called: what runs beside what, how it fails and ends."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]

TOOL = """#!/bin/bash
# Says what it is called with; then what the test has put into `answers`, by the first name that fits.
said="$(basename "$0") $*"
echo "begin $said" >>"$CALLS"
while read -r pattern command; do
    if [[ $said == $pattern ]]; then eval "$command"; break; fi
done <"$ANSWERS"
code=${code:-0}
echo "end $said" >>"$CALLS"
exit $code
"""
ENGINE, BESIDE = "python -m pytest tests/engine*", "python -m pytest tests/lab -m beside and*"
NAMELESS = "python -m pytest tests/lab -m nameless*"
SHARED, ALONE = "python -m pytest tests/lab -m not?beside*", "python -m pytest tests/lab -m alone*"
LIGHT, UNITS = "python -m pytest tests/lab -m light*", "python -m pytest tests/mocks*"


class Run:
    """A tree with nothing in it but the script, and tools of ours."""

    def __init__(self, folder: Path) -> None:
        self.calls, self.answers = folder / "calls", folder / "answers"
        self.calls.touch()
        self.answers.touch()
        self.script = folder / "scripts" / "test"
        self.script.parent.mkdir()
        shutil.copy(TREE / "scripts" / "test", self.script)
        for name in ("mypy", "ruff", "shellcheck", "python"):
            self._tool(folder / ".venv" / "bin" / name)
        self._tool(folder / "scripts" / "setup")
        subprocess.run(["git", "init", "-q", folder], check=True)
        self.answer("python -c*why_not*", "echo")
        self.answer("python -m lab.owner*", "echo token")

    def _tool(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TOOL)
        path.chmod(0o755)

    def answer(self, pattern: str, command: str) -> None:
        """What a call does that fits, by the first pattern that does; a space fits any character."""
        with self.answers.open("a") as file:
            file.write(f"{pattern.replace(' ', '?')} {command}\n")

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.script, *words],
            env=os.environ | {"CALLS": str(self.calls), "ANSWERS": str(self.answers)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # as a terminal's foreground job: a group of its own
        )

    def run(self, *words: str) -> tuple[int, str]:
        """(exit code, what it said)"""
        running = self.start(*words)
        said, _ = running.communicate(timeout=60)
        return running.returncode, said

    def log(self) -> list[str]:
        return self.calls.read_text().splitlines()

    def at(self, line: str) -> int:
        """Place in the log of the first line that begins so."""
        (place, *_) = [number for number, one in enumerate(self.log()) if one.startswith(line)]
        return place


@pytest.fixture
def tree(tmp_path: Path) -> Run:
    return Run(tmp_path)


WAITS = "for i in $(seq 400); do grep -q '{}' $CALLS && break; sleep 0.05; done"


def test_all_runs_the_engine_beside_types_then_two_lanes_of_machines_with_the_rest_behind_them(tree: Run) -> None:
    # Each of a pair waits for the other's beginning, types for machines; what needs no machine for the last lane's.
    for pattern, other in ((ENGINE, "mypy twinsite"), ("mypy twin*", "m not beside"), (BESIDE, "m not beside"),
                           (SHARED, "tests/mocks"), (ALONE, "m light"), (LIGHT, "m alone"),
                           (NAMELESS, "m alone")):  # fmt: skip
        tree.answer(pattern, WAITS.format(f"begin.*{other}"))
    code, said = tree.run()
    assert code == 0, said
    assert "all passed (all, " in said
    alone = min(tree.at(f"begin python -m pytest tests/lab -m {lane}") for lane in ("alone", "light"))
    assert tree.at("end mypy scripts/tools/language_python/host.py") < alone
    for lane in ("tests/engine", "tests/lab -m beside", "tests/lab -m not beside"):
        assert tree.at(f"end python -m pytest {lane}") < alone
    machines = tree.at("begin python -m pytest tests/lab")
    assert tree.at("end python -m pytest tests/engine") < tree.at("begin python -m pytest tests/mocks")
    assert tree.at("end python -m pytest tests/engine") < machines
    assert tree.at("end python -m pytest tests/mocks") < tree.at("begin python -m pytest tests/lab -m nameless")
    begun = [line for line in tree.log()[alone:] if line.startswith("begin")]
    assert len(begun) == 2, "beside those that compare seconds only what mostly waits, and what needs no machine"


def test_the_lab_s_layer_runs_the_servers_without_machines_and_no_unit(tree: Run) -> None:
    tree.answer(NAMELESS, WAITS.format("begin.*m not beside"))
    assert tree.run("lab")[0] == 0
    assert tree.at("end python -m pytest tests/lab -m nameless")
    assert [line for line in tree.log() if "tests/mocks" in line] == []


def test_ci_keeps_to_the_budgets_and_long_runs_every_kind_without_them(tree: Run) -> None:
    def given(*words: str) -> list[tuple[bool, bool]]:
        tree.calls.write_text("")
        assert tree.run(*words)[0] == 0
        lanes = [line for line in tree.log() if line.startswith("begin python -m pytest tests/lab")]
        return [("--budgets" in line, "--long" in line) for line in lanes]

    assert given() == given("lab") == [(True, False)] * 5
    assert given("long") == [(False, True)] * 5


@pytest.mark.parametrize("pattern", [ENGINE, BESIDE, NAMELESS, SHARED, ALONE, LIGHT, UNITS, "mypy -p setup*"])
def test_whatever_fails_fails_the_whole_and_the_rest_still_runs(tree: Run, pattern: str) -> None:
    tree.answer(pattern, "echo what went wrong; code=1")
    code, said = tree.run()
    assert code == 1
    assert "what went wrong\n" in said
    assert said.count("FAILED ") == 1
    assert "\nfailed    " in said
    assert tree.at("end python -m pytest tests/lab -m alone")


def test_arguments_that_leave_a_lane_no_test_are_fine_and_those_that_leave_none_at_all_are_not(tree: Run) -> None:
    tree.answer(BESIDE, "code=5")
    assert tree.run("all", "-k", "x")[0] == 0
    tree.answer("python -m pytest*", "code=5")
    code, said = tree.run("lab", "-k", "y")
    assert code == 1
    assert "FAILED  a test to run" in said


def test_a_lab_that_is_somebody_elses_is_refused_before_any_test(tree: Run) -> None:
    tree.answers.write_text("")
    tree.answer("python -c*why_not*", "echo")
    tree.answer("python -m lab.owner*", "echo 'refused: it is somebody else' >&2; code=2")
    code, said = tree.run()
    assert (code, "refused: it is somebody else" in said) == (2, True)
    assert [line for line in tree.log() if "pytest" in line or "mypy" in line] == []


def test_without_machines_the_rest_runs_and_the_end_says_why(tree: Run) -> None:
    tree.answers.write_text("")
    tree.answer("python -c*why_not*", "echo There is no systemd-nspawn.")
    code, said = tree.run()
    assert code == 0
    assert "left out  tests/lab: There is no systemd-nspawn." in said
    assert [line for line in tree.log() if "tests/lab" in line] == []
    assert tree.run("lab")[0] == 2


def is_there(group: int) -> bool:
    """Whether a group of processes has anybody; one that has just ended stays until somebody waits for it."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("lanes", [(ENGINE, "mypy twinsite*"), (BESIDE, SHARED, UNITS)])
def test_ctrl_c_ends_every_lane_and_begins_none(tree: Run, lanes: tuple[str, ...]) -> None:
    for pattern in lanes:
        tree.answer(pattern, "trap 'echo interrupted >>$CALLS; exit 130' INT; for i in $(seq 600); do sleep 0.1; done")
    running = tree.start()
    deadline = time.monotonic() + 60
    begun = (
        ("begin python -m pytest tests/engine", "begin mypy twin")
        if ENGINE in lanes
        else ("begin python -m pytest tests/lab", "begin python -m pytest tests/mocks")
    )
    while sum(line.startswith(begun) for line in tree.log()) < len(lanes):
        assert time.monotonic() < deadline, tree.log()
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert tree.log().count("interrupted") == len(lanes)
    assert [line for line in tree.log() if " -m nameless" in line or " -m alone" in line] == []
    deadline = time.monotonic() + 60
    while is_there(running.pid):
        assert time.monotonic() < deadline, "somebody of the run is left"
        time.sleep(0.05)
