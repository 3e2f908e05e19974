"""The role's verbs.

Exit 0 done, 1 failed, 2 refused; one JSON object on stdout, sentences and progress on stderr.
"""

import argparse
import dataclasses
import datetime
import json
import sys
from typing import Any

from ..errors import Failed, Refused
from . import branch, dump, manifest, retention, timer, writer
from .aside import aside, drop
from .config import ROLE_SECONDS, Config, Secrets, at, read, read_secrets
from .difference import difference
from .fetch import verify
from .prove import prove
from .ready import describe, ready
from .restore import restore, set_events
from .store import choose, open_store, read_all

CONFIG = "/etc/twinsite/backup.json"
SECRETS = "/etc/twinsite/backup.secrets.json"


def _say(event: dict[str, Any]) -> None:
    print(json.dumps({"time": manifest.stamp(_now()), **event}), file=sys.stderr, flush=True)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _quiet(event: dict[str, Any]) -> None:
    pass


def listed(config: Config) -> list[dict[str, Any]]:
    """Every backup in the store: halves, those of no writer, and the others, the newest last."""
    found = read_all(open_store(config))
    found.sort(key=_place)
    entries = []
    for backup in found:
        said = backup.manifest if backup.complete else None
        entry = {"id": backup.backup_id, "complete": backup.complete, "problems": list(backup.problems)}
        entries.append(entry | (_about(said, backup) if said else {}))
    return entries


def _place(found: manifest.Found) -> tuple[bool, int, str]:
    epoch, moment = manifest.rank(found) if found.complete else (0, None)
    fit = manifest.fit(found)
    return found.complete, epoch if fit else -1, moment.isoformat() if moment else ""


def _about(said: dict[str, Any], backup: manifest.Found) -> dict[str, Any]:
    kept = ("began", "ended", "scheduled", "bytes_total", "gtid_executed", "source")
    return {name: said[name] for name in kept} | {
        "branch": said.get("branch"),
        "fit": manifest.fit(backup),
        "concerns": [concern["words"] for concern in said.get("concerns", [])],
        "age_seconds": round((_now() - manifest.began(backup)).total_seconds(), 1),
        "tables": len(said["tables"]),
        "rows": sum(table["rows"] for table in said["tables"]),
    }


def _report(config: Config) -> dict[str, Any]:
    entries = listed(config)
    complete = [entry for entry in entries if entry["complete"]]
    fit = [entry for entry in complete if entry["fit"]]
    return {
        "store": config.store,
        "newest": fit[-1] if fit else None,
        "newest_scheduled": next((entry for entry in reversed(fit) if entry["scheduled"]), None),
        "complete": len(complete),
        "incomplete": len(entries) - len(complete),
    }


