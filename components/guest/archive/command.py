"""The role's verbs.

Exit 0 done, 1 failed or not proved, 2 refused; one JSON object on stdout, sentences and progress on stderr.
"""

import argparse
import datetime
import json
import os
import re
import sys
from typing import Any

from ..backup import branch, retention
from ..backup import manifest as backups
from ..backup import writer as writers
from ..backup.fetch import verify
from ..errors import Failed, Refused
from . import writer
from .config import Config, read
from .dump import take
from .restore import fits, proved, restore
from .store import choose, open_store, read_all

CONFIG = "/etc/twinsite/archive.json"
SECRETS = "/etc/twinsite/archive.secrets.json"
VERBS = ("run", "list", "verify", "fit", "restore", "prove")


def _say(event: "dict[str, Any]") -> None:
    # In one piece: several threads say something.
    sys.stderr.write(json.dumps({"time": backups.stamp(_now()), **event}) + "\n")
    sys.stderr.flush()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twinsite-guest archive", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument(
        "which",
        nargs="?",
        default=backups.LATEST,
        metavar="ID",
        help="a backup's id, `latest` (default) or `latest-scheduled`",
    )
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--secrets", default=SECRETS)
    parser.add_argument("--planned", action="store_true", help="run: outside of the schedule; labelled so")
    return parser


def by_hand(environment: "dict[str, str]") -> bool:
    """Whether a person made this job of a CronJob (`kubectl create job --from`): its name does not end as the
    schedule's own do."""
    job, cron = environment.get("JOB_NAME", ""), environment.get("CRONJOB", "")
    return bool(cron) and not re.fullmatch(re.escape(cron) + r"-\d+", job)


def _run(config: Config, planned: bool) -> "dict[str, Any]":
    rests = "" if planned else writers.stands_by(config.writer, writer.read(config))
    if rests:
        return {"outcome": "stands by", "detail": rests}
    made = take(config, planned, _say)
    for one in made["concerns"]:
        print(one["words"], file=sys.stderr)
    old: dict[str, Any] = {"outdated": []}
    if made["scheduled"] and config.keep_days:
        try:
            old["outdated"] = _prune(config, made["id"])
        except (Refused, Failed) as problem:
            # A new backup is good whatever becomes of the old ones.
            old["outdated_problem"] = str(problem)
            print(f"old backups stay: {problem}", file=sys.stderr)
    if not branch.of(made).held:
        print(f"backup {made['id']} is taken by its id only: {branch.of(made).words}", file=sys.stderr)
    return {**_about(made), **old}


def _prune(config: Config, made: str) -> "list[str]":
    """Delete what is outdated by the rule of MySQL's backups; the manifest first, so that no half counts. Those of
    another database in the same store are its own job's to delete."""
    store = open_store(config.store, config.identity)
    gone = []
    ours = [one for one in read_all(store) if not one.complete or _is_of(config, one.manifest or {})]
    for one in retention.outdated(ours, made, config.keep_days):
        names = store.sizes(backups.path(one.backup_id, ""))
        for name in sorted(names, key=lambda name: (not name.endswith(f"/{backups.NAME}"), name)):
            store.delete(name)
        gone.append(one.backup_id)
        _say({"event": "outdated", "backup_id": one.backup_id})
    return gone


def _is_of(config: Config, said: "dict[str, Any]") -> bool:
    return bool(said.get("schema") == config.database.database)


def _about(made: "dict[str, Any]") -> "dict[str, Any]":
    kept = ("id", "engine", "began", "ended", "scheduled", "lsn", "bytes_total")
    return {
        **{name: made[name] for name in kept},
        "branch": made.get("branch"),
        "tables": len(made["tables"]),
        "rows": sum(table["rows"] for table in made["tables"]),
        "concerns": [one["words"] for one in made["concerns"]],
    }


def _listed(config: Config) -> "list[dict[str, Any]]":
    """Every backup, the newest fit one last."""
    found = read_all(open_store(config.store, config.identity))
    found.sort(key=lambda one: (one.complete, *(backups.rank(one) if backups.fit(one) else (-1, _OLD))))
    return [
        {
            "id": one.backup_id,
            "complete": one.complete,
            "problems": list(one.problems),
            **({**_about(one.manifest), "fit": backups.fit(one)} if one.complete and one.manifest else {}),
        }
        for one in found
    ]


_OLD = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


def _act(options: argparse.Namespace) -> "tuple[dict[str, Any], int]":
    asks_a_server = options.verb in ("run", "fit", "restore", "prove")
    config = read(options.config, options.secrets if asks_a_server else "")
    if options.verb == "run":
        return _run(config, options.planned or by_hand(dict(os.environ))), 0
    if options.verb == "list":
        return {"backups": _listed(config)}, 0
    if options.verb == "verify":
        store = open_store(config.store, config.identity)
        found = verify(store, choose(store, options.which), config.streams, _say)
        return found, 1 if found["damaged"] else 0
    if options.verb == "fit":
        found = fits(config, options.which)
        return found, 0 if found["fits"] else 1
    found = (restore if options.verb == "restore" else proved)(config, options.which, _say)
    return found, 0 if found["proved"] else 1


def main(argv: "list[str]") -> int:
    """Run a verb; the exit code."""
    options = _parser().parse_intermixed_args(argv)
    try:
        found, code = _act(options)
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
