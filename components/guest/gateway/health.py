"""What is not as it is to be on this gateway. Desired is what the role renders and applies, live is asked of the host.

Changes nothing. `apply` asks the same questions, so that what is named here as mended by it is.
"""

import hashlib
import ipaddress
import json
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .. import documents, health
from ..errors import Failed, Refused
from ..health import Problem, mended
from . import charon, forwarding, host, loaded, render, rotation, settings, watch
from .settings import Config

TABLE = "twinsite_gateway"
SEGMENT_BYTES = 1360
"""Largest TCP segment that gateway.nft admits; with its own headers (40) it must cross in one piece."""
PACKETS = 10
LOST = 3
"""Of PACKETS; a path with 1 % loss loses so many once in ten thousand looks."""
TRACKED_PERCENT = 90
_OFF = ("net.ipv4.conf.all.disable_xfrm", "net.ipv4.conf.all.disable_policy", "net.ipv4.icmp_echo_ignore_all")
"""What stops the tunnel when it is on, and nobody has on by default; the role sets none of them."""
_MOUNTS = ("/", "/var", "/var/log", "/etc", "/run")

Files = dict[pathlib.Path, render.File]


def wanted(config: Config, keys: "dict[int, str]") -> Files:
    """The role's files for this host as it is now. Refused when it has no way out."""
    programs = {name: host.command_path(name) for name in ("nft", "ip", "ping")}
    wan = host.default_interface()
    # On a host between two networks IKE leaves by the other interface: charon takes the address of that.
    own = config.local_address if host.addresses().get(config.local_address) == wan else "%any"
    return render.files(config, keys, wan, programs, own)


def report(config: Config, secrets_path: str) -> "dict[str, Any]":
    """What the role's report says beside the live state: {"problems", "keys": generation → fingerprint, "cause"}."""
    found, keys = health.agent(), {}
    try:
        keys = settings.parse_keys(documents.read(secrets_path), config)
        found += _problems(config, keys)
    except (Refused, Failed) as problem:
        found.append(Problem("gateway", str(problem).splitlines()[0], "run `pulumi up`, which tells this host again"))
    return {
        "problems": health.plain(found),
        "keys": {str(generation): fingerprint(key) for generation, key in keys.items()},
        "cause": loaded.cause(charon.last_words()),
    }


def fingerprint(key: str) -> str:
    """Says whether two ends hold the same key. A key has 190 random bits or more, so that it gives nothing away."""
    return hashlib.sha256(f"twinsite {key}".encode()).hexdigest()[:16]


Look = tuple[str, Callable[[], Iterable[Problem]]]
"""What is looked at, and how."""


def _problems(config: Config, keys: "dict[int, str]") -> Iterator[Problem]:
    return _all(
        ("files", lambda: _rendered(config, keys)),
        ("told", lambda: _told(config)),
        ("units", lambda: health.units(units(config))),
        ("routes", lambda: [*routes(config), *_ways(config)]),
        ("firewall", lambda: _firewall(config)),
        ("path", lambda: _path(config)),
        ("disk", lambda: [*health.disk(_MOUNTS), *_tracking()]),
    )


def _rendered(config: Config, keys: "dict[int, str]") -> Iterator[Problem]:
    """What is compared with the role's files: of a host for which they cannot be made, none of it is known."""
    held = _held(config, keys)
    files = wanted(config, held)
    return _all(
        ("files", lambda: health.files({path: (*file, "root") for path, file in files.items()})),
        ("rules", lambda: rules(files[render.NFT_FILE][0])),
        ("sysctl", lambda: sysctls(files[render.SYSCTL_FILE][0])),
        ("charon", lambda: memory(config, files, held)),
        ("rivals", lambda: _rivals(config, files)),
    )


def _all(*looks: Look) -> Iterator[Problem]:
    for what, look in looks:
        yield from health.looked(what, look, "look at that on this host")


def _held(config: Config, keys: "dict[int, str]") -> "dict[int, str]":
    """The keys that the host is to hold now: those it was told, and those that leave only when proven unneeded."""
    path = render.secrets_file(config.connection)
    if not config.psk_prove or not path.exists():
        return keys
    before = rotation.held(path.read_text(encoding="utf-8"))
    return {**{n: key for n, key in before.items() if n < min(keys)}, **keys}


