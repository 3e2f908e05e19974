"""`killed_after.py WORDS PROGRAM ARGUMENTS…`: the program, killed with all that it started as soon as it has said a
line with WORDS in it to standard error. Whoever reads the line and kills then may come too late."""

import os
import runpy
import signal
import sys
from typing import TextIO


class Said:
    """Standard error."""

    def __init__(self, to: TextIO, words: str) -> None:
        self._to, self._words = to, words

    def write(self, text: str) -> int:
        written = self._to.write(text)
        if self._words in text:
            self._to.flush()
            os.killpg(0, signal.SIGKILL)
        return written

    def flush(self) -> None:
        self._to.flush()


if __name__ == "__main__":
    sys.stderr = Said(sys.stderr, sys.argv[1])  # type: ignore[assignment]
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
