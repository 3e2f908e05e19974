"""One owner of this machine's lab at a time: a tour, the benchmarks, a run of lab tests, or one `lab up` or `lab down`.

The owner holds a lock on a file for its life, so that one that was killed owns nothing. Whoever comes meanwhile is
refused and told whom it met. Children of the owner have its token in their environment and are let through.

    python -m lab.owner PID WHAT [NAME…]

owns for a shell script of this process id until that has ended, and prints the token that its children need. Exit code
2 when the lab is somebody else's, or up.
"""

import contextlib
import datetime
import fcntl
import json
import os
import secrets
import select
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.client import Refused
from lab.paths import Paths, cache

VARIABLE = "TWINSITE_LAB_OWNER"
"""The owner's token, in the environment of its children."""


def place(paths: Paths, name: str = "") -> Path:
    """The file to lock: beside the box's own folder, or in the cache of a person who may not write there, whose lab is
    in the cache, too. `name`: of something else that there is once on this machine."""
    file = paths.run.with_name("-".join([paths.run.name, *([name] if name else []), "owner"]))
    if os.access(file.parent, os.W_OK):
        return file
    folder = cache() / "lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / file.name


@contextlib.contextmanager
def own(file: Path, what: str, pid: int = 0) -> Iterator[None]:
    """Own for the block, with children that know the token; for a child of the owner nothing changes. Refused, with
    who it is, when somebody else owns. `pid`: whose life this is about, when not this process's own."""
    known = os.environ.get(VARIABLE, "")
    with file.open("a+", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(file)
            if not known or holder.get("token") != known:
                raise Refused(_sentence(holder)) from None
            yield
            return
        # A second thing of the same owner gets the same token: children have one variable.
        token = known or secrets.token_hex(16)
        os.environ[VARIABLE] = token
        since = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
        _write(file, {"what": what, "pid": pid or os.getpid(), "since": since, "token": token})
        try:
            yield
        finally:
            _write(file, {})
            if not known:
                del os.environ[VARIABLE]


def _sentence(holder: dict[str, object]) -> str:
    who = "another command"
    if holder:
        who = f"`{holder['what']}` (process {holder['pid']}, since {holder['since']})"
    return f"{who} has the lab of this machine: wait for its end or end it; this command has touched nothing"


def _read(file: Path) -> dict[str, object]:
    """Empty in the moment between a lock and its first words."""
    try:
        found: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _write(file: Path, holder: dict[str, object]) -> None:
    # In place: the lock is on this file, and one put in its place would be free.
    file.write_text(json.dumps(holder), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    from lab.lifecycle import require_down

    pid, what, *names = arguments
    paths = Paths()
    try:
        script = os.pidfd_open(int(pid))
        with contextlib.ExitStack() as held:
            for name in ("", *names):
                held.enter_context(own(place(paths, name), what, int(pid)))
            require_down(paths)
            print(os.environ[VARIABLE], flush=True)
            if os.fork():
                os._exit(0)  # what was locked stays so in the child
            os.setsid()  # Ctrl-C is for the script
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            select.select([script], [], [])
    except Refused as error:
        print(f"refused: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
