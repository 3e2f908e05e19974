"""Programs as copies of one interpreter: what each of them has of its own, and what ends with what."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operations.review.warm import warmed
from operations.review.warm.client import EXECUTOR

EXECUTED = """
import json, os, runpy, sys, threading
begun = {"random": "pulumi_random" in sys.modules, "gcp": "pulumi_gcp.sql.user" in sys.modules}
words = [word for word in sys.argv[1:] if not word.startswith("--")]
found = {
    **begun, "argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ), "here": sys.path[0],
    "threads": len(os.listdir("/proc/self/task")), "session": os.getsid(0) == os.getpid(), "name": __name__,
}
found["said"] = runpy.run_path(words[0], run_name="__main__").get("said")
print(json.dumps(found))
"""
PLAIN = {"HOME": "/nowhere", "LANG": "C.UTF-8"}


@dataclass
class Place:
    """A warmed environment, and an executor that says what it finds."""

    folder: Path
    executor: Path
    python: Path
    known: Path

    def tree(self, name: str, **files: str) -> Path:
        made = self.folder / name
        made.mkdir()
        for file, text in files.items():
            (made / f"{file}.py").write_text(text)
        return made

    def start(self, tree: Path, **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.python, "-u", self.executor, "--project=one", tree, "given"],
            cwd=tree,
            env={**PLAIN, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, tree: Path, **more: str) -> dict[str, Any]:
        running = self.start(tree, **more)
        said, errors = running.communicate(timeout=300)
        assert running.returncode == 0, errors
        found: dict[str, Any] = json.loads(said)
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    executor = tmp_path / "bin" / EXECUTOR
    executor.parent.mkdir()
    executor.write_text(EXECUTED)
    known = tmp_path / "kept" / "imported"
    with warmed(Path(sys.prefix), tmp_path / "warm", known) as made:
        yield Place(tmp_path, executor, made / "bin" / "python", known)


def until(seen: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not seen():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def waiting(place: Place, name: str) -> tuple["subprocess.Popen[str]", int]:
    """A program that would run for an hour, and its process."""
    number = place.folder / f"{name}.pid"
    text = f"import os, time, pathlib\npathlib.Path({str(number)!r}).write_text(str(os.getpid()))\ntime.sleep(3600)\n"
    running = place.start(place.tree(name, __main__=text))
    until(lambda: number.exists() and bool(number.read_text()), "the program did not begin")
    return running, int(number.read_text())


def gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_a_program_has_what_one_has_that_was_started_anew(place: Place) -> None:
    tree = place.tree("tree", __main__="")
    found = place.run(tree, SETTING="of mine")
    assert found["argv"] == [str(place.executor), "--project=one", str(tree), "given"]
    assert (found["cwd"], found["here"], found["name"]) == (str(tree), str(place.executor.parent), "__main__")
    assert found["env"].items() >= {**PLAIN, "SETTING": "of mine"}.items()
    assert set(found["env"]) - {*PLAIN, "SETTING"} <= {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"}  # the shell's own
    assert found["session"], "nobody ends it with its caller"


def test_what_is_in_a_package_that_is_imported_when_it_is_first_asked_is_there_for_the_next(place: Place) -> None:
    using = place.tree("using", __main__="import pulumi_gcp\nsaid = pulumi_gcp.sql.User.__name__\n")
    assert not place.run(using)["gcp"]
    assert place.run(place.tree("next", __main__=""))["gcp"]


def test_what_a_program_imports_of_the_sdks_is_there_for_the_next_and_nothing_else(place: Place) -> None:
    using = place.tree("using", __main__="import pulumi_random\nsaid = pulumi_random.RandomId.__name__\n")
    assert not place.run(using)["random"]
    found = place.run(place.tree("next", __main__=""))
    assert (found["random"], found["gcp"]) == (True, False)
    assert found["threads"] == 1, "of a process with threads no copy can be made"
    assert {"pulumi", "pulumi_random"} <= set(place.known.read_text().split())


def test_what_was_known_before_is_there_for_the_first(place: Place, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("pulumi_random\npulumi_that_has_gone\n")
    with warmed(Path(sys.prefix), tmp_path / "another", known) as made:
        place.python = made / "bin" / "python"
        assert place.run(place.tree("tree", __main__=""))["random"]


def test_two_trees_with_a_module_of_one_name_have_each_its_own(place: Place) -> None:
    trees = [place.tree(name, __main__="from ours import said", ours=f"said = {name!r}") for name in ("base", "head")]
    assert [place.run(tree)["said"] for tree in (*trees, trees[0])] == ["base", "head", "base"]


def test_a_tree_whose_module_hides_one_of_ours_gets_a_python_of_its_own(place: Place) -> None:
    place.run(place.tree("using", __main__="import pulumi_random"))
    tree = place.tree("hiding", __main__="import pulumi_random\nsaid = pulumi_random.said", pulumi_random="said = 1")
    found = place.run(tree)
    assert (found["random"], found["said"]) == (False, 1)


def test_a_variable_of_pythons_own_gets_one_that_has_read_it(place: Place) -> None:
    place.run(place.tree("using", __main__="import pulumi_random"))
    found = place.run(place.tree("seeded", __main__="import sys\nsaid = sys.flags.optimize"), PYTHONOPTIMIZE="2")
    assert (found["random"], found["said"]) == (False, 2)


def test_what_is_no_program_is_run_by_the_environments_python(place: Place) -> None:
    asked = [place.python, "-c", "import sys; print(sys.prefix, sys.argv[1])", "a b"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == f"{sys.prefix} a b\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("raise SystemExit(32)", 32),
        ("raise ValueError('of ours')", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_its_caller_ends_as_the_program_does(place: Place, text: str, code: int) -> None:
    running = place.start(place.tree("tree", __main__=text))
    _, errors = running.communicate(timeout=300)
    assert running.returncode == code
    assert ("ValueError: of ours" in errors) == ("ValueError" in text)


def test_a_program_ends_with_its_caller(place: Place) -> None:
    running, process = waiting(place, "left")
    running.kill()
    running.wait()
    until(lambda: gone(process), "the program runs without its caller")
    running.communicate()
    place.run(place.tree("next", __main__=""))


def test_nothing_is_left_of_it(tmp_path: Path, place: Place) -> None:
    with warmed(Path(sys.prefix), tmp_path / "short", tmp_path / "known") as made:
        place.python = made / "bin" / "python"
        running, process = waiting(place, "left")
    until(lambda: gone(process), "the program has outlived the review")
    running.communicate()
    assert running.returncode != 0
    place.run(place.tree("later", __main__=""))  # by a Python of its own


def test_where_a_socket_has_no_room_programs_are_started_anew(tmp_path: Path) -> None:
    with warmed(Path(sys.prefix), tmp_path / ("long" * 30), tmp_path / "known") as made:
        assert made == Path(sys.prefix)
    assert os.listdir(tmp_path) == []


def test_what_the_engine_shows_with_debug_only_is_not_sent_and_all_else_is(place: Place) -> None:
    tree = place.tree("tree", __main__="import pulumi\nsaid = [pulumi.log.debug.__name__, pulumi.log.info.__name__]\n")
    assert place.run(tree)["said"] == ["debug", "info"], "the first program is what the server learns of Pulumi from"
    assert place.run(tree)["said"] == ["unheard", "info"]
