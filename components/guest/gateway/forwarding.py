"""Whether this host's other firewalls (ufw, Docker, firewalld, rules of one's own) let through what it is to forward.

Pure: nft's JSON in, sentences out. In nftables every base chain has its say and a drop is final, so no rule of ours can
let through what another table drops; it is refused with the rule that does it. Only what certainly drops is named:
where a rule cannot be judged from here, the packet has the benefit of the doubt.
"""

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any

OURS = "twinsite_gateway"


@dataclass(frozen=True)
class Packet:
    """From any host of a range to any host of another: one that the gateway forwards, or IKE's own."""

    source: str
    target: str
    comes_by: str
    leaves_by: str
    state: str
    """new, or established: an answer."""
    hooks: "tuple[str, ...]" = ("forward",)
    """Of netfilter, that it passes."""
    protocol: str = "tcp"
    port: int = 0
    """Where it goes to; 0: any."""


def problems(ruleset: str, iptables: str, packets: "list[Packet]") -> "list[str]":
    """A sentence for each packet that is certainly dropped. `ruleset` is `nft -j list ruleset`, `iptables` is
    `iptables -S`: nft shows some matches of iptables' rules by name only."""
    entries = json.loads(ruleset)["nftables"]
    rules: dict[tuple[str, str, str], list[Any]] = {}
    for rule in (entry["rule"] for entry in entries if "rule" in entry):
        rules.setdefault((rule["family"], rule["table"], rule["chain"]), []).append(rule["expr"])
    texts: dict[str, list[str]] = {}
    for line in iptables.splitlines():
        if line.startswith("-A "):
            texts.setdefault(line.split()[1], []).append(line)
    bases = [
        chain
        for chain in (entry["chain"] for entry in entries if "chain" in entry)
        if chain.get("type") == "filter" and chain["family"] in ("ip", "inet") and chain["table"] != OURS
    ]
    found = []
    for packet in packets:
        for chain in (chain for chain in bases if chain.get("hook") in packet.hooks):
            walk = _Walk(rules, texts, chain["family"], chain["table"], packet)
            verdict, why = walk.chain(chain["name"])
            if verdict == "" and chain.get("policy") == "drop":
                verdict, why = "drop", f"chain {chain['name']} has policy drop"
            if verdict == "drop":
                where = f"table {chain['family']} {chain['table']}"
                fix = _fix(packet, chain, {name for family, table, name in rules if table == chain["table"]})
                answers = "answers " if packet.state == "established" else ""
                what = f"{answers}from {packet.source} to {packet.target} that the gateway is to forward"
                if packet.port:
                    what = f"{packet.protocol} port {packet.port} {answers}of the tunnel itself"
                found.append(f"this host's firewall drops {what} ({where}: {why}): {fix}, and keep that over a reboot")
                break
    return found


def _fix(packet: Packet, chain: "dict[str, Any]", names: "set[str]") -> str:
    source, target = packet.source, packet.target
    if packet.port:
        if any(name.startswith("ufw-") for name in names):
            return f"`ufw allow {packet.port}/{packet.protocol}`"
        place = f"{chain['family']} {chain['table']} {chain['name']}"
        return f"`nft insert rule {place} {packet.protocol} dport {packet.port} accept`"
    if any(name.startswith("ufw-") for name in names):
        return f"`ufw route allow from {source} to {target}`"
    if any(name.startswith("DOCKER") for name in names):
        return f"`iptables -I DOCKER-USER -s {source} -d {target} -j ACCEPT`"
    place = f"{chain['family']} {chain['table']} {chain['name']}"
    return f"`nft insert rule {place} ip saddr {source} ip daddr {target} accept`"


