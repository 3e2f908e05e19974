"""Makes the host this end of the tunnel, and takes it back. Only the role's own files and connection are touched.

Order of apply: protection first (rules, routes, kernel settings), then charon, then what keeps it awake. Every step can
be killed and run again; what was loaded is noted after the fact, so the next run loads again rather than trusts.
"""

import json
import pathlib
from typing import Any

from .. import packages
from ..errors import Failed, Refused
from ..health import units
from . import charon, health, host, render, rotation, watch
from .settings import Config

STATE_FILE = pathlib.Path("/var/lib/twinsite/gateway.json")
PACKAGES: "dict[str, tuple[str, ...]]" = {
    "swanctl": ("strongswan-swanctl",),
    "/usr/sbin/charon-systemd": ("charon-systemd",),
    # AES-GCM and the groups over elliptic curves. In libstrongswan itself since 6.0; before, only recommended by it.
    "/usr/lib/ipsec/plugins/libstrongswan-openssl.so": ("libstrongswan-standard-plugins",),
    "nft": ("nftables",),
    "ping": ("iputils-ping",),
}
"""Program or file -> package that brings it, in Debian and Ubuntu alike."""
OLDEST_STRONGSWAN = (5, 9, 6)
"""First with start_action=trap|start and with de-duplication at the initiator (strongSwan PR 1856)."""
_LOADED = {"connection": ("connection", "selectors", "way"), "keys": ("keys",)}
"""What is noted as loaded -> what health finds when charon no longer has it so."""


def require_host(config: Config) -> None:
    """Refused unless this host can be what the configuration says."""
    problems = []
    if host.unit_is("active", "strongswan-starter.service"):
        problems.append(
            "strongswan-starter.service runs a charon of its own with ipsec.conf, the deprecated interface: move its "
            "connections to /etc/swanctl/conf.d, then `systemctl disable --now strongswan-starter`"
        )
    version = charon.version()
    if version < OLDEST_STRONGSWAN:
        text = ".".join(str(part) for part in version)
        problems.append(f"strongSwan {text} is older than 5.9.6 and knows no trap|start: upgrade the distribution")
    main = pathlib.Path("/etc/swanctl/swanctl.conf")
    lines = main.read_text(encoding="utf-8").splitlines()
    if not any(line.split()[:2] == ["include", "conf.d/*.conf"] for line in lines):
        problems.append(f"{main} does not include conf.d: add the line `include conf.d/*.conf`")
    own = host.addresses()
    if config.local_address not in own:
        have = ", ".join(sorted(own))
        problems.append(f"local_address {config.local_address} is not on this host (it has {have}): correct it")
    else:
        inside = own[config.local_address]
        problems += host.forwarding_problems(config.local_range, config.remote_range, inside)
    if problems:
        raise Refused(problems)


def apply(config: Config, keys: dict[int, str]) -> dict[str, Any]:
    """Make the host this end of the tunnel; what changed and what that disturbed."""
    changed: list[str] = []
    installed = packages.install(packages.missing(PACKAGES), starts=True)
    if installed:
        changed.append(f"installed {', '.join(installed)}")
        if "libstrongswan-standard-plugins" in installed and host.unit_is("active", charon.SERVICE):
            host.unit("restart", charon.SERVICE)  # it has not loaded what came now
    require_host(config)
    state = host.state_read(STATE_FILE)
    _require_rotation(config, state.get("psk_sign"))
    keys, leaving = _keys(config, keys, state.get("fingerprints", {}))
    files = health.wanted(config, keys)
    _note_before(state, files)
    _doubt(config, state, files, keys)
    written = _write(state, files, changed)
    _protect(config, state, files, written, changed)
    disruption = _load(config, state, files, keys, changed)
    _services(config, written, changed)
    if leaving:
        _remove_keys(config, state, keys, leaving, changed)
    for stale in host.blackholes(render.ROUTE_METRIC):
        if stale != config.remote_range:
            host.run("ip", "route", "del", "blackhole", stale, "metric", str(render.ROUTE_METRIC))
            changed.append(f"{stale} is routed as before")
    host.write(render.APPLIED_FILE, json.dumps(watch.announcement(config)) + "\n", 0o644)
    return {"changed": changed, "disruption": disruption}


def _require_rotation(config: Config, signed: int | None) -> None:
    """Refused when a change of the signing key could leave the ends without a common one."""
    problem = rotation.jump_problem(signed, config)
    if not problem and signed is not None and config.psk_sign > signed:
        peer = host.ask(config.local_address, config.peer_private_address, render.ANNOUNCE_PORT)
        problem = rotation.peer_problem(signed, config, peer)
    if problem:
        raise Refused([problem])


def _save(state: dict[str, Any]) -> None:
    host.write(STATE_FILE, json.dumps(state, indent=1, sort_keys=True), 0o600)


