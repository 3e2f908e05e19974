"""One owner of the lab at a time: who comes second is refused, told whom it met, and has touched nothing."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import cli as bench
from lab import cli, lifecycle, owner
from lab.client import LabError, Refused
from lab.methods import wait_until
from lab.paths import TREE, Paths
from lab.tour import __main__ as tour
from tests.lab import conftest as lab_tests

FIRST = "./scripts/try --topology aws-azure"
HOLD = """
import pathlib, sys
from lab import owner
from lab.paths import Paths
with owner.own(owner.place(Paths(pathlib.Path(sys.argv[1]))), sys.argv[2]):
    import os
    print(os.environ[owner.VARIABLE], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A machine of the test's own, on which this process is nobody's child."""
    made = Paths(tmp_path / "run")
    for module in (cli, tour, bench, owner):
        monkeypatch.setattr(module, "Paths", lambda: made)
    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(owner.VARIABLE, raising=False)
    monkeypatch.setattr(lifecycle, "why_not", lambda: ["There is no systemd-nspawn."])
    return made


@pytest.fixture
def first(paths: Paths) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the lab; its token is on its standard output."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(paths.run), FIRST],
        env=os.environ | {"PYTHONPATH": str(TREE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def token(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


SECOND = {
    "try": lambda: tour.main([]),
    "bench": lambda: bench.main(["tour"]),
    "lab up": lambda: cli.main(["up"]),
    "lab down": lambda: cli.main(["down"]),
}


@pytest.mark.parametrize("command", SECOND)
def test_a_second_command_is_refused_and_names_the_first(
    paths: Paths,
    first: subprocess.Popen[str],
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token(first)
    monkeypatch.setattr(subprocess, "Popen", None)  # whatever it would run
    before = sorted(paths.run.parent.rglob("*"))
    assert SECOND[command]() == 2
    said = capsys.readouterr().err
    since = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d\d:\d\d"
    who = rf"refused: `{re.escape(FIRST)}` \(process {first.pid}, since {since}\) has the lab of this machine"
    assert re.match(who, said), said
    assert "touched nothing" in said
    assert sorted(paths.run.parent.rglob("*")) == before


def test_a_refused_try_gives_its_one_json_object(
    first: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    token(first)
    assert tour.main(["--json"]) == 2
    printed = json.loads(capsys.readouterr().out)
    assert (printed["command"], printed["verdict"], printed["steps"]) == ("try", "refused", [])
    assert FIRST in printed["problem"]


def test_what_needs_nothing_of_the_lab_is_measured_beside_an_owner(
    first: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token(first)
    monkeypatch.setattr(bench, "_measure", lambda options, benchmarks: [one.name for one in benchmarks])
    assert bench.main(["preview"]) == ["preview"]


def test_the_owners_children_are_let_through(
    paths: Paths, first: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(owner.VARIABLE, token(first))
    with owner.own(owner.place(paths), "./scripts/lab up"):
        pass
    monkeypatch.setenv(owner.VARIABLE, "another's")
    with pytest.raises(Refused, match="has the lab"), owner.own(owner.place(paths), "./scripts/lab up"):
        pytest.fail("a token of somebody who is not the owner")


def test_a_child_that_ends_leaves_the_lab_to_the_owner(paths: Paths) -> None:
    with owner.own(owner.place(paths), "first"):
        with owner.own(owner.place(paths), "its child"):
            pass
        assert json.loads(owner.place(paths).read_text())["what"] == "first"
        assert os.environ[owner.VARIABLE]
    assert owner.VARIABLE not in os.environ


def test_two_things_of_one_owner_have_one_token(paths: Paths) -> None:
    with owner.own(owner.place(paths), "both"), owner.own(owner.place(paths, "beside"), "both"):
        held = [json.loads(owner.place(paths, name).read_text())["token"] for name in ("", "beside")]
    assert held[0] == held[1]


def free(paths: Paths) -> bool:
    try:
        with owner.own(owner.place(paths), "next"):
            return True
    except LabError:
        return False


def test_an_owner_that_was_killed_owns_nothing(paths: Paths, first: subprocess.Popen[str]) -> None:
    token(first)
    assert not free(paths)
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_until(lambda: free(paths), 60, "the lock's end")


def test_a_lab_that_somebody_brought_up_is_not_taken_down(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = lifecycle.recorded_paths()
    recorded.run.mkdir(parents=True)
    (recorded.run / "up.json").write_text('{"box": "recorded-1", "topology": "onprem-aws"}')
    assert tour.main([]) == 2
    assert "the lab is up (recorded-1)" in (said := capsys.readouterr().err)
    assert "`./scripts/lab down` first" in said
    assert (recorded.run / "up.json").exists()


@pytest.mark.parametrize(("mark", "name"), [("", ""), ("beside", "beside")])
def test_a_second_run_of_lab_tests_is_refused_by_what_it_would_use(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, mark: str, name: str
) -> None:
    item = SimpleNamespace(path=TREE / "tests" / "lab" / "test_x.py", get_closest_marker=lambda asked: asked == mark)
    session: Any = SimpleNamespace(
        items=[item], config=SimpleNamespace(option=SimpleNamespace(collectonly=False, budgets=False))
    )
    monkeypatch.setattr(lab_tests, "PATHS", paths)
    monkeypatch.setattr(lab_tests, "MISSING", [])
    with owner.own(owner.place(paths, {"": "beside", "beside": ""}[name]), FIRST):
        monkeypatch.delenv(owner.VARIABLE)
        lab_tests.pytest_collection_finish(session)
        lab_tests.pytest_sessionfinish(session)
        monkeypatch.setenv(owner.VARIABLE, "")
    with owner.own(owner.place(paths, name), FIRST):
        monkeypatch.delenv(owner.VARIABLE)
        with pytest.raises(pytest.exit.Exception, match=r"refused: `\./scripts/try") as refused:
            lab_tests.pytest_collection_finish(session)
        monkeypatch.setenv(owner.VARIABLE, "")
    assert refused.value.returncode == 2


SCRIPT = """
token=$("$1" -c 'import pathlib, sys
from lab import owner, paths
owner.Paths = lambda: paths.Paths(pathlib.Path(sys.argv[1]))
sys.exit(owner.main(sys.argv[2:]))' "$2" "$$" "./scripts/test lab" beside) || exit 2
echo "$token"
read -r _
"""


def script(paths: Paths) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "-c", SCRIPT, "-", sys.executable, str(paths.run)],
        env=os.environ | {"PYTHONPATH": str(TREE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_shell_script_owns_for_its_life_however_that_ends(paths: Paths) -> None:
    with script(paths) as running:
        given = token(running)
        said = [json.loads(owner.place(paths, name).read_text()) for name in ("", "beside")]
        assert [(one["what"], one["pid"], one["token"]) for one in said] == [
            ("./scripts/test lab", running.pid, given)
        ] * 2
        assert not free(paths)
        with script(paths) as second:
            said = second.communicate(timeout=20)[1]
            assert (second.returncode, "`./scripts/test lab`" in said) == (2, True)
        running.kill()
    wait_until(lambda: free(paths), 60, "the lock's end")
