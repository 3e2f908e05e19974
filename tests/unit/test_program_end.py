"""The end of a stack's program, in a process of its own."""

import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PROGRAM = """
import atexit, gc, os
from stacks import program

class Knot:
    def __del__(self):
        os.write(1, b"collected\\n")

knot = Knot()
knot.itself = knot
atexit.register(lambda: print(gc.get_freeze_count() > 1000, flush=True))  # the first that is registered runs last
program._exports = dict
{call}
del knot
"""


def said(call: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(call=call)], cwd=TREE, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_nothing_is_collected_at_the_end_of_the_program() -> None:
    assert said("program.main()") == "True\n"


def test_without_it_python_would() -> None:
    assert said("") == "False\ncollected\n"