def _keys(config: Config, keys: dict[int, str], applied: dict[str, str]) -> tuple[dict[int, str], list[int]]:
    """(keys to write now, generations to remove once proven unneeded). `applied`: fingerprints of what was told and
    written last; a key that is still that one is put back over whatever the file has become."""
    path = render.secrets_file(config.connection)
    before = rotation.held(path.read_text(encoding="utf-8")) if path.exists() else {}
    told = {n: key for n, key in keys.items() if applied.get(str(n)) != health.fingerprint(key)}
    replaced = rotation.changed_keys(before, told)
    if replaced:
        raise Refused(
            [
                f"the key of generation {', '.join(map(str, replaced))} differs from the one that this host holds; a "
                "key never changes within its generation: raise psk_generation by 1 instead (if the stack was "
                "destroyed and made anew, run `twinsite-guest gateway undo` here first)"
            ]
        )
    if not config.psk_prove:
        return keys, []
    leaving = sorted(n for n in before if n < min(keys))
    return {**{n: before[n] for n in leaving}, **keys}, leaving


def _note_before(state: dict[str, Any], files: health.Files) -> None:
    """Remember, before the first change, what undo has to put back."""
    if "before" not in state:
        state["before"] = {
            "charon_enabled": host.unit_is("enabled", charon.SERVICE),
            "charon_active": host.unit_is("active", charon.SERVICE),
            "sysctl": {},
        }
    for name, _, _ in host.sysctl_lines(files[render.SYSCTL_FILE][0]):
        state["before"]["sysctl"].setdefault(name, host.sysctl(name))
    state["files"] = sorted({*state.get("files", []), *map(str, files)})
    _save(state)


def _doubt(config: Config, state: dict[str, Any], files: health.Files, keys: dict[int, str]) -> None:
    """What somebody changed behind our back, in a file or in charon's memory, counts as not loaded."""
    paths = {
        "connection": render.connection_file(config.connection),
        "keys": render.secrets_file(config.connection),
        "timers": render.STRONGSWAN_FILE,
    }
    try:
        drifted = {problem.what for problem in health.memory(config, files, keys)}
        if host.unit_is("active", charon.SERVICE) and not watch.crosses(config):
            drifted |= {problem.what for problem in health.way(config)}
    except Failed:
        drifted = set()  # charon is sick: protection goes first, and _load says it
    for name, path in paths.items():
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        same = render.meaning(text) == render.meaning(files[path][0])
        if state.get(name) is not None and (not same or drifted.intersection(_LOADED.get(name, ()))):
            state[name] = ""
    _save(state)


def _write(state: dict[str, Any], files: health.Files, changed: list[str]) -> set[pathlib.Path]:
    """Paths that changed; files of an earlier configuration (other name, other role) go."""
    written = {path for path, (text, mode) in files.items() if host.write(path, text, mode)}
    render.PROOF_FILE.unlink(missing_ok=True)
    for path in map(pathlib.Path, state["files"]):
        if path not in files and path.exists():
            if path.name == render.KEEPALIVE_UNIT:
                host.unit("disable", "--now", render.KEEPALIVE_UNIT)
            path.unlink()
            written.add(path)
    changed += [f"wrote {path}" for path in sorted(written & files.keys())]
    changed += [f"removed {path}" for path in sorted(written - files.keys())]
    if any(path.is_relative_to(render.UNITS) for path in written):
        host.unit("daemon-reload")
    return written


def _protect(
    config: Config, state: dict[str, Any], files: health.Files, written: set[pathlib.Path], changed: list[str]
) -> None:
    """Rules, routes and kernel settings, before anything that could carry traffic."""
    for name, value, optional in host.sysctl_lines(files[render.SYSCTL_FILE][0]):
        now = host.sysctl(name)
        if now != value and not (now is None and optional):
            host.set_sysctl(name, value)
            changed.append(f"set {name} = {value}")
    noted = state.get("rules") == files[render.NFT_FILE][0] and render.UNITS / render.GUARD_UNIT not in written
    found = [*health.rules(files[render.NFT_FILE][0]), *health.routes(config), *units([render.GUARD_UNIT])]
    gone = [problem for problem in found if problem.mends]
    if noted and not gone:
        return
    if noted:
        why = "; ".join(problem.problem for problem in gone)
        changed.append(f"put back the rules and routes that keep clear text in: {why}")
    state.pop("rules", None)
    _save(state)
    host.run("nft", "--check", "--file", str(render.NFT_FILE))  # says what is wrong; systemctl would not
    host.unit("enable", render.GUARD_UNIT)
    # A reload keeps the old rules until the new ones are in; a restart would leave a gap.
    host.unit("reload-or-restart", render.GUARD_UNIT)
    state["rules"] = files[render.NFT_FILE][0]
    _save(state)


