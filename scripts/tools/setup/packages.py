"""Step 1: the distribution packages that the lab's machines need. The only thing outside the two folders."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.box import requirements
from setup.console import Failed, Problem, note, run


@dataclass(frozen=True)
class Need:
    """Something that the lab calls, and the package that has it."""

    provides: str
    """A command, or an absolute path."""
    package: str
    """Its name in Debian and Ubuntu."""


NEEDS = (
    *(Need(command, package) for command, package in requirements.TOOLS.items()),
    Need("mmdebstrap", "mmdebstrap"),
    Need("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    Need("ssh", "openssh-client"),
    Need("ping", "iputils-ping"),
)
"""What the box itself asks for, what builds its image, and what is typed at the operator's desk."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> list[Need]:
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    return [
        need
        for need in NEEDS
        if not (
            Path(need.provides).exists() if need.provides.startswith("/") else shutil.which(need.provides, path=path)
        )
    ]


def why_no_lab() -> str:
    """Why no machine can run here, by trying (0.1 s); empty when one can."""
    return " ".join(requirements.why_not())


def ensure() -> str:
    """Install what is missing, if that can be done here; else say how. Without it everything is recorded only."""
    if sys.platform != "linux":
        return "left out: the lab's machines need Linux; without them everything is recorded only"
    absent = missing()
    if not absent:
        return "present"
    names = sorted({need.package for need in absent})
    command = f"apt-get install --no-install-recommends {' '.join(names)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return f"missing: {' '.join(names)}. As root: {command}. Until then the lab is recorded only"
    note(f"installing distribution packages for the lab: {' '.join(names)}")
    install(names)
    if still := missing():
        raise Problem(
            f"after `{command}` there is still no {', '.join(need.provides for need in still)}: install it by hand"
        )
    return f"installed: {' '.join(names)}"


def install(names: list[str]) -> None:
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run("apt-get update", ["apt-get", "update"], env=env)
        run("apt-get install", ["apt-get", "install", "-y", "--no-install-recommends", *names], env=env)
    except Failed as error:
        raise Problem(f"{error}\n    Install {' '.join(names)} by hand, then run ./scripts/setup again") from error
