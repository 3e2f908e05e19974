"""The role's verbs.

Exit 0 done, 1 failed or not healthy, 2 refused; one JSON object on stdout, sentences and progress on stderr.
"""

import argparse
import json
import sys
from typing import Any

from ..errors import Failed, Refused
from . import metrics, report
from .away import take_away
from .config import Config, read
from .look import look
from .sequences import sequences
from .set_up import checked, servers, set_up

CONFIG = "/etc/twinsite/logical.json"
SECRETS = "/etc/twinsite/logical.secrets.json"
VERBS = ("check", "set-up", "look", "sequences", "take-away")
WAIT_SECONDS = 3600


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twinsite-guest logical", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--secrets", default=SECRETS)
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="set-up: how long the first copy may take; 0: do not wait for it",
    )
    parser.add_argument("--without-source", action="store_true", help="sequences, take-away: it is gone")
    parser.add_argument("--without-target", action="store_true", help="take-away: it is gone")
    return parser


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _look(config: Config) -> dict[str, Any]:
    """What a look found, told to whoever watches, with what is in the way of that. One that failed is told as well."""
    try:
        found = look(config)
    except (Refused, Failed) as problem:
        said = problem.problems if isinstance(problem, Refused) else [str(problem)]
        _report(config, {"flow": config.name, "healthy": False, "problems": said})
        raise
    more = metrics.write(config.metrics_project, found) if config.metrics_project else []
    found = {**found, "healthy": found["healthy"] and not more, "problems": [*found["problems"], *more]}
    unsaid = _report(config, found)
    return {**found, "healthy": found["healthy"] and not unsaid, "problems": [*found["problems"], *unsaid]}


def _report(config: Config, found: dict[str, Any]) -> list[str]:
    return report.write(config.report, found) if config.report else []


def _act(options: argparse.Namespace, config: Config) -> tuple[dict[str, Any], int]:
    if options.verb == "check":
        here, there = checked(config, *servers(config))
        versions = {"source": here.version, "target": there.version}
        return {"outcome": "done", "flow": config.name, "versions": versions, "tables": len(here.tables)}, 0
    if options.verb == "set-up":
        return set_up(config, options.wait, _say), 0
    if options.verb == "look":
        found = _look(config)
        return found, 0 if found["healthy"] else 1
    if options.verb == "sequences":
        found = sequences(config, options.without_source)
        return found, 1 if found["problems"] else 0
    return take_away(config, options.without_source, options.without_target), 0


def main(argv: list[str]) -> int:
    """Run a verb; the exit code."""
    options = _parser().parse_args(argv)
    try:
        found, code = _act(options, read(options.config, options.secrets))
        print(json.dumps(found))
        for problem in found.get("problems", ()):
            print(problem, file=sys.stderr)
        return code
    except Refused as refusal:
        print(json.dumps({"outcome": "refused", "problems": refusal.problems}))
        print(refusal, file=sys.stderr)
        return refusal.code
    except Failed as failure:
        print(json.dumps({"outcome": "failed", "problems": [str(failure)]}))
        print(failure, file=sys.stderr)
        return failure.code
