"""How set-up runs the commands of others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]

INTERRUPTED = """
import signal, subprocess, sys
from setup import console
signal.signal(signal.SIGINT, signal.default_int_handler)
start = subprocess.Popen
def popen(argv, **options):
    child = start(argv, **options)
    print(child.pid, flush=True)
    signal.raise_signal(signal.SIGINT)  # it runs, and nobody has it in hand yet
    return child
subprocess.Popen = popen
try:
    console.run("slow", ["sleep", "300"])
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_while_a_command_is_being_started_ends_it(tmp_path: Path) -> None:
    path = f"{TREE / 'scripts' / 'tools'}:{TREE}"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env={"PYTHONPATH": path, "TWINSITE_CACHE": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
