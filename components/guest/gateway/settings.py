"""The role's configuration and keys, parsed and checked: every problem at once, each a sentence with its fix."""

import dataclasses
import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import Refused
from .timers import Timers

ROLES = ("initiator", "responder")
KEY_PATTERN = re.compile(r"[A-Za-z1-9._][A-Za-z0-9._]{31,63}")
"""Legal for charon without quoting, and for a managed AWS VPN: 8..64 of [A-Za-z0-9._], not starting with 0."""
NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
ID_PATTERN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Config:
    """One end of one tunnel."""

    connection: str
    """Name of the swanctl connection and of its child."""
    role: str
    local_id: str
    remote_id: str
    local_range: str
    remote_range: str
    remote_address: str
    """The peer's public IPv4 address; %any at a responder."""
    local_address: str
    """This host's own private address, inside local_range."""
    peer_private_address: str
    """The peer gateway's address inside remote_range; it is pinged through the tunnel."""
    nat_range: str = ""
    """Range that this host masquerades to the internet; empty for none."""
    psk_sign: int = 1
    """Generation of the key that this end authenticates itself with."""
    psk_min: int = 0
    """Generations below are removed from this host."""
    psk_prove: bool = False
    """Before a key is removed, prove by one re-establishment that the peer does not sign with it any more."""
    peer_digest: str = ""
    """`digest` that the peer announces once it has applied its configuration; empty: the gate does not ask."""
    timers: Timers = field(default_factory=Timers)

    @property
    def digest(self) -> str:
        """Hash of what makes this end what it is, without what only steers a rollout."""
        steering = ("psk_min", "psk_prove", "peer_digest")
        kept = {name: value for name, value in dataclasses.asdict(self).items() if name not in steering}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def parse(data: Any) -> Config:
    """Refused, with everything that is wrong, unless `data` is a usable configuration."""
    if not isinstance(data, dict):
        raise Refused([f"the configuration is {type(data).__name__}, not an object: run `pulumi up` again"])
    problems: list[str] = []
    known = {item.name: item for item in dataclasses.fields(Config)}
    values: dict[str, Any] = {}
    for name, item in known.items():
        if name == "timers":
            continue
        if name not in data:
            if item.default is dataclasses.MISSING:
                problems.append(f"{name} is missing: add it to the gateway configuration")
            continue
        wanted = {"psk_sign": int, "psk_min": int, "psk_prove": bool}.get(name, str)
        value = data[name]
        if wanted is int and isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON that passed through Pulumi has no integers
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            problems.append(f"{name} is {value!r}: it must be a {wanted.__name__}")
            continue
        values[name] = value
    values["timers"] = _timers(data.get("timers", {}), problems)
    if problems:
        raise Refused(problems)
    config = Config(**values)
    problems = config_problems(config)
    if problems:
        raise Refused(problems)
    return config


def _timers(data: Any, problems: list[str]) -> Timers:
    defaults = dataclasses.asdict(Timers())
    if not isinstance(data, dict) or not set(data) <= set(defaults):
        problems.append(f"timers is {data!r}: it must be an object with {', '.join(defaults)}")
        return Timers()
    merged = {**defaults, **data}
    for name, value in merged.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            problems.append(f"timers.{name} is {value!r}: it must be a number above 0")
            return Timers()
    for name in ("dpd_delay_seconds", "retransmit_tries"):
        if merged[name] != int(merged[name]):
            problems.append(f"timers.{name} is {merged[name]!r}: it must be a whole number")
        merged[name] = int(merged[name])
    for name in ("retransmit_timeout_seconds", "retransmit_base"):
        merged[name] = float(merged[name])  # 1 and 1.0 are one value, also in the digest
    return Timers(**merged)


def _range(name: str, text: str, problems: list[str]) -> "ipaddress.IPv4Network | None":
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        problems.append(f"{name} {text!r} is not an IPv4 range ({error}): write it like 192.168.64.0/24")
        return None


def _address(name: str, text: str, problems: list[str]) -> "ipaddress.IPv4Address | None":
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        problems.append(f"{name} {text!r} is not an IPv4 address: write it like 192.168.64.10")
        return None


def config_problems(config: Config) -> list[str]:
    """What a host can see is wrong by itself; the design's own rules ran before it was sent here."""
    problems: list[str] = []
    if not NAME_PATTERN.fullmatch(config.connection):
        problems.append(
            f"connection {config.connection!r} is no swanctl section name: use letters, digits, - and _, at most 32"
        )
    if config.role not in ROLES:
        problems.append(f"role {config.role!r} is unknown: use one of {', '.join(ROLES)}")
    for name in ("local_id", "remote_id"):
        if not ID_PATTERN.fullmatch(getattr(config, name)):
            problems.append(f"{name} {getattr(config, name)!r} is no host name: use letters, digits, . and -")
    if config.local_id == config.remote_id:
        problems.append(f"local_id and remote_id are both {config.local_id!r}: give each end a name of its own")
    local = _range("local_range", config.local_range, problems)
    remote = _range("remote_range", config.remote_range, problems)
    if local and remote and local.overlaps(remote):
        problems.append(f"local_range {local} and remote_range {remote} overlap: renumber one side")
    own = _address("local_address", config.local_address, problems)
    peer = _address("peer_private_address", config.peer_private_address, problems)
    if local and own and own not in local:
        problems.append(
            f"local_address {own} is not in local_range {local}: charon could not set its routes; correct one of them"
        )
    if remote and peer and peer not in remote:
        problems.append(f"peer_private_address {peer} is not in remote_range {remote}: correct one of them")
    if config.role == "initiator":
        _address("remote_address", config.remote_address, problems)
    elif config.remote_address != "%any":
        _range("remote_address", config.remote_address, problems)
    if config.nat_range:
        _range("nat_range", config.nat_range, problems)
    if config.psk_sign < 1:
        problems.append(f"psk_sign {config.psk_sign} is below 1: count generations from 1")
    return problems


def parse_keys(data: Any, config: Config) -> dict[int, str]:
    """Generation -> key, of those that this host is to hold, Refused with what is wrong. Never quotes a key."""
    psk = data.get("psk") if isinstance(data, dict) else None
    if not isinstance(psk, dict) or not psk:
        raise Refused(['the secrets hold no object "psk" of generation -> key: run `pulumi up` again'])
    problems = []
    keys: dict[int, str] = {}
    for name, key in psk.items():
        if not str(name).isdigit():
            problems.append(f"psk generation {name!r} is not a number: run `pulumi up` again")
        elif not isinstance(key, str) or not KEY_PATTERN.fullmatch(key):
            problems.append(
                f"psk generation {name} is not 32 to 64 of A-Z a-z 0-9 . _ that begin with anything but 0: "
                "let twinsite generate it"
            )
        else:
            keys[int(name)] = key
    if not problems and config.psk_sign not in keys:
        have = ", ".join(str(n) for n in sorted(keys))
        problems.append(
            f"psk generation {config.psk_sign} is to sign but the secrets hold {have}: run `pulumi up` again"
        )
    if problems:
        raise Refused(problems)
    # A psk_min that ran ahead (its document came before the new psk_sign) must not take the signing key away.
    lowest = min(config.psk_min, config.psk_sign)
    return {n: keys[n] for n in sorted(keys) if n >= lowest}
