"""Fixtures on the whole box, once a module: `site`, the lab up and nothing provisioned; `stack`, that and stack dev.

After either the lab is down and nothing of it is left. A run of these tests owns what it uses of this machine: the one
lab, and the names of the machines beside it.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab import owner
from lab.client import Refused

from .whole_box import MISSING, PATHS, lab, left_on_this_machine, must, no_box_yet

_held = contextlib.ExitStack()


def pytest_collection_finish(session: pytest.Session) -> None:
    here = [item for item in session.items if item.path.is_relative_to(os.path.dirname(__file__))]
    if MISSING or session.config.option.collectonly:
        return
    names = {"beside" if item.get_closest_marker("beside") else "" for item in here}
    try:
        for name in sorted(names):
            _held.enter_context(owner.own(owner.place(PATHS, name), "a run of tests/lab"))
    except Refused as error:
        pytest.exit(f"refused: {error}", returncode=2)


def pytest_sessionfinish() -> None:
    _held.close()


@dataclass(frozen=True)
class Provisioned:
    """A stack at the operator's desk."""

    stack: str = "dev"

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
        login = f"twinsite@{host}" if host.startswith("aws-") else host
        done = lab("shell", login, "--", command)
        assert done.returncode == 0, f"{host}: {command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def site() -> Iterator[Provisioned]:
    before = no_box_yet()
    must("up")
    try:
        yield Provisioned()
    finally:
        must("down")
    assert left_on_this_machine() == before


@pytest.fixture(scope="module")
def stack(site: Provisioned) -> Provisioned:
    site.pulumi("up", "--yes", "--skip-preview")
    return site