@dataclass(frozen=True)
class _Walk:
    rules: "dict[tuple[str, str, str], list[Any]]"
    texts: "dict[str, list[str]]"
    family: str
    table: str
    packet: Packet

    def chain(self, name: str, depth: int = 0) -> "tuple[str, str]":
        """("accept" | "drop" | "unknown" | "" when it falls through, the rule that said so)."""
        if depth > 16:
            return "unknown", ""
        for at, expressions in enumerate(self.rules.get((self.family, self.table, name), [])):
            matches, verdict, target = self._rule(name, at, expressions)
            if matches is False or not verdict:
                continue
            why, goes = f"rule {at + 1} of chain {name}", verdict == "goto"
            if verdict in ("jump", "goto"):
                verdict, why = self.chain(target, depth + 1)
                if verdict == "":
                    if goes and matches:
                        return "", ""
                    continue
            if verdict == "return":
                return ("" if matches else "unknown"), why
            if matches:
                return verdict, why
            if verdict != "drop":
                return "unknown", why
        return "", ""

    def _rule(self, chain: str, at: int, expressions: "list[Any]") -> "tuple[bool | None, str, str]":
        """(whether it matches, None when that is not known; its verdict; the chain that it leads to)."""
        matches: bool | None = True
        for expression in expressions:
            ((kind, value),) = expression.items()
            if kind in ("accept", "drop", "return"):
                return matches, kind, ""
            if kind == "reject":
                return matches, "drop", ""
            if kind in ("jump", "goto"):
                return matches, kind, value["target"]
            if kind in ("queue", "vmap"):
                return None, "accept", ""  # somebody else decides
            if kind == "match":
                fits = self._match(value)
            elif kind == "xt" and value.get("type") == "match":
                fits = self._named_match(value["name"], chain, at)
            elif kind in ("counter", "log", "xt", "comment", "mangle"):
                continue
            else:
                fits = None
            if fits is False:
                return False, "", ""
            matches = matches if fits else None
        return matches, "", ""

    def _named_match(self, name: str, chain: str, at: int) -> "bool | None":
        lines = self.texts.get(chain, [])
        states = re.search(r"--(?:ct)?state (\S+)", lines[at]) if at < len(lines) else None
        if name not in ("conntrack", "state") or states is None or f"! {states[0]}" in lines[at]:
            return None
        return self.packet.state in states[1].lower().split(",")

    def _match(self, match: "dict[str, Any]") -> "bool | None":
        left, right, packet = match["left"], match["right"], self.packet
        if not isinstance(left, dict):
            return None
        payload = left.get("payload", {})
        if payload.get("protocol") in ("tcp", "udp", "icmp") and payload["protocol"] != packet.protocol:
            return False  # whatever it is compared to, and how
        fits: bool | None = None
        if left.get("meta", {}).get("key") in ("iifname", "iif"):
            fits = _names(right, packet.comes_by)
        elif left.get("meta", {}).get("key") in ("oifname", "oif"):
            fits = _names(right, packet.leaves_by)
        elif left.get("meta", {}).get("key") == "l4proto":
            fits = _one_of(right, packet.protocol)
        elif left.get("ct", {}).get("key") == "state":
            fits = _one_of(right, packet.state)
        elif payload.get("protocol") == "ip" and payload.get("field") in ("saddr", "daddr"):
            fits = _inside(packet.source if payload["field"] == "saddr" else packet.target, right)
        elif payload.get("field") == "dport" and packet.port:
            ports = _listed(right)
            fits = packet.port in ports if all(isinstance(port, int) for port in ports) else None
        if match.get("op") == "!=":
            return None if fits is None else not fits
        return fits if match.get("op") in ("==", "in") else None


def _listed(right: Any) -> "list[Any]":
    if isinstance(right, dict) and "set" in right:
        return list(right["set"])
    return right if isinstance(right, list) else [right]


def _one_of(right: Any, wanted: str) -> "bool | None":
    values = _listed(right)
    return wanted in values if all(isinstance(value, str) for value in values) else None


def _names(right: Any, interface: str) -> "bool | None":
    values = _listed(right)
    if not all(isinstance(value, str) and not value.startswith("@") for value in values):
        return None
    return any(interface == value or (value.endswith("*") and interface.startswith(value[:-1])) for value in values)


def _inside(network: str, right: Any) -> "bool | None":
    """Whether all of a range is meant; None when only a part is, or that cannot be said."""
    mine, touched = ipaddress.IPv4Network(network), False
    for value in _listed(right):
        try:
            if isinstance(value, dict):
                value = f"{value['prefix']['addr']}/{value['prefix']['len']}"
            theirs = ipaddress.IPv4Network(value)
        except (KeyError, TypeError, ValueError):
            return None
        if mine.subnet_of(theirs):
            return True
        touched = touched or mine.overlaps(theirs)
    return None if touched else False