VERBS = (
    "run",
    "list",
    "verify",
    "restore",
    "prove",
    "events",
    "report",
    "diff",
    "ready",
    "describe",
    "aside",
    "drop",
    "apply",
    "undo",
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twinsite-guest backup", description=__doc__)
    parser.add_argument("verb", choices=[*VERBS])
    parser.add_argument(
        "which",
        nargs="?",
        default=manifest.LATEST,
        metavar="ID",
        help="a backup's id, `latest` (default) or `latest-scheduled`; aside, drop: a schema",
    )
    parser.add_argument(
        "newer", nargs="?", default="", metavar="NEWER", help="diff: the backup that may hold more rows"
    )
    parser.add_argument("--store", default="", metavar="URL", help="another store than the configuration's")
    parser.add_argument(
        "--base-store", default="", metavar="URL", help="diff: the older backup's; ready: the one to restore from"
    )
    parser.add_argument("--coming", default="", metavar="JSON", help="ready: what `describe` says at the other end")
    parser.add_argument("--keep", default="", metavar="URL", help="diff: write all rows that differ there")
    parser.add_argument(
        "--patience",
        type=int,
        default=ROLE_SECONDS,
        metavar="SECONDS",
        help="how long to wait for a role that the store does not know yet; 0: say at once what is refused",
    )
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--secrets", default=SECRETS)
    parser.add_argument("--planned", action="store_true", help="run: outside of the schedule; labelled so")
    parser.add_argument("--into", default="", metavar="SCHEMA", help="restore, prove, events: a schema of another name")
    parser.add_argument("--enable", action="store_true", help="events: enable those that the source had enabled")
    parser.add_argument("--disable", action="store_true", help="events: disable all")
    parser.add_argument("--progress", action="store_true", help="JSON lines on stderr")
    parser.add_argument("--json", action="store_true", help="(the output is always JSON)")
    return parser


def _act(options: argparse.Namespace, config: Config, secrets: Secrets) -> tuple[dict[str, Any], int]:
    say = _say if options.progress else _quiet
    if options.verb == "run":
        rests = "" if options.planned else writer.stands_by(config.writer, writer.read(config))
        if rests:
            return {"outcome": "stands by", "detail": rests}, 0
        made = dump.run(config, secrets, options.planned, say)
        counts = {"tables": len(made["tables"]), "rows": sum(table["rows"] for table in made["tables"])}
        kept = ("id", "began", "ended", "scheduled", "snapshot", "gtid_executed", "bytes_total")
        concerns = [str(concern["words"]) for concern in made["concerns"]]
        for words in concerns:
            print(words, file=sys.stderr)
        old = retention.told(config, open_store(config), made, say)
        if "outdated_problem" in old:
            print(f"old backups stay: {old['outdated_problem']}", file=sys.stderr)
        if not branch.of(made).held:
            print(f"backup {made['id']} is taken by its id only: {branch.of(made).words}", file=sys.stderr)
        about = {"branch": made.get("branch"), **counts, "concerns": concerns}
        return {**{name: made[name] for name in kept}, **about, **old}, 0
    if options.verb == "ready":
        found = ready(config, secrets, options.base_store, json.loads(options.coming) if options.coming else None)
        return found, 0 if found["ready"] else 1
    if options.verb == "describe":
        return describe(config, secrets), 0
    if options.verb == "aside":
        return aside(config, secrets, options.which), 0
    if options.verb == "drop":
        return drop(config, secrets, options.which), 0
    if options.verb == "restore":
        return restore(config, secrets, options.which, say), 0
    if options.verb == "prove":
        found = prove(config, secrets, options.which, say)
        return found, 0 if found["proved"] else 1
    if options.enable == options.disable:
        raise Refused(["events: say --enable or --disable"])
    return set_events(config, secrets, options.which, options.enable), 0


def _look(options: argparse.Namespace, config: Config) -> tuple[dict[str, Any], int]:
    """The verbs that need no password."""
    if options.verb in ("apply", "undo"):
        return timer.apply(options.config) if options.verb == "apply" else timer.undo(), 0
    if options.verb == "list":
        return {"backups": listed(config)}, 0
    if options.verb == "report":
        return _report(config), 0
    store = open_store(config)
    if options.verb == "diff":
        base = open_store(at(config, options.base_store or config.store))
        keep = open_store(at(config, options.keep)) if options.keep else None
        say = _say if options.progress else _quiet
        return difference(config.spool, base, store, keep, (options.which, options.newer), say), 0
    found = verify(store, choose(store, options.which), config.streams, _say if options.progress else _quiet)
    return found, 1 if found["damaged"] else 0


def main(argv: list[str]) -> int:
    """Run a verb; the exit code."""
    options = _parser().parse_intermixed_args(argv)  # the wrapper puts its options before the id
    try:
        config = read(options.config)
        config = dataclasses.replace(config, role_seconds=options.patience)
        if options.store:
            config = at(config, options.store)
        if options.into:
            config = dataclasses.replace(config, target=dataclasses.replace(config.target, schema=options.into))
        if options.verb in ("list", "report", "verify", "diff", "apply", "undo"):
            found, code = _look(options, config)
        else:
            found, code = _act(options, config, read_secrets(options.secrets))
        print(json.dumps(found))
        return code
    except Refused as refusal:
        print(json.dumps({"outcome": "refused", "problems": refusal.problems}))
        print(refusal, file=sys.stderr)
        return refusal.code
    except Failed as failure:
        print(json.dumps({"outcome": "failed", "problems": [str(failure)]}))
        print(failure, file=sys.stderr)
        return failure.code
