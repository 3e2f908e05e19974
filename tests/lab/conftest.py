"""Fixtures on the whole box: `site`, the lab up and its stack not provisioned; `stack`, that and the stack up.

One lab serves the modules of a block, one after the other (blocks.py); after the last of them nothing of it is left. A
run of these tests owns what it uses of this machine: the one lab, and the names of the machines beside it.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import owner
from lab.client import Refused
from lab.scenes import named

from . import blocks
from .one_lab import OneLab
from .two_servers import Servers, running_servers
from .whole_box import MISSING, PATHS, lab

STACK = named().stack
_HERE = Path(__file__).parent
_held = contextlib.ExitStack()
_lab = OneLab()
_seconds: dict[str, float] = {}
"""Of each module."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> tuple[int, int]:
        return blocks.place(item.path.stem) if item.path.parent == _HERE else (-1, 0)

    items.sort(key=place)


def pytest_collection_finish(session: pytest.Session) -> None:
    here = [item for item in session.items if item.path.parent == _HERE]
    if MISSING or session.config.option.collectonly:
        return
    named = [item for item in here if not item.get_closest_marker("nameless")]
    names = {"beside" if item.get_closest_marker("beside") else "" for item in named}
    try:
        for name in sorted(names):
            _held.enter_context(owner.own(owner.place(PATHS, name), "a run of tests/lab"))
    except Refused as error:
        pytest.exit(f"refused: {error}", returncode=2)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    file = Path(report.nodeid.partition("::")[0])
    if file.parent.name == _HERE.name:
        _seconds[file.stem] = _seconds.get(file.stem, 0.0) + report.duration
        if report.failed:
            _lab.spoil()


def pytest_sessionfinish(session: pytest.Session) -> None:
    _held.close()
    if session.config.option.budgets and blocks.over(_seconds):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for block, seconds in blocks.spent(_seconds):
        terminalreporter.write_line(f"block {block.name}: {seconds:.0f} s of {block.budget_seconds} s")
    if config.option.budgets:
        for sentence in blocks.over(_seconds):
            terminalreporter.write_line(f"FAILED {sentence}")


@dataclass(frozen=True)
class Provisioned:
    """A stack at the operator's desk."""

    stack: str = STACK

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command typed at the desk."""
        return lab("exec", "--", *words)

    def must(self, *words: str) -> str:
        """The same, but it has to work; its standard output."""
        done = self.run(*words)
        # Errors first: what shows a failure may cut a long output anywhere.
        errors = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "error:" in line)
        said = f"{' '.join(words)} ended with {done.returncode}\n{errors}\n\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, said
        return done.stdout

    def json(self, *words: str) -> dict[str, Any]:
        """One JSON object, whatever the exit code."""
        done = self.run(*words)
        assert done.stdout.strip(), f"{' '.join(words)} ended with {done.returncode} and no output\n{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def pulumi(self, *words: str) -> str:
        """pulumi on this stack."""
        return self.must("pulumi", *words, "--stack", self.stack, "--non-interactive")

    def on(self, host: str, command: str) -> str:
        """A shell command on a host, as a person would: over SSH, through the desk."""
        done = lab("shell", host, "--", command)
        assert done.returncode == 0, f"{host}: {command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def one_lab() -> Iterator[OneLab]:
    try:
        yield _lab
    finally:
        _lab.down()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Two MySQL servers, for modules that are marked nameless."""
    with running_servers() as both:
        yield both


@pytest.fixture(scope="module")
def site(one_lab: OneLab) -> Provisioned:
    one_lab.up(without=STACK)
    one_lab.uses.add(STACK)
    return Provisioned()


@pytest.fixture(scope="module")
def stack(one_lab: OneLab) -> Provisioned:
    up = f"{STACK} is up"
    one_lab.up(without="" if up in one_lab.uses else STACK)
    made = Provisioned()
    if up not in one_lab.uses:
        made.pulumi("up", "--yes", "--skip-preview")
        one_lab.uses |= {STACK, up}
    return made
