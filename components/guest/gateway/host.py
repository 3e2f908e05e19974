"""What the role needs of Linux: files, packages, units, routes, sysctl, a ping. No knowledge of tunnels."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
from typing import Any

from .. import machine
from ..errors import Failed, Refused
from . import forwarding

PROC_SYS = pathlib.Path("/proc/sys")
SYSCTL_FOLDERS = tuple(pathlib.Path(folder, "sysctl.d") for folder in ("/usr/lib", "/usr/local/lib", "/run", "/etc"))
"""Of systemd-sysctl, the strongest last (sysctl.d(5))."""
_CROSSED = re.compile(r"= [\d.]+/([\d.]+)/")
_RECEIVED = re.compile(r"(\d+) received")
CHARON_TABLE = "220"
"""Of its routes: strongSwan's own default, asked before main (rule 220)."""


def run(*command: str, timeout_seconds: float = 60.0) -> str:
    """machine.run, of words."""
    return machine.run(list(command), timeout_seconds)


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


def addresses() -> dict[str, str]:
    """IPv4 address -> interface, of this host."""
    found = {}
    for link in json.loads(run("ip", "-j", "-4", "address", "show")):
        for entry in link.get("addr_info", []):
            found[entry["local"]] = link["ifname"]
    return found


def forwarding_problems(local_range: str, remote_range: str, inside: str) -> list[str]:
    """What keeps this host from forwarding between the ranges, in both directions; `inside` is the interface towards
    local_range."""
    wan = default_interface()
    return dropped(
        [
            forwarding.Packet(local_range, remote_range, inside, wan, "new"),
            forwarding.Packet(remote_range, local_range, wan, inside, "established"),
        ]
    )


def dropped(packets: list[forwarding.Packet]) -> list[str]:
    """A sentence for each of these packets that a firewall of this host drops."""
    iptables = run("iptables", "-S") if shutil.which("iptables", path="/usr/sbin:/sbin") else ""
    return forwarding.problems(run("nft", "-j", "list", "ruleset"), iptables, packets)


def table(name: str, file: pathlib.Path | None = None) -> str:
    """nft's listing of a table of family inet, without counters; with `file`, of what that file would make: loaded into
    a network namespace of its own, where it touches nothing. Failed when there is none."""
    listing = ["nft", "--stateless", "list", "table", "inet", name]
    if file is None:
        return run(*listing)
    load = 'nft --file "$1" && shift && exec "$@"'
    return run("unshare", "--net", "sh", "-c", load, "sh", str(file), *listing)


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


def dead_ends() -> list[dict[str, Any]]:
    """Routes that lead nowhere, of the main table and charon's: ip's own words on each."""
    found = []
    for kind in ("blackhole", "unreachable", "prohibit"):
        for where in ("main", CHARON_TABLE):
            text = said("ip", "-j", "-4", "route", "show", "table", where, "type", kind)
            found += json.loads(text or "[]")
    return found


def said(*command: str) -> str:
    """Standard output of a command that may have nothing to say, and then fails."""
    try:
        return run(*command)
    except Failed:
        return ""


def way(source: str, target: str) -> dict[str, Any]:
    """The route that a packet of this host's takes; empty when there is none."""
    found = json.loads(said("ip", "-j", "-4", "route", "get", target, "from", source) or "[{}]")
    return found[0] if found else {}


def sysctl(name: str) -> str | None:
    """Value of a kernel setting, None when this kernel does not have it."""
    try:
        return (PROC_SYS / _plain(name)).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def set_sysctl(name: str, value: str) -> None:
    """Set it now; Failed when the kernel refuses."""
    try:
        (PROC_SYS / _plain(name)).write_text(value, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{name} = {value}: {error}") from None


def persisted(name: str) -> tuple[str, str]:
    """(value, file) that the next boot sets; the last of systemd-sysctl's files wins, /etc before the others of one
    name. ("", "") when none says anything. Patterns of names are not followed."""
    files: dict[str, pathlib.Path] = {}
    for folder in SYSCTL_FOLDERS:
        files.update({path.name: path for path in folder.glob("*.conf")})
    found = ("", "")
    for _, path in sorted(files.items()):
        try:
            lines = sysctl_lines(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for other, value, _ in lines:
            if _plain(other) == _plain(name):
                found = (value, str(path))
    return found


def _plain(name: str) -> str:
    # The first separator says which one separates: net/ipv4/conf/eth0.7/x and net.ipv4.conf.eth0/7.x are one.
    return name if "/" in name.partition(".")[0] else name.replace(".", "\0").replace("/", ".").replace("\0", "/")


def sysctl_lines(text: str) -> list[tuple[str, str, bool]]:
    """(name, value, optional) of each line of a sysctl.d file; a leading - marks what a kernel may lack."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith(("#", ";")):
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
    """Whether a ping from `source` to `target` is answered, the first one or one of the next within a second:
    {"ok", "rtt_ms"}."""
    wait = f"{wait_seconds:.1f}"
    command = ["ping", "-n", "-q", "-c", "1", "-i", "0.2", "-W", wait, "-w", "1", "-I", source, target]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=wait_seconds + 2, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"ok": False, "rtt_ms": None, "error": str(error)}
    answered = _CROSSED.search(done.stdout)
    if done.returncode or not answered:
        return {"ok": False, "rtt_ms": None}
    return {"ok": True, "rtt_ms": float(answered.group(1))}


def whole(source: str, target: str, size: int, count: int) -> int:
    """How many of `count` unfragmented packets of `size` bytes, IP's header included, are answered; 40 ms apart."""
    # Without -w, with which ping goes on until `count` are answered.
    words = ["-M", "do", "-s", str(size - 28), "-i", "0.04", "-c", str(count), "-W", "1"]
    try:
        done = subprocess.run(
            ["ping", "-n", "-q", *words, "-I", source, target],
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _RECEIVED.search(done.stdout)
    return int(found[1]) if found else 0


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
