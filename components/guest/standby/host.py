"""What the role does to the machine: programs, packages, files, services."""

import hashlib
import os
import pathlib
import shutil
import subprocess

from ..errors import Failed
from ..machine import put

CLOSED = pathlib.Path("/etc/twinsite/standby.closed")
UNITS = pathlib.Path("/etc/systemd/system")
APT_SECONDS = 900

CLIENT: "dict[str, tuple[str, ...]]" = {"mysql": ("mysql-client", "mysql-community-client"), "zstd": ("zstd",)}
"""Program -> packages that bring it, the first that the archive has. Not Debian's default-mysql-client: MariaDB's."""

SERVER: "dict[str, tuple[str, ...]]" = {"nginx": ("nginx-light", "nginx")}
TOMCATS = ("tomcat11", "tomcat10")


def run(command: list[str], seconds: float = 60, environment: "dict[str, str] | None" = None) -> str:
    """Output of a command. Failed with its own words."""
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
    except subprocess.TimeoutExpired:
        raise Failed(f"`{' '.join(command)}` did not end within {seconds:g} s") from None
    if done.returncode:
        raise Failed(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout


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


def install(wanted: "list[tuple[str, ...]]") -> list[str]:
    """Install, of each group, the first package that the archive has, without letting any start; what was installed."""
    if not wanted:
        return []
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # A run that was killed in the middle leaves dpkg in need of this.
    run(["dpkg", "--configure", "-a"], APT_SECONDS, quiet)
    options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]
    run(["apt-get", *options, "update"], APT_SECONDS, quiet)
    chosen = [next((name for name in names if _known(name)), names[0]) for names in wanted]
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        put(policy, "#!/bin/sh\nexit 101\n", 0o755)
    try:
        run(["apt-get", *options, "install", "-y", "--no-install-recommends", *chosen], APT_SECONDS, quiet)
    finally:
        if ours:
            policy.unlink(missing_ok=True)
    return chosen


def _known(package: str) -> bool:
    found = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False).stdout
    return "Candidate:" in found and "Candidate: (none)" not in found


def missing_programs(wanted: "dict[str, tuple[str, ...]]") -> "list[tuple[str, ...]]":
    """Packages of the programs that are not there."""
    return [packages for program, packages in wanted.items() if shutil.which(program) is None]


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
