"""Fixtures on the whole box. `stack`: the lab up and stack dev provisioned, once a module; down nothing left after."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .whole_box import lab, left_on_this_machine, must, no_box_yet


@dataclass(frozen=True)
class Provisioned:
    """Stack dev at the operator's desk."""

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command typed at the desk."""
        return lab("exec", "--", *words)

    def must(self, *words: str) -> str:
        """The same, but it has to work; its standard output."""
        done = self.run(*words)
        assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> dict[str, Any]:
        """One JSON object, whatever the exit code."""
        done = self.run(*words)
        assert done.stdout.strip(), f"{' '.join(words)} ended with {done.returncode} and no output\n{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def pulumi(self, *words: str) -> str:
        """pulumi on stack dev."""
        return self.must("pulumi", *words, "--stack", "dev", "--non-interactive")

    def on(self, host: str, command: str) -> str:
        """A shell command on a host, as a person would: over SSH, through the desk."""
        login = f"twinsite@{host}" if host.startswith("aws-") else host
        done = lab("shell", login, "--", command)
        assert done.returncode == 0, f"{host}: {command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def stack() -> Iterator[Provisioned]:
    before = no_box_yet()
    must("up")
    try:
        provisioned = Provisioned()
        provisioned.pulumi("up", "--yes", "--skip-preview")
        yield provisioned
    finally:
        must("down")
    assert left_on_this_machine() == before
