"""What charon has loaded beside the files that it was to load. Pure: swanctl's file and its answers in, words out."""

import re
from collections.abc import Iterator
from typing import Any

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = {
    # As swanctl's files have it -> as `--list-conns` shows it.
    "aes256gcm16": "AES_GCM_16_256",
    "prfsha384": "PRF_HMAC_SHA2_384",
    "ecp384": "ECP_384",
    "restart": "start",
    "clear": "none",
    "tunnel": "TUNNEL",
    "replace": "UNIQUE_REPLACE",
}
_CONNECTION = ("local_addrs", "remote_addrs", "rekey_time", "reauth_time", "dpd_delay", "unique", "proposals")
_CHILD = ("local_ts", "remote_ts", "rekey_time", "dpd_action", "close_action", "mode", "esp_proposals")
"""Settings that --list-conns shows; the others (start_action, encap, life_time) charon tells nobody."""
_NO_EXTENDED_NUMBERS = "NO_EXT_SEQ"


def parse(text: str) -> "dict[str, Any]":
    """A swanctl.conf of this role's: sections are dictionaries, settings text. No includes, one setting a line."""
    root: dict[str, Any] = {}
    stack = [root]
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.endswith("{"):
            section: dict[str, Any] = {}
            stack[-1][line[:-1].strip()] = section
            stack.append(section)
        elif line == "}":
            stack.pop()
        elif line:
            name, _, value = line.partition("=")
            stack[-1][name.strip()] = value.strip().strip('"')
    return root


def _normal(value: str) -> "set[str]":
    """4h -> {14400}; a-b -> what swanctl calls a and b; words and ranges as they are."""
    duration = re.fullmatch(r"(\d+)([smhd])", value)
    if duration:
        return {str(int(duration[1]) * _SECONDS[duration[2]])}
    parts = value.split("-")
    if all(part in _WORDS for part in parts):
        return {_WORDS[part] for part in parts}
    return set(re.split(r"\s*,\s*", value))


def _shown(value: Any) -> "set[str]":
    if isinstance(value, dict):
        return {word for part in value.values() for word in _shown(part)} - {_NO_EXTENDED_NUMBERS}
    return set(value) if isinstance(value, list) else {value}


def connection_differences(wanted: "dict[str, Any]", live: "dict[str, Any] | None") -> Iterator[str]:
    """How the loaded connection differs from the file's. `live` is its section of `swanctl --list-conns --raw`, None
    when it is not there. What this charon does not show is not compared (5.9 shows no proposals)."""
    if live is None:
        yield "charon has not loaded it"
        return
    yield from _settings("", wanted, live, _CONNECTION)
    for end in ("local", "remote"):
        shown = live.get(f"{end}-1", {})
        if shown.get("id") != wanted[end]["id"]:
            yield f"{end} id is {shown.get('id', 'none')} instead of {wanted[end]['id']}"
        if "pre-shared" not in str(shown.get("class", "pre-shared")):
            yield f"{end} auth is {shown['class']} instead of a pre-shared key"
    children = live.get("children", {})
    for name, child in wanted["children"].items():
        if name in children:
            yield from _settings("child ", child, children[name], _CHILD)
        else:
            yield f"child {name} is missing"
    yield from (f"child {name} is not in the file" for name in sorted(set(children) - set(wanted["children"])))


def _settings(of: str, wanted: "dict[str, Any]", live: "dict[str, Any]", names: "tuple[str, ...]") -> Iterator[str]:
    for name in names:
        shown = name if name in live else name.replace("_ts", "-ts")
        if name in wanted and shown in live and _shown(live[shown]) != _normal(wanted[name]):
            found = ", ".join(sorted(_shown(live[shown])))
            yield f"{of}{name} is {found} instead of {wanted[name]}"


def key_differences(connection: str, wanted: "set[int]", names: "list[str]") -> Iterator[str]:
    """How charon's keys of this connection differ from the generations that it is to hold; `names` as vici has them."""
    mine = re.compile(rf"ike-{re.escape(connection)}-(\d+)")
    held = {int(found[1]) for found in map(mine.fullmatch, names) if found}
    if lacks := sorted(wanted - held):
        yield f"charon has not loaded key generation {', '.join(map(str, lacks))}"
    if more := sorted(held - wanted):
        yield f"charon still holds key generation {', '.join(map(str, more))}"


def rule_differences(wanted: str, live: str) -> Iterator[str]:
    """How a table's listing differs from what the file gives; both as `nft --stateless list table` prints them."""
    want, have = _chains(wanted), _chains(live)
    for chain in [*want, *(name for name in have if name not in want)]:
        if chain not in have:
            yield f"chain {chain} is missing"
        elif chain not in want:
            yield f"chain {chain} is not of twinsite"
        elif want[chain] != have[chain]:
            lacks = [rule for rule in want[chain] if rule not in have[chain]]
            more = [rule for rule in have[chain] if rule not in want[chain]]
            words = [f"lacks `{rule}`" for rule in lacks] + [f"has `{rule}`" for rule in more]
            yield f"chain {chain} {' and '.join(words) or 'has its rules in another order or number'}"


def _chains(listing: str) -> "dict[str, list[str]]":
    found: dict[str, list[str]] = {}
    chain = ""
    for line in map(str.strip, listing.splitlines()):
        if line.startswith("chain ") and line.endswith("{"):
            chain = line.split()[1]
            found[chain] = []
        elif line == "}":
            chain = ""
        elif chain and line:
            found[chain].append(line)
    return found


_CAUSES = (
    # The newest line of charon's log that says one of these says why there is no tunnel.
    ("keys", ("AUTHENTICATION_FAILED", "AUTH_FAILED", "no shared key found", "MAC mismatched")),
    (
        "connection",
        ("NO_PROPOSAL_CHOSEN", "NO_PROP", "no IKE config found", "no matching peer config", "TS_UNACCEPTABLE"),
    ),
    ("path", ("giving up after", "peer not responding", "network is unreachable", "error writing to socket")),
)


def cause(lines: "list[str]") -> str:
    """keys, connection or path: why the ends do not come together, by charon's last words; empty when they do not
    tell."""
    for line in reversed(lines):
        for name, words in _CAUSES:
            if any(word.lower() in line.lower() for word in words):
                return name
    return ""
