"""The role's verbs: apply, decode, gate, report, reseed, undo.

Exit 0 done, 1 failed, 2 refused; sentences on stderr, one JSON object on stdout.
"""

import argparse
import json
import pathlib
import sys
from typing import Any

from ..errors import Failed, Refused
from ..health import settle
from ..machine import alone, put
from . import accounts, errant, gtid, handshake, host, replica, server, settings, source, standalone, status, undo
from .config import REPLICA, SERVES_TLS, SOURCE, STANDALONE, Config, Secrets, read, read_secrets

CONFIG = "/etc/twinsite/database.json"
SECRETS = "/etc/twinsite/database.secrets.json"
TOLD = pathlib.Path("/etc/twinsite/database.told")


def apply(config: Config, secrets: Secrets, consent: gtid.GtidSet | None = None) -> dict[str, Any]:
    """Make this host what the configuration says; nothing is touched that already is."""
    accounts.refuse_system_names(config)
    if config.role == REPLICA and consent is None:
        replica.refuse_promoted()
    changed = [*host.programs(), *host.upgrades(), *host.route(config), *host.volume(config), *host.dropin(config)]
    tls_changed = [
        path
        for path, (text, mode, owner) in settings.tls_files(config, secrets.tls_key).items()
        if put(pathlib.Path(path), text, mode, owner)
    ]
    changed += host.data_directory(config)
    changed += host.identity()
    disruption, live = _settings(config, changed)
    if config.role in SERVES_TLS and "mysqld restarted" not in disruption and (tls_changed or _shows_another(config)):
        # New connections use the new certificate; the replica's present one goes on.
        server.sql("ALTER INSTANCE RELOAD TLS")
        changed.append(f"reloaded TLS: {', '.join(tls_changed) or 'another certificate than the files was loaded'}")
    for unit in host.units(config):
        if server.systemctl("is-enabled", unit, check=False) != "enabled":
            server.systemctl("enable", "-q", unit)
            changed.append(f"{unit} starts at boot")
    if config.role == SOURCE:
        source.refuse_unfit()
        changed += [*source.baseline(), *accounts.accounts(config, secrets), *source.heartbeat()]
        told = TOLD.read_text(encoding="utf-8") if TOLD.exists() else ""
        changed += accounts.forget_former(config, told)
        changed += source.tell(told)
    elif config.role == STANDALONE:
        changed += standalone.account(config, secrets)
    else:
        # A receiver keeps the net timeout that it was started with.
        done = replica.seed(config, secrets, consent, "replica_net_timeout" in live)
        changed += done.changed
        disruption += done.disruption
    return {"changed": changed, "disruption": "; ".join(disruption) or "none"}


def _shows_another(config: Config) -> bool:
    """Whether clients are shown another certificate than the configured one."""
    try:
        return handshake.shown_here(server.SOCKET) != handshake.der(config.tls_cert)
    except OSError:
        return True  # loaded anew, TLS works or says why


def _settings(config: Config, changed: list[str]) -> tuple[list[str], frozenset[str]]:
    """Bring the settings about; the disruption, and the names that were changed in the running server."""
    text = settings.render(config, host.relay_log())
    if not server.running():
        settings.write(text)
        server.start()
        changed.append("started MySQL")
        return ["mysqld started"], frozenset()
    pending = host.state().get("restart_pending")
    outcome = settings.apply(config, text)
    changed += outcome.changed
    if outcome.restart:
        # Before the file: killed in between, the next run still knows.
        host.remember(restart_pending=True)
    try:
        settings.write(text)
    except Failed:
        host.remember(restart_pending=bool(pending))
        raise
    if outcome.restart or pending:
        server.restart()
        host.remember(restart_pending=False)
        return ["mysqld restarted"], frozenset()
    return [], outcome.live


def _reseed(config: Config, secrets: Secrets, discard: str) -> dict[str, Any]:
    if config.role != REPLICA:
        raise Refused(["reseed replaces a replica's data; this host is the source"])
    try:
        consent = gtid.parse(discard)
    except ValueError as error:
        raise Refused([f"--discard: {error}"]) from None
    return apply(config, secrets, consent)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twinsite-guest database", description=__doc__)
    parser.add_argument("verb", choices=["apply", "decode", "gate", "report", "reseed", "undo"])
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--secrets", default=SECRETS)
    parser.add_argument("--timeout", type=float, default=120, help="gate: seconds to wait (default 120)")
    parser.add_argument(
        "--source-told",
        default="",
        metavar="DIGEST",
        help="gate: also wait until the source has applied these documents",
    )
    parser.add_argument(
        "--discard",
        default="",
        metavar="GTIDS",
        help="reseed: transactions of the replica's own that may be lost, by name",
    )
    parser.add_argument("--gtids", default="", help="decode: transactions of this server whose statements are told")
    return parser


def _decode(gtids: str) -> dict[str, Any]:
    try:
        return errant.look(gtid.parse(gtids))
    except ValueError as error:
        raise Refused([f"--gtids: {error}"]) from None


def main(argv: list[str]) -> int:
    """Run a verb; the exit code."""
    options = _parser().parse_args(argv)
    try:
        if options.verb == "report":
            settle()
            print(json.dumps(status.report(options.config, options.secrets)))
            return 0
        if options.verb == "decode":
            print(json.dumps(_decode(options.gtids)))
            return 0
        config = read(options.config)
        if options.verb == "gate":
            print(json.dumps(status.gate(config, options.timeout, options.source_told)))
            return 0
        with alone("database"):
            if options.verb == "undo":
                print(json.dumps(undo.undo(config)))
                return 0
            secrets = read_secrets(options.secrets, config.role)
            done = apply(config, secrets) if options.verb == "apply" else _reseed(config, secrets, options.discard)
            print(json.dumps(done))
            return 0
    except (Refused, Failed) as problem:
        print(problem, file=sys.stderr)
        return problem.code
