"""Fills in the role's files. Pure: configuration, keys and the host's interface in, path -> (text, mode) out."""

import pathlib
import string
from dataclasses import asdict

from .settings import Config

FOLDER = pathlib.Path(__file__).parent
NFT_FILE = pathlib.Path("/etc/twinsite/gateway.nft")
STRONGSWAN_FILE = pathlib.Path("/etc/strongswan.d/twinsite.conf")
SYSCTL_FILE = pathlib.Path("/etc/sysctl.d/60-twinsite-gateway.conf")
UNITS = pathlib.Path("/etc/systemd/system")
GUARD_UNIT = "twinsite-gateway.service"
KEEPALIVE_UNIT = "twinsite-gateway-keepalive.service"
ANNOUNCE_SOCKET = "twinsite-gateway-announce.socket"
ANNOUNCE_SERVICE = "twinsite-gateway-announce@.service"
NFTABLES_DROPIN = UNITS / "nftables.service.d" / "twinsite-gateway.conf"
APPLIED_FILE = pathlib.Path("/var/lib/twinsite/gateway-applied.json")
PROOF_FILE = pathlib.Path("/etc/swanctl/twinsite-proof.conf")
ROUTE_PROTOCOL = 2
"""`kernel`: systemd-networkd removes every route of a foreign protocol when it starts or reloads, but leaves these."""
ROUTE_METRIC = 8400
"""Behind any ordinary route of the same range, so that ours is only what is left; it also marks routes as ours."""
ANNOUNCE_PORT = 45450
"""TCP, on the private address, for the peer gateway only."""

File = tuple[str, int]


class _Template(string.Template):
    """@{name}, because $ is nftables' own."""

    delimiter = "@"


def fill(name: str, values: dict[str, object]) -> str:
    """The file `name` of this folder with its @{…} filled in; KeyError when one is unknown."""
    return _Template((FOLDER / name).read_text(encoding="utf-8")).substitute(values)


def connection_file(connection: str) -> pathlib.Path:
    """Where swanctl finds the connection."""
    return pathlib.Path(f"/etc/swanctl/conf.d/twinsite-{connection}.conf")


def secrets_file(connection: str) -> pathlib.Path:
    """Where swanctl finds its keys; the only file with secrets, 0600."""
    return pathlib.Path(f"/etc/swanctl/conf.d/twinsite-{connection}-secrets.conf")


def number(value: float) -> str:
    """1.5 -> 1.5, 3.0 -> 3: swanctl reads whole seconds only without a decimal point."""
    return f"{value:g}"


def values(config: Config, wan: str, programs: dict[str, str], outer: str) -> dict[str, object]:
    """Everything that a file of this folder may ask for, except keys."""
    timers = config.timers
    return {
        **{name: value for name, value in asdict(config).items() if name != "timers"},
        **programs,
        "wan": wan,
        "outer_address": outer,
        "wan_key": wan.replace(".", "/"),
        "dpd_delay": number(timers.dpd_delay_seconds),
        "responder_dpd_delay": timers.responder_delay_seconds,
        "retransmit_timeout": number(timers.retransmit_timeout_seconds),
        "retransmit_base": number(timers.retransmit_base),
        "retransmit_tries": number(timers.retransmit_tries),
        "ladder_seconds": number(timers.ladder_seconds),
        "detect_seconds": number(timers.detect_seconds),
        "acquire_seconds": timers.acquire_seconds,
        "route_protocol": ROUTE_PROTOCOL,
        "route_metric": ROUTE_METRIC,
        "announce_port": ANNOUNCE_PORT,
    }


def secrets(config: Config, keys: dict[int, str]) -> str:
    """The keys that this host holds, as swanctl reads them; exactly one of them signs."""
    parts = []
    for generation, key in sorted(keys.items()):
        template = "secret.conf" if generation == config.psk_sign else "secret-accepted.conf"
        parts.append(
            fill(
                template,
                {
                    "connection": config.connection,
                    "generation": generation,
                    "local_id": config.local_id,
                    "remote_id": config.remote_id,
                    "key": key,
                },
            )
        )
    return "".join(parts)


def files(
    config: Config, keys: dict[int, str], wan: str, programs: dict[str, str], outer: str
) -> dict[pathlib.Path, File]:
    """Every file that the role puts on the host. `programs` are the absolute paths of nft, ip and ping; IKE is spoken
    from the address `outer`, or from any with %any."""
    known = values(config, wan, programs, outer)
    rules = fill("gateway.nft", known)
    if config.nat_range:
        rules += fill("masquerade.nft", known)
    found: dict[pathlib.Path, File] = {
        NFT_FILE: (rules, 0o644),
        SYSCTL_FILE: (fill("sysctl.conf", known), 0o644),
        UNITS / GUARD_UNIT: (fill(GUARD_UNIT, known), 0o644),
        UNITS / ANNOUNCE_SOCKET: (fill(ANNOUNCE_SOCKET, known), 0o644),
        UNITS / ANNOUNCE_SERVICE: (fill(ANNOUNCE_SERVICE, known), 0o644),
        NFTABLES_DROPIN: (fill("nftables-dropin.conf", known), 0o644),
        STRONGSWAN_FILE: (fill("strongswan.conf", known), 0o644),
        secrets_file(config.connection): (secrets(config, keys), 0o600),
        connection_file(config.connection): (fill(f"{config.role}.conf", known), 0o644),
    }
    if config.role == "initiator":
        found[UNITS / KEEPALIVE_UNIT] = (fill(KEEPALIVE_UNIT, known), 0o644)
    return found


def meaning(text: str) -> str:
    """A .conf file without comments and blank lines: what charon reads of it."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def proof(config: Config, keys: dict[int, str], leaving: list[int]) -> str:
    """All of the host's swanctl configuration, but with our leaving generations replaced by the signing key.

    Loaded by itself it takes the leaving keys out of charon's memory only: files, and other connections' secrets, stay.
    """
    parts = ["include swanctl.conf\n"]
    for generation in leaving:
        known = {"connection": config.connection, "generation": generation, "key": keys[config.psk_sign]}
        parts.append(
            fill("secret-accepted.conf", {**known, "local_id": config.local_id, "remote_id": config.remote_id})
        )
    return "".join(parts)
