"""What the role asks of the machine: programs, packages, files, services."""

import hashlib
import pathlib
import subprocess

from ..errors import Failed
from ..machine import run

CLOSED = pathlib.Path("/etc/twinsite/standby.closed")
UNITS = pathlib.Path("/etc/systemd/system")

CLIENT: "dict[str, tuple[str, ...]]" = {"mysql": ("mysql-client", "mysql-community-client"), "zstd": ("zstd",)}
"""Program -> packages that bring it, the first that the archive has. Not Debian's default-mysql-client: MariaDB's."""

SERVER: "dict[str, tuple[str, ...]]" = {"nginx": ("nginx-light", "nginx")}
TOMCATS = ("tomcat11", "tomcat10")


def systemctl(*arguments: str) -> str:
    """Run systemctl."""
    return run(["systemctl", *arguments], 120)


def active(unit: str) -> bool:
    """Whether a unit runs."""
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def tomcat() -> str:
    """Name of the installed Tomcat; Failed when there is none."""
    for name in TOMCATS:
        if pathlib.Path(f"/usr/share/{name}/bin").is_dir():
            return name
    raise Failed(f"no Tomcat is installed: one of {', '.join(TOMCATS)} must be among the packages")


def missing_packages(names: "tuple[str, ...]") -> "list[tuple[str, ...]]":
    """Those that dpkg does not have as installed."""
    missing: list[tuple[str, ...]] = []
    for name in names:
        found = subprocess.run(
            ["dpkg-query", "-W", "-f", "${db:Status-Status}", name], capture_output=True, text=True, check=False
        )
        if found.stdout != "installed":
            missing.append((name,))
    return missing


def sha256(path: pathlib.Path) -> str:
    """SHA-256 of a file, hex; empty when it is not there."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()
