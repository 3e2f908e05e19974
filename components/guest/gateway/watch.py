"""Looks at the tunnel: the gate that waits for it, and the report of its live state. Changes nothing."""

import dataclasses
import time
from typing import Any

from ..errors import Failed
from . import charon, host, render, rotation
from .settings import Config


def guard() -> dict[str, Any]:
    """What keeps clear text in: {"rules": the table is loaded, "blackholes": ranges, "forwarding": bool}."""
    return {
        "rules": host.succeeds("nft", "list", "table", "inet", "twinsite_gateway"),
        "blackholes": host.blackholes(render.ROUTE_METRIC),
        "forwarding": host.sysctl("net.ipv4.ip_forward") == "1",
    }


def announcement(config: Config) -> dict[str, Any]:
    """What this end tells the peer once it has applied `config`."""
    return {
        "connection": config.connection,
        "digest": config.digest,
        "psk_sign": config.psk_sign,
        "payload": render.FOLDER.parent.name,
    }


def crosses(config: Config) -> bool:
    """Whether a packet from here is answered by the peer gateway."""
    return bool(host.crossing(config.local_address, config.peer_private_address)["ok"])


def observe(config: Config) -> dict[str, Any]:
    """What the gate looks at, as plain values."""
    sas = charon.sas(config.connection)
    children = [child for sa in sas for child in sa.children]
    crossed = crosses(config)
    asked = crossed and config.peer_digest
    return {
        "ike_states": [sa.state for sa in sas],
        "installed": sum(child.state == "INSTALLED" for child in children),
        "crosses": crossed,
        "forwarding": _forwarding(config) if crossed else [],
        "peer": host.ask(config.local_address, config.peer_private_address, render.ANNOUNCE_PORT) if asked else None,
    }


def _forwarding(config: Config) -> list[str]:
    """What keeps the hosts behind this gateway from what it can reach itself."""
    inside = host.addresses().get(config.local_address, "")
    return host.forwarding_problems(config.local_range, config.remote_range, inside)


def gate_problem(config: Config, seen: dict[str, Any]) -> str:
    """What is still missing of a working tunnel; empty when nothing is."""
    if seen["ike_states"].count("ESTABLISHED") != 1:
        states = ", ".join(seen["ike_states"]) or "none"
        return f"IKE is not ESTABLISHED exactly once (IKE_SAs: {states})"
    if seen["installed"] != 1:
        return f"{seen['installed']} CHILD_SAs are INSTALLED instead of exactly one"
    if not seen["crosses"]:
        return f"no packet crosses from {config.local_address} to {config.peer_private_address}"
    if seen["forwarding"]:
        return str(seen["forwarding"][0])
    if not config.peer_digest:
        return ""
    if seen["peer"] is None:
        return f"the peer gateway at {config.peer_private_address} does not tell what it has applied"
    wanted = {"digest": config.peer_digest, "payload": render.FOLDER.parent.name}
    for name, value in wanted.items():
        if seen["peer"].get(name) != value:
            return f"the peer has not applied its new configuration ({name} {seen['peer'].get(name)}, not {value})"
    return ""


def gate(config: Config, timeout_seconds: float) -> str:
    """Wait until the tunnel works; a sentence about it. Failed with charon's own last words when it does not."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            problem = gate_problem(config, observe(config))
        except Failed as error:
            problem = str(error)
        if not problem:
            return f"{config.connection}: IKE established, one CHILD_SA installed, a packet crosses"
        if time.monotonic() > deadline:
            words = "\n".join(charon.last_words())
            raise Failed(f"{config.connection}: after {timeout_seconds:.0f} s {problem}. charon says:\n{words}")
        time.sleep(0.5)  # polls; charon tells swanctl nothing by itself


def report(config: Config) -> dict[str, Any]:
    """The live state; a sick or absent charon is part of the report, not an error."""
    found: dict[str, Any] = {"connection": config.connection, "role": config.role, "config_digest": config.digest}
    try:
        sas = charon.sas(config.connection)
        found["problem"] = ""
    except (Failed, ValueError) as error:
        sas, found["problem"] = [], str(error)
    found["ike"] = [{name: value for name, value in dataclasses.asdict(sa).items() if name != "children"} for sa in sas]
    found["children"] = [dataclasses.asdict(child) for sa in sas for child in sa.children]
    found["crossing"] = host.crossing(config.local_address, config.peer_private_address, wait_seconds=0.4)
    path = render.secrets_file(config.connection)
    held = rotation.held(path.read_text(encoding="utf-8")) if path.exists() else {}
    found["psk"] = {"sign": config.psk_sign, "held": sorted(held)}
    try:
        found["guard"] = guard()
    except Failed as error:
        found["guard"] = {"problem": str(error)}
    found["last_words"] = charon.last_words()
    return found
