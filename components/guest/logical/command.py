"""The role's verbs.

Exit 0 done, 1 failed or not healthy, 2 refused; one JSON object on stdout, sentences and progress on stderr.
"""

import argparse
import json
import sys
from typing import Any

from ..errors import Failed, Refused
from . import carried, metrics, report
from .away import take_away
from .compare import compare
from .config import Config, read
from .look import look
from .promote import promote, rejoin
from .reseed import reseed
from .sequences import sequences
from .set_up import checked, facing, servers, set_up
from .slots import slots
from .switch import WITHIN_SECONDS, back_out, prepare, switch
from .watch import watch

CONFIG = "/etc/twinsite/logical.json"
SECRETS = "/etc/twinsite/logical.secrets.json"
VERBS = ("check", "set-up", "reseed", "compare", "look", "sequences", "slots", "take-away", "watch")
MOVES = ("prepare", "switch", "back-out", "promote", "rejoin")
WAIT_SECONDS = 3600
WATCH_SECONDS = 60


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twinsite-guest logical", description=__doc__)
    parser.add_argument("verb", choices=(*VERBS, *MOVES))
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--secrets", default=SECRETS)
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help="set-up, reseed, rejoin: how long the first copy may take; 0: do not wait for it; compare: for how long",
    )
    parser.add_argument("--to", choices=("target", "source"), default="target", help="moves: the end that is to write")
    parser.add_argument("--epoch", type=int, default=0, help="moves: the registers' number of it")
    parser.add_argument(
        "--within",
        type=float,
        default=WITHIN_SECONDS,
        metavar="SECONDS",
        help="switch: how long writes may have stopped before the source is opened again",
    )
    parser.add_argument(
        "--word",
        type=float,
        default=0,
        metavar="SECONDS",
        help="switch: wait so long for the registers to name that end before anything is stopped; 0: do not",
    )
    parser.add_argument("--although-it-answers", action="store_true", help="promote: the source is given up")
    parser.add_argument(
        "--although-half-loaded", action="store_true", help="promote: what a load had not brought is given up"
    )
    parser.add_argument(
        "--anew",
        action="store_true",
        help="rejoin: empty the old writer, and copy everything to it; reseed: also where the flow is well",
    )
    parser.add_argument("--seconds", type=float, default=WATCH_SECONDS, help="watch: for how long")
    parser.add_argument("--at", choices=("source", "target"), default="source", help="slots: the end that is asked")
    parser.add_argument("--drop", default="", metavar="NAME", help="slots: this one goes, if nobody reads it")
    parser.add_argument("--without-source", action="store_true", help="sequences, take-away: it is gone")
    parser.add_argument("--without-target", action="store_true", help="take-away: it is gone")
    parser.add_argument("--target-writes", action="store_true", help="take-away: it does, and that is known")
    return parser


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _look(config: Config) -> dict[str, Any]:
    """What a look found, told to whoever watches, with what is in the way of that. One that failed is told as well."""
    try:
        found = carried.looked(config) if config.carrier else look(config)
    except (Refused, Failed) as problem:
        said = problem.problems if isinstance(problem, Refused) else [str(problem)]
        _report(config, {"flow": config.name, "healthy": False, "problems": said})
        raise
    more = metrics.write(config.metrics_project, config.name, found) if config.metrics_project else []
    found = {**found, "healthy": found["healthy"] and not more, "problems": [*found["problems"], *more]}
    unsaid = _report(config, found)
    return {**found, "healthy": found["healthy"] and not unsaid, "problems": [*found["problems"], *unsaid]}


def _report(config: Config, found: dict[str, Any]) -> list[str]:
    return report.write(config.report, found) if config.report else []


def _act(options: argparse.Namespace, config: Config) -> tuple[dict[str, Any], int]:
    if options.verb == "check":
        here, there = carried.checked(config) if config.carrier else checked(config, *servers(config))
        versions = {"source": here.version, "target": there.version}
        return {"outcome": "done", "flow": config.name, "versions": versions, "tables": len(here.tables)}, 0
    if options.verb == "set-up" and config.carrier:
        return carried.definitions(config, _say), 0
    if options.verb == "set-up":
        return set_up(config, options.wait, _say), 0
    if options.verb == "reseed":
        return reseed(config, options.wait, options.anew, _say), 0
    if options.verb == "compare":
        found = compare(config, options.wait, _say)
        return found, 1 if found["problems"] else 0
    if options.verb == "look":
        found = _look(config)
        return found, 0 if found["healthy"] else 1
    if options.verb == "sequences":
        found = sequences(config, options.without_source)
        return found, 1 if found["problems"] else 0
    if options.verb == "watch":
        found = watch(config, options.seconds, _say)
        return found, 1 if found["problems"] else 0
    if options.verb == "slots":
        return slots(config, options.at, options.drop), 0
    if options.verb == "take-away":
        both = not (options.without_source or options.without_target)
        told = facing(config) if both else config
        return take_away(told, options.without_source, options.without_target, options.target_writes), 0
    found = _move(options, config.reversed if options.to == "source" else config)
    return found, 1 if found.get("problems") else 0


def _move(options: argparse.Namespace, config: Config) -> dict[str, Any]:
    epoch = options.epoch
    if options.verb == "prepare":
        return prepare(config, _say)
    if options.verb == "switch":
        return switch(config, epoch, options.within, _say, options.word)
    if options.verb == "back-out":
        return back_out(config, epoch, _say)
    if options.verb == "promote":
        return promote(config, epoch, options.although_it_answers, options.although_half_loaded, _say)
    return rejoin(config, epoch, options.anew, options.wait, _say)


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
