"""What the role needs of Linux: files, packages, units, routes, sysctl, a ping. No knowledge of tunnels."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
from typing import Any

from ..errors import Failed, Refused

PROC_SYS = pathlib.Path("/proc/sys")
_CROSSED = re.compile(r"= [\d.]+/([\d.]+)/")


def run(*command: str, timeout_seconds: float = 60.0) -> str:
    """Standard output; Failed with the command's own words when it exits non-zero or not in time."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{' '.join(command)}: {error}") from None
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {(done.stderr.strip() or done.stdout.strip())[-1000:]}")
    return done.stdout


def succeeds(*command: str, timeout_seconds: float = 60.0) -> bool:
    """Whether the command exits 0; its output is dropped."""
    try:
        return (
            subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=timeout_seconds, check=False
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def write(path: pathlib.Path, text: str, mode: int) -> bool:
    """Atomically, readable by nobody else at any moment unless `mode` says so; True when the file changed."""
    if path.is_file() and path.read_text(encoding="utf-8") == text and (path.stat().st_mode & 0o777) == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(draft, mode)
    os.replace(draft, path)
    return True


def command_path(name: str) -> str:
    """Absolute path of a program, as unit files need it; Failed when it is not installed."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        raise Failed(f"{name} is not installed")
    return found


def install_missing(needed: dict[str, list[str]]) -> list[str]:
    """Install the packages of those programs (path or name -> packages) that are not there; what was installed."""
    missing: list[str] = []
    for program, packages in needed.items():
        there = (
            os.path.exists(program)
            if program.startswith("/")
            else shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
        )
        if not there:
            missing += [package for package in packages if package not in missing]
    if not missing:
        return []
    apt = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
    environment = ("env", "DEBIAN_FRONTEND=noninteractive")
    run(*environment, *apt, "update", timeout_seconds=600)
    run(*environment, *apt, "install", "--yes", *missing, timeout_seconds=1800)
    return missing


def addresses() -> dict[str, str]:
    """IPv4 address -> interface, of this host."""
    found = {}
    for link in json.loads(run("ip", "-j", "-4", "address", "show")):
        for entry in link.get("addr_info", []):
            found[entry["local"]] = link["ifname"]
    return found


def default_interface() -> str:
    """The interface of the default route with the lowest metric."""
    routes = [route for route in json.loads(run("ip", "-j", "-4", "route", "show", "default")) if "dev" in route]
    if not routes:
        raise Refused(["this host has no default route: give it one towards the internet before it can be a gateway"])
    return str(min(routes, key=lambda route: route.get("metric", 0))["dev"])


def blackholes(metric: int) -> list[str]:
    """Ranges that lead nowhere by routes of this metric."""
    routes = json.loads(run("ip", "-j", "-4", "route", "show", "type", "blackhole") or "[]")
    return [route["dst"] for route in routes if route.get("metric") == metric]


def sysctl(name: str) -> str | None:
    """Value of a kernel setting, None when this kernel does not have it."""
    try:
        return (PROC_SYS / name.replace(".", "/")).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def set_sysctl(name: str, value: str) -> None:
    """Set it now; Failed when the kernel refuses."""
    try:
        (PROC_SYS / name.replace(".", "/")).write_text(value, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{name} = {value}: {error}") from None


def sysctl_lines(text: str) -> list[tuple[str, str, bool]]:
    """(name, value, optional) of each line of a sysctl.d file; a leading - marks what a kernel may lack."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, value = line.partition("=")
        found.append((name.strip().lstrip("-"), value.strip(), line.startswith("-")))
    return found


def unit(verb: str, *names: str) -> str:
    """systemctl, with its own words when it fails."""
    return run("systemctl", "--quiet", verb, *names, timeout_seconds=90)


def unit_is(state: str, name: str) -> bool:
    """`state` is active or enabled."""
    return succeeds("systemctl", "--quiet", f"is-{state}", name)


def crossing(source: str, target: str, wait_seconds: float = 0.5) -> dict[str, Any]:
    """Whether one ping from `source` to `target` is answered: {"ok", "rtt_ms"}."""
    wait = f"{wait_seconds:.1f}"
    command = ["ping", "-n", "-q", "-c", "1", "-W", wait, "-w", "1", "-I", source, target]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=wait_seconds + 2, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"ok": False, "rtt_ms": None, "error": str(error)}
    answered = _CROSSED.search(done.stdout)
    if done.returncode or not answered:
        return {"ok": False, "rtt_ms": None}
    return {"ok": True, "rtt_ms": float(answered.group(1))}


def ask(source: str, address: str, port: int, wait_seconds: float = 1.0) -> dict[str, Any] | None:
    """The JSON object that is announced there, None when nothing (or nothing usable) answers."""
    text = b""
    try:
        with socket.create_connection((address, port), timeout=wait_seconds, source_address=(source, 0)) as peer:
            while len(text) < 4096 and (part := peer.recv(4096)):
                text += part
        found = json.loads(text)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def state_read(path: pathlib.Path) -> dict[str, Any]:
    """What an earlier apply noted; empty when there was none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Refused([f"{path} is damaged ({error}): remove it and apply again"]) from None
    return found
