"""zstd as a process: small things at once, chunks as they come."""

import subprocess
import tempfile
from typing import IO

from ..errors import Failed
from .client import widen

LEVEL = "-3"
_MISSING = "`zstd` is not installed: apt-get install zstd"


def compress(content: bytes) -> bytes:
    """zstd of something small."""
    return _zstd([LEVEL, "-c"], content)


def decompress(content: bytes) -> bytes:
    """The reverse. Failed when it is cut off or damaged."""
    return _zstd(["-dc"], content)


def _zstd(options: list[str], content: bytes) -> bytes:
    try:
        done = subprocess.run(["zstd", "-q", *options], input=content, capture_output=True, check=False)
    except FileNotFoundError:
        raise Failed(_MISSING) from None
    if done.returncode:
        raise Failed(f"zstd: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


class Chunk:
    """Lines on their way through one zstd process."""

    def __init__(self) -> None:
        self.rows = 0
        self.size = 0
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by finish()
        try:
            self._process = subprocess.Popen(
                ["zstd", "-q", LEVEL, "-c"], stdin=subprocess.PIPE, stdout=self._out, stderr=subprocess.PIPE, bufsize=0
            )
        except FileNotFoundError:
            raise Failed(_MISSING) from None
        assert self._process.stdin
        self._stdin = self._process.stdin
        widen(self._stdin)

    def add(self, lines: bytes) -> None:
        """Whole lines."""
        self.rows += lines.count(b"\n")
        self.size += len(lines)
        data = memoryview(lines)
        try:
            while data:
                data = data[self._stdin.write(data) :]
        except BrokenPipeError:
            self.finish()

    def finish(self) -> bytes:
        """The compressed content. Failed with zstd's own words, for instance of a full disk."""
        _, said = self._process.communicate()
        with self._out:
            if self._process.returncode:
                raise Failed(f"zstd: {said.decode('utf-8', 'replace').strip()} (in {tempfile.gettempdir()})")
            self._out.seek(0)
            return self._out.read()
