"""However a box ends, nothing of it stays: killed, interrupted, killed half way up. Needs root and nspawn."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import lifecycle
from lab.methods import wait_until
from lab.paths import TREE
from tests.sampling import sample

from .one_lab import OneLab
from .whole_box import PATHS, lab, left_on_this_machine, must, needs_a_box, no_box_yet

pytestmark = needs_a_box


@pytest.fixture(scope="module")
def nothing_before(one_lab: OneLab) -> Iterator[dict[str, set[str]]]:
    one_lab.down()
    yield no_box_yet()
    lab("down")  # what a failed test of these left is in nobody else's way


def test_a_daemon_that_was_killed_leaves_nothing_after_down(nothing_before: dict[str, set[str]]) -> None:
    must("up")
    os.kill(lifecycle.daemon_pid(PATHS), signal.SIGKILL)
    wait_until(lambda: not lifecycle.daemon_pid(PATHS), 5, "the daemon's end")
    assert lab("status").returncode == 1
    assert lab("exec", "--", "true").returncode == 2
    must("down")
    assert left_on_this_machine() == nothing_before


MOMENTS = {
    "the desk is being prepared": ("up.log", "preparing the desk"),
    "networks are being made": ("daemon.log", "networks and the on-prem site"),
    # They were started just before; on a quick machine they have booted when the services are ready.
    "machines boot": ("daemon.log", "services"),
}


@pytest.mark.parametrize("moment", sample(MOMENTS, in_ci=["networks are being made"]))
def test_ctrl_c_during_up_leaves_nothing(nothing_before: dict[str, set[str]], tmp_path: Path, moment: str) -> None:
    log, line = MOMENTS[moment]
    logs = {"up.log": tmp_path / "up.log", "daemon.log": PATHS.log}
    with logs["up.log"].open("w") as stderr:
        command = [sys.executable, "-m", "lab.cli", "up"]
        up = subprocess.Popen(command, cwd=TREE, stderr=stderr, start_new_session=True)
    try:
        wait_until(lambda: logs[log].exists() and line in logs[log].read_text(), 120, moment)
    finally:
        os.killpg(up.pid, signal.SIGINT)
    assert (up.wait(60), "taking everything down" in logs["up.log"].read_text()) == (130, True), logs[
        "up.log"
    ].read_text()
    assert left_on_this_machine() == nothing_before


def test_an_up_that_was_killed_is_cleared_by_the_next(nothing_before: dict[str, set[str]]) -> None:
    up = subprocess.Popen([sys.executable, "-m", "lab.cli", "up"], cwd=TREE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: lifecycle.daemon_pid(PATHS) > 0, 120, "the daemon's start")
    up.kill()
    up.communicate()
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert "did not end well" in again.stderr
    must("down")
    assert left_on_this_machine() == nothing_before
