#!/usr/bin/env python3
"""Breaks this gateway's tunnel on purpose, and mends it by itself: every fault has an undo timer on this host.

fault.py link-down --connection NAME --seconds N [--peer ADDRESS]     nothing of IPsec passes to or from the peer
fault.py one-way --direction out|in --connection NAME --seconds N [--peer ADDRESS]     only one direction is cut
fault.py terminate --connection NAME     closes the IKE SA with a DELETE, as `ipsec down` did
fault.py crash                           the kernel restarts at once: nothing is written, nobody is told
fault.py reboot                          an orderly restart
fault.py status                          what is active, when it began and when it ends
fault.py undo                            ends it now; also when nothing is active

One JSON object on standard output. Exit 0 done, 1 failed, 2 refused; then a sentence on standard error.

Packets are dropped statelessly before connection tracking, as a network ACL would: an established flow does not get
through. Only UDP 500/4500 and ESP between this host and the peer are touched, so that SSH survives.
"""

import argparse
import ipaddress
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from typing import Any

if __name__ == "__main__" and not __package__:
    # Run as a file (PEP 366): the payload's folder is a package, whatever it is called here.
    HERE = pathlib.Path(__file__).resolve().parent
    sys.path[0] = str(HERE.parent.parent)
    __package__ = f"{HERE.parent.name}.{HERE.name}"

from ..errors import Failed, Refused
from . import vici

TABLE = "twinsite_fault"
STATE = pathlib.Path("/run/twinsite-fault/state.json")
ENDED = STATE.with_name("ended")
UNDO_UNIT = "twinsite-fault-undo"
RESTART_UNIT = "twinsite-fault-restart"

LONGEST_SECONDS = 7200
# The answer must reach the operator before the machine is gone.
RESTART_DELAY_SECONDS = 0.3

# -310 is before connection tracking's -200 and before raw's -300, where a rule of the host's own could let a packet
# pass.
PRIORITY = -310


def rules(peer: str, directions: frozenset[str]) -> str:
    """The nft script that cuts IPsec with `peer`; `directions` holds `in`, `out` or both."""
    family = "ip" if ipaddress.ip_address(peer).version == 4 else "ip6"
    lines = [f"table inet {TABLE} {{"]
    for direction, hook, side in (("in", "prerouting", "saddr"), ("out", "output", "daddr")):
        if direction not in directions:
            continue
        # A NAT on the way may change one port of a flow, never both.
        lines += [
            f"  chain cut_{direction} {{",
            f"    type filter hook {hook} priority {PRIORITY}; policy accept;",
            f"    {family} {side} {peer} udp sport {{ 500, 4500 }} counter drop",
            f"    {family} {side} {peer} udp dport {{ 500, 4500 }} counter drop",
            f"    {family} {side} {peer} meta l4proto esp counter drop",
            "  }",
        ]
    return "\n".join([*lines, "}", ""])