def _load(config: Config, state: dict[str, Any], files: health.Files, keys: dict[int, str], changed: list[str]) -> str:
    """Make charon's memory what the files say; what that disturbed."""
    wanted = {
        "connection": render.meaning(files[render.connection_file(config.connection)][0]),
        "timers": render.meaning(files[render.STRONGSWAN_FILE][0]),
        "keys": [config.psk_sign, *sorted(keys)],
    }
    if not host.unit_is("enabled", charon.SERVICE):
        host.unit("enable", charon.SERVICE)
        changed.append(f"{charon.SERVICE} starts at boot")
    disruption = "none"
    if not host.unit_is("active", charon.SERVICE):
        host.unit("start", charon.SERVICE)  # loads every file itself
        changed.append(f"started {charon.SERVICE}")
    else:
        before = {name: state.get(name) for name in wanted}
        loaded = config.connection in charon.connections()
        # Killed from here on, the next apply loads again.
        for name in wanted:
            if before[name] != wanted[name]:
                state[name] = "" if before[name] is not None else None
        _save(state)
        if before["timers"] != wanted["timers"]:
            charon.swanctl("--reload-settings")  # new SAs take the new timers; no restart, other connections stay
        if before["keys"] != wanted["keys"] or not loaded:
            charon.swanctl("--load-creds", "--noprompt")
        if before["connection"] != wanted["connection"] or not loaded:
            old = {sa.unique_id for sa in charon.sas(config.connection)}
            charon.swanctl("--load-conns")
            if old and before["connection"] is not None:
                disruption = "the connection changed: the tunnel re-establishes once"
                # load-conns ends the SAs of a start_action that went, and leaves all others alive (strongSwan #2324).
                if old & {sa.unique_id for sa in charon.sas(config.connection)}:
                    if config.role == "initiator" and charon.trapped(config.connection):
                        # The trap holds charon's route, too: charon would not set again what somebody took away.
                        charon.swanctl("--uninstall", "--child", config.connection)
                    charon.terminate(config.connection)
    if config.role == "initiator" and not charon.trapped(config.connection):
        # Loading again what is loaded sets no trap.
        charon.swanctl("--install", "--child", config.connection)
        changed.append("set the trap again: a packet that finds no SA asks for one")
    if config.connection not in charon.connections():
        words = "\n".join(charon.last_words())
        raise Failed(f"charon did not take the connection {config.connection}; it says:\n{words}")
    state.update(wanted, fingerprints={str(n): health.fingerprint(key) for n, key in keys.items()})
    state["psk_sign"] = config.psk_sign
    _save(state)
    return disruption


def _services(config: Config, written: set[pathlib.Path], changed: list[str]) -> None:
    for name in health.services(config):
        changed += [f"put right: {problem.problem}" for problem in units([name]) if render.UNITS / name not in written]
        host.unit("enable", name)
        host.unit("restart" if render.UNITS / name in written else "start", name)


def _remove_keys(
    config: Config, state: dict[str, Any], keys: dict[int, str], leaving: list[int], changed: list[str]
) -> None:
    state.pop("keys")  # killed from here on, the next apply loads every key again
    _save(state)
    rotation.prove(config, keys, leaving)
    kept = {n: key for n, key in keys.items() if n not in leaving}
    host.write(render.secrets_file(config.connection), render.secrets(config, kept), 0o600)
    charon.swanctl("--load-creds", "--noprompt")
    state["keys"] = [config.psk_sign, *sorted(kept)]
    _save(state)
    changed.append(f"removed key generation {', '.join(map(str, leaving))}: the peer signs with {config.psk_sign}")


def undo(config: Config) -> dict[str, Any]:
    """Take back everything that apply put on the host; packages stay. Other connections keep running."""
    state = host.state_read(STATE_FILE)
    if not state:
        return {"changed": [], "disruption": "none"}
    before = state["before"]
    host.succeeds("systemctl", "--quiet", "stop", f"{rotation.RESTORE_UNIT}.timer")
    for name in (render.KEEPALIVE_UNIT, render.ANNOUNCE_SOCKET):
        host.succeeds("systemctl", "--quiet", "disable", "--now", name)
    files = [*map(pathlib.Path, state.get("files", [])), render.PROOF_FILE, render.APPLIED_FILE]
    present = [path for path in files if path.exists()]
    for path in present:
        if path.is_relative_to("/etc/swanctl") or path == render.STRONGSWAN_FILE:
            path.unlink()
    if host.unit_is("active", charon.SERVICE):
        charon.swanctl("--reload-settings")
        charon.swanctl("--load-conns")
        if charon.sas(config.connection):
            charon.terminate(config.connection)
        charon.swanctl("--load-creds", "--noprompt")
        if not before["charon_active"] and not charon.connections():
            host.unit("stop", charon.SERVICE)
    if not before["charon_enabled"] and not host.unit_is("active", charon.SERVICE):
        host.unit("disable", charon.SERVICE)
    host.succeeds("systemctl", "--quiet", "disable", "--now", render.GUARD_UNIT)  # last: the way is closed until here
    for path in present:
        path.unlink(missing_ok=True)
    dropins = render.NFTABLES_DROPIN.parent
    if dropins.is_dir() and not any(dropins.iterdir()):
        dropins.rmdir()
    host.unit("daemon-reload")
    for name, value in before["sysctl"].items():
        if value is not None and host.sysctl(name) not in (None, value):
            host.set_sysctl(name, value)
    STATE_FILE.unlink()
    if not any(STATE_FILE.parent.iterdir()):
        STATE_FILE.parent.rmdir()
    return {"changed": [f"removed {path}" for path in map(str, present)], "disruption": f"{config.connection} is gone"}
