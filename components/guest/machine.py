"""What several roles do to the machine in the same way: a command run, a file put whole, one run at a time."""

import contextlib
import fcntl
import grp
import os
import pathlib
import pwd
import subprocess
import threading
import time
from collections.abc import Iterator

from .errors import Failed


def run(
    command: "list[str]",
    seconds: float = 60,
    environment: "dict[str, str] | None" = None,
    good: "tuple[int, ...]" = (0,),
) -> str:
    """Standard output of a command. Failed with its own words when it is not there, ends otherwise than with one of
    `good`, or not in time."""
    said = f"`{' '.join(command)}`"
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, **(environment or {})},
        )
    except FileNotFoundError:
        raise Failed(f"{command[0]} is not installed") from None
    except OSError as error:
        raise Failed(f"{said}: {error}") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"{said} did not end within {seconds:g} s") from None
    if done.returncode not in good:
        raise Failed(f"{said} failed: {(done.stderr.strip() or done.stdout.strip())[-1500:]}")
    return done.stdout


@contextlib.contextmanager
def alone(role: str, seconds: float = 600) -> Iterator[None]:
    """One run of the role at a time on this machine; the lock goes with the process."""
    with open(f"/run/twinsite-{role}.lock", "w", encoding="utf-8") as file:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Failed(f"another run of the {role} role has held its lock for {seconds:g} s") from None
                time.sleep(0.2)
        yield


def put(path: "str | pathlib.Path", text: str, mode: int = 0o644, owner: str = "root", group: str = "") -> bool:
    """Write atomically with mode, owner and group (the owner's own); True when the file was not already like that."""
    path, user = pathlib.Path(path), pwd.getpwnam(owner)
    wanted = (mode, user.pw_uid, grp.getgrnam(group).gr_gid if group else user.pw_gid)
    if path.exists():
        found = path.stat()
        if (found.st_mode & 0o777, found.st_uid, found.st_gid) == wanted and path.read_text(encoding="utf-8") == text:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{threading.get_ident()}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        os.fchown(file.fileno(), *wanted[1:])
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    return True