def units(config: Config) -> "list[str]":
    """Units that run and are enabled on a gateway."""
    return [render.GUARD_UNIT, charon.SERVICE, *services(config)]


def services(config: Config) -> "list[str]":
    """Those of them that are the role's own beside the guard."""
    calls = [render.KEEPALIVE_UNIT] if config.role == "initiator" else []
    return [render.ANNOUNCE_SOCKET, *calls]


def _told(config: Config) -> Iterator[Problem]:
    try:
        applied = json.loads(render.APPLIED_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        applied = {}
    if applied != watch.announcement(config):
        yield mended("told", "what this gateway was told last is not applied")


def rules(text: str) -> Iterator[Problem]:
    """The live table beside what its file makes; `text` is only looked at for being there to load."""
    if not render.NFT_FILE.exists() or render.NFT_FILE.read_text(encoding="utf-8") != text:
        return  # said with the files
    try:
        live = host.table(TABLE)
    except Failed:
        yield mended("rules", "the rules that keep clear text in are not loaded")
        return
    try:
        made = host.table(TABLE, render.NFT_FILE)
    except Failed as error:  # a container may lack CAP_SYS_ADMIN, which a network namespace takes
        fix = "allow this host `unshare --net`: until then only that there are rules is seen"
        yield Problem("rules", f"the live rules cannot be compared with their file ({error})", fix)
        return
    for words in loaded.rule_differences(made, live):
        yield mended("rules", f"the live rules are not those of {render.NFT_FILE}: {words}")


def routes(config: Config) -> Iterator[Problem]:
    """The route under the tunnel's own."""
    if config.remote_range not in host.blackholes(render.ROUTE_METRIC):
        yield mended("routes", f"the blackhole route under {config.remote_range} is missing: clear text could leave")


def _ways(config: Config) -> Iterator[Problem]:
    ranges = [ipaddress.IPv4Network(each) for each in (config.local_range, config.remote_range)]
    for route in host.dead_ends():
        where = ipaddress.IPv4Network(route["dst"] if route["dst"] != "default" else "0.0.0.0/0")
        ours = route["dst"] == config.remote_range and route.get("metric") == render.ROUTE_METRIC
        if not ours and any(where.subnet_of(each) for each in ranges):
            yield Problem(
                "routes",
                f"a route of type {route.get('type', 'blackhole')} takes what goes to {where}",
                f"run `sudo ip route del {route.get('type', 'blackhole')} {route['dst']}` and find what sets it",
            )


def sysctls(text: str) -> Iterator[Problem]:
    """Kernel settings, live and at the next boot."""
    for name, value, optional in host.sysctl_lines(text):
        live = host.sysctl(name)
        if live != value and not (live is None and optional):
            yield mended("sysctl", f"{name} is {live} instead of {value}")
        persisted, file = host.persisted(name)
        if persisted not in ("", value):
            yield Problem(
                "sysctl",
                f"{name} would be {persisted} after the next boot, by {file}",
                f"take {name} out of {file}, which is read after {render.SYSCTL_FILE}",
            )
    for name in _OFF:
        if host.sysctl(name) not in (None, "0"):
            yield Problem(
                "sysctl",
                f"{name} is {host.sysctl(name)}: the tunnel's packets are not protected or not answered",
                f"`sudo sysctl {name}=0`",
            )


def memory(config: Config, files: Files, keys: "dict[int, str]") -> Iterator[Problem]:
    """What charon holds beside the files that it was to load."""
    if not host.unit_is("active", charon.SERVICE):
        return  # said with the units
    text = files[render.connection_file(config.connection)][0]
    live = charon.connections().get(config.connection)
    section = loaded.parse(text)["connections"][config.connection]
    for words in loaded.connection_differences(section, live):
        yield mended("connection", f"connection {config.connection} in charon: {words}")
    for words in loaded.key_differences(config.connection, set(keys), charon.key_names()):
        yield mended("keys", f"{words}: the next authentication may fail")
    for child in (child for sa in charon.sas(config.connection) for child in sa.children):
        carries = (child.local_ranges, child.remote_ranges)
        if child.state == "INSTALLED" and carries != ((config.local_range,), (config.remote_range,)):
            shown = " to ".join(",".join(side) or "nothing" for side in carries)
            yield mended(
                "selectors", f"the CHILD_SA carries {shown} instead of {config.local_range} to {config.remote_range}"
            )
    if live is not None and config.role == "initiator" and not charon.trapped(config.connection):
        yield mended("trap", "the initiator has no trap, so nothing calls when a packet finds no SA")


def _rivals(config: Config, files: Files) -> Iterator[Problem]:
    for path in sorted(pathlib.Path("/etc/swanctl/conf.d").glob("*.conf")):
        text = render.meaning(path.read_text(encoding="utf-8", errors="replace"))
        if path not in files and re.search(rf"=\s*\"?{re.escape(config.remote_id)}\"?$", text, re.MULTILINE):
            yield Problem(
                f"file {path}",
                f"{path} names {config.remote_id} too: charon may take its key or its connection instead",
                "take that out of it, then `sudo swanctl --load-all --noprompt`",
            )


def _firewall(config: Config) -> Iterator[Problem]:
    inside = host.addresses().get(config.local_address, "")
    wan = host.default_interface()
    sentences = host.forwarding_problems(config.local_range, config.remote_range, inside)
    sentences += host.dropped(ike_packets(config, wan))
    for sentence in dict.fromkeys(sentences):
        problem, _, fix = sentence.partition("): ")
        yield Problem("firewall", f"{problem})", fix)


def ike_packets(config: Config, wan: str) -> "list[forwarding.Packet]":
    """IKE and the ESP in its UDP, as they leave and as they come; the initiator asks, the responder is asked."""
    asks, answers = ("new", "established") if config.role == "initiator" else ("established", "new")
    anyone = "0.0.0.0/0"
    peer = anyone if config.remote_address == "%any" else config.remote_address
    return [
        packet
        for port in (500, 4500)
        for packet in (
            forwarding.Packet(anyone, peer, "", wan, asks, ("output", "postrouting"), "udp", port),
            forwarding.Packet(peer, anyone, wan, "", answers, ("prerouting", "input"), "udp", port),
        )
    ]


def _path(config: Config) -> Iterator[Problem]:
    """What the data take, from this end: only looked at when packets cross at all, which the desk judges."""
    source, target = config.local_address, config.peer_private_address
    if not watch.crosses(config):
        yield from way(config)
        return
    size = SEGMENT_BYTES + 40
    came = host.whole(source, target, size, PACKETS)
    if came == 0:
        yield Problem(
            "path",
            f"packets of {size} bytes do not cross in one piece, small ones do: large answers will stall",
            f"raise the MTU of what lies between to 1500, or lower `maxseg size` below {SEGMENT_BYTES} on both ends",
        )
    elif came <= PACKETS - LOST:
        yield Problem(
            "path",
            f"{PACKETS - came} of {PACKETS} packets to {target} were lost",
            f"look for loss on the line (`mtr {config.remote_address}`) and for `tc qdisc show` on both gateways",
        )
    peer = host.ask(source, target, render.ANNOUNCE_PORT) if config.peer_digest else None
    if peer is not None and peer.get("digest") != config.peer_digest:
        yield Problem(
            "peer", "the peer gateway has not applied what it is to be", "run `pulumi up`, or install its newest bundle"
        )


def way(config: Config) -> Iterator[Problem]:
    """Why nothing crosses although there are SAs: the route that charon set beside them is gone."""
    found = host.way(config.local_address, config.peer_private_address)
    if found.get("table") != host.CHARON_TABLE and charon.sas(config.connection):
        leads = f"leads by {found['dev']}" if "dev" in found else "leads nowhere"
        yield mended("way", f"charon's own route to {config.remote_range} is not there: it {leads}")


def _tracking() -> Iterator[Problem]:
    count, most = (host.sysctl(f"net.netfilter.nf_conntrack_{name}") for name in ("count", "max"))
    if count and most and int(count) * 100 > int(most) * TRACKED_PERCENT:
        yield Problem(
            "conntrack",
            f"{count} of {most} connections are tracked: new ones will be dropped",
            f"`sudo sysctl net.netfilter.nf_conntrack_max={int(most) * 2}`, and find who opens so many",
        )