def _run(*command: str, text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{command[0]}: {error}") from None
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _table_exists() -> bool:
    return subprocess.run(["nft", "list", "table", "inet", TABLE], capture_output=True, check=False).returncode == 0


def _number(path: pathlib.Path) -> float | None:
    try:
        return float(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def status() -> dict[str, Any]:
    """{"active", "fault": what was last applied or null, "ended": when it was undone or null, "now"}."""
    try:
        fault = json.loads(STATE.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        fault = None
    return {
        "active": _table_exists(),
        "fault": fault,
        "ended": _number(ENDED),
        "dropped": _dropped(),
        "now": time.time(),
    }


def _dropped() -> int | None:
    """Packets that the fault has dropped so far; None while there is none."""
    done = subprocess.run(["nft", "-j", "list", "table", "inet", TABLE], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    total = 0
    for item in json.loads(done.stdout)["nftables"]:
        for expression in item.get("rule", {}).get("expr", []):
            total += expression.get("counter", {}).get("packets", 0)
    return total


def _refuse_second() -> None:
    if _table_exists():
        fault = status()["fault"] or {}
        raise Refused(
            [
                f"a fault is active already ({fault.get('verb', 'unknown')}, ends by itself at "
                f"{fault.get('ends', 'an unknown time')}): wait for it, or run `fault.py undo`"
            ]
        )


def _peer(connection: str) -> str:
    """The peer's address as the live SA has it."""
    try:
        link = vici.Vici()
        try:
            ike = vici.summary(link.sas(), connection)["ike"]
        finally:
            link.close()
    except vici.ViciError as error:
        raise Refused([f"the peer's address is unknown because {error}: give --peer ADDRESS"]) from None
    hosts = sorted({sa["remote_host"] for sa in ike if sa["state"] == "ESTABLISHED"})
    if len(hosts) != 1:
        raise Refused([f"connection {connection!r} has {len(hosts)} established peers {hosts}: give --peer ADDRESS"])
    return str(hosts[0])


def _write(state: dict[str, Any]) -> None:
    STATE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ENDED.unlink(missing_ok=True)
    STATE.write_text(json.dumps(state), encoding="utf-8")


def cut(verb: str, peer: str, directions: frozenset[str], seconds: float) -> dict[str, Any]:
    """Cut for `seconds`. The timer that ends it exists before the cut does."""
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise Refused([f"--seconds {seconds:g} is outside 1 to {LONGEST_SECONDS}"])
    _refuse_second()
    nft = shutil.which("nft")
    if nft is None:
        raise Refused(["`nft` is not installed: `apt-get install nftables`"])
    _run(nft, "--check", "--file", "-", text=rules(peer, directions))
    subprocess.run(
        ["systemctl", "stop", f"{UNDO_UNIT}.timer", f"{UNDO_UNIT}.service"], capture_output=True, check=False
    )
    subprocess.run(["systemctl", "reset-failed", f"{UNDO_UNIT}.service"], capture_output=True, check=False)
    began = time.time()
    state = {"verb": verb, "peer": peer, "directions": sorted(directions), "seconds": seconds, "ends": began + seconds}
    _write(state)
    # No file of ours is needed to end it: the payload may be replaced meanwhile.
    undo_script = f"{nft} delete table inet {TABLE} && date +%s.%N > {ENDED}"
    _run(
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={UNDO_UNIT}",
        f"--on-active={seconds:.3f}",
        # systemd's default accuracy is one minute.
        "--timer-property=AccuracySec=20ms",
        "/bin/sh",
        "-c",
        undo_script,
    )
    try:
        _run(nft, "--file", "-", text=rules(peer, directions))
    except Failed:
        subprocess.run(["systemctl", "stop", f"{UNDO_UNIT}.timer"], capture_output=True, check=False)
        raise
    state["began"] = time.time()
    STATE.write_text(json.dumps(state), encoding="utf-8")
    return state


def undo() -> dict[str, Any]:
    """End what is active. True in "undone" when something was."""
    active = _table_exists()
    if active:
        _run("nft", "delete", "table", "inet", TABLE)
        ENDED.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ENDED.write_text(f"{time.time():.6f}", encoding="utf-8")
    for unit in (UNDO_UNIT, RESTART_UNIT):
        subprocess.run(["systemctl", "stop", f"{unit}.timer"], capture_output=True, check=False)
    return {"undone": active, **status()}


def terminate(connection: str) -> dict[str, Any]:
    """Close the connection's IKE SAs with a DELETE. Nothing to undo: the configuration brings it back."""
    _refuse_second()
    began = time.time()
    words = _run("swanctl", "--terminate", "--ike", connection, "--timeout", "5")
    state = {"verb": "terminate", "connection": connection, "began": began, "ends": began, "seconds": 0}
    _write(state)
    return {**state, "finished": time.time(), "words": words.strip()[-500:]}


def restart(verb: str) -> dict[str, Any]:
    """Restart this machine in RESTART_DELAY_SECONDS: `crash` without writing anything or telling anybody."""
    _refuse_second()
    command = ["systemctl", "reboot"] if verb == "reboot" else ["systemctl", "reboot", "--force", "--force"]
    _run(
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={RESTART_UNIT}",
        f"--on-active={RESTART_DELAY_SECONDS}",
        "--timer-property=AccuracySec=10ms",
        *command,
    )
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
        boot = file.read().strip()
    return {"verb": verb, "began": time.time() + RESTART_DELAY_SECONDS, "boot_id": boot}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("link-down", "one-way"):
        cutting = verbs.add_parser(verb)
        cutting.add_argument("--connection", required=True)
        cutting.add_argument("--seconds", type=float, required=True)
        cutting.add_argument("--peer", default="")
        if verb == "one-way":
            cutting.add_argument("--direction", choices=("in", "out"), required=True)
    verbs.add_parser("terminate").add_argument("--connection", required=True)
    for verb in ("crash", "reboot", "status", "undo"):
        verbs.add_parser(verb)
    given = parser.parse_args(argv)
    try:
        if os.geteuid() != 0:
            raise Refused(["root is needed: run this with sudo"])
        if given.verb in ("link-down", "one-way"):
            peer = given.peer or _peer(given.connection)
            try:
                ipaddress.ip_address(peer)
            except ValueError:
                raise Refused([f"--peer {peer!r} is no IP address"]) from None
            directions = frozenset(["in", "out"] if given.verb == "link-down" else [given.direction])
            answer = cut(given.verb, peer, directions, given.seconds)
        elif given.verb == "terminate":
            answer = terminate(given.connection)
        elif given.verb in ("crash", "reboot"):
            answer = restart(given.verb)
        else:
            answer = undo() if given.verb == "undo" else status()
    except (Refused, Failed) as problem:
        print(problem, file=sys.stderr)
        return problem.code
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
