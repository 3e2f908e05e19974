"""Packages of the distribution, installed where they are missing, with patience for who else is at it.

A machine's first hour belongs to apt-daily and unattended-upgrades. Their locks are waited for here: apt's own
DPkg::Lock::Timeout covers dpkg's two, but neither /var/lib/apt/lists/lock nor /var/cache/apt/archives/lock (seen with
apt 2.6.2 and 3.3.5), and dpkg waits for none.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator

from .errors import Failed, Refused
from .machine import put, run

LOCK_SECONDS = 300
"""How long `install` waits for the locks of others. components/machine/gate.py counts with it."""
INSTALL_SECONDS = 900
"""How long one command may work once it has them."""
_QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
    # Or needrestart would restart what else runs here, a MySQL among it, because of a library that came along.
    "NEEDRESTART_SUSPEND": "1",
}
_BUSY = ("Could not get lock", "Unable to acquire the dpkg frontend lock", "was locked by another process")
"""Words of apt and dpkg when somebody else holds a lock; all end with 100 or 2, as other failures do."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_POLICY = pathlib.Path("/usr/sbin/policy-rc.d")
_ONE_AT_A_TIME = threading.Lock()
"""A role's steps run side by side."""


def missing(programs: "dict[str, tuple[str, ...]]") -> "list[tuple[str, ...]]":
    """Packages of the programs (names, or absolute paths of files) that are not there."""
    return [
        packages
        for program, packages in programs.items()
        if not (os.path.exists(program) if program.startswith("/") else shutil.which(program, path=_PATH))
    ]


def install(wanted: "list[tuple[str, ...]]", starts: bool = False) -> "list[str]":
    """Install, of each group, the first package that the archives have; what was installed. Services of theirs start
    only with `starts`. Refused when the archives have none of a group."""
    if not wanted:
        return []
    apt = ["apt-get", "-qq", "-o", "Acquire::Retries=3"]
    with _ONE_AT_A_TIME:
        deadline = time.monotonic() + LOCK_SECONDS
        # A run that was killed in the middle leaves dpkg in need of this.
        _patiently(["dpkg", "--configure", "-a"], deadline)
        _patiently([*apt, "update"], deadline)
        chosen = list(dict.fromkeys(_offered(names) for names in wanted))
        with contextlib.nullcontext() if starts else _stillness():
            # Recommendations are off on many servers: what is needed is named.
            _patiently([*apt, "install", "--yes", "--no-install-recommends", *chosen], deadline)
    return chosen


def _patiently(command: "list[str]", deadline: float) -> None:
    """Run it, and again while others hold a lock that it needs."""
    while True:
        try:
            run(command, INSTALL_SECONDS, _QUIET)
            return
        except Failed as error:
            if not any(word in str(error) for word in _BUSY):
                raise
            if time.monotonic() > deadline:
                raise Failed(
                    f"another program has held apt's or dpkg's lock for {LOCK_SECONDS} s (`systemctl status apt-daily "
                    f"apt-daily-upgrade unattended-upgrades` and `fuser -v /var/lib/dpkg/lock-frontend` name it): let "
                    f"it end, then apply again. {error}"
                ) from None
        time.sleep(2)


def _offered(names: "tuple[str, ...]") -> str:
    for name in names:
        found = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True, check=False).stdout
        if "Candidate:" in found and "Candidate: (none)" not in found:
            return name
    raise Refused(
        [
            f"the package archives of this host have none of {', '.join(names)}: add a repository that has (Debian's "
            "stable releases have MariaDB instead of MySQL; MySQL's own apt repository has it)"
        ]
    )


@contextlib.contextmanager
def _stillness() -> "Iterator[None]":
    """Packages that are installed meanwhile start nothing."""
    ours = not _POLICY.exists()
    if ours:
        put(_POLICY, "#!/bin/sh\nexit 101\n", 0o755)
    try:
        yield
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)
