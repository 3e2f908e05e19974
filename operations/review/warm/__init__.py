"""One interpreter that has the provider SDKs imported, for all programs of a review (ADR 55).

Here: the folder that stands for the virtual environment, and the two scripts in it, which import nothing of twinsite:
`server.py` runs in the project's own Python, `client.py` as its `bin/python`. Not here: anything of the program's tree,
which each program imports for itself.
"""

import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
END_SECONDS = 5.0
LONGEST = 100
"""Bytes of a socket's path; Linux takes 107."""


@contextmanager
def warmed(virtualenv: Path, place: Path, known: Path) -> Iterator[Path]:
    """A folder to name as a project's `virtualenv` for as long as this lasts: programs that the language host starts
    there begin as a copy of one interpreter, anything else in `virtualenv` itself; where that cannot be, `virtualenv`.

    `place` is an empty folder for it; `known` a file of what programs have imported, read and written.
    """
    address = place / "socket"
    if not hasattr(os, "pidfd_open") or len(os.fsencode(address)) > LONGEST:
        yield virtualenv
        return
    python = virtualenv / "bin" / "python"
    (place / "bin").mkdir(parents=True)
    known.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(address))
    listener.listen(64)
    launcher = place / "bin" / "python"
    words = [str(python), "-IS", str(HERE / "client.py"), str(address), str(python)]
    launcher.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    launcher.chmod(0o755)
    (place / "bin" / "python3").symlink_to("python")
    # Its output is nobody's: a program has its own from the first line on.
    server = subprocess.Popen(
        [python, "-u", HERE / "server.py", str(listener.fileno()), known],
        env={"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[listener.fileno()],
        start_new_session=True,  # a Ctrl-C is not for it
    )
    listener.close()  # when the server is gone, nobody waits for an answer of its
    try:
        yield place
    finally:
        assert server.stdin
        server.stdin.close()  # by which it ends
        try:
            server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
