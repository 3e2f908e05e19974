"""The verbs: apply, gate, report, undo. Exit codes: 0 done, 1 failed, 2 refused; problems go to standard error."""

import argparse
import json
import pathlib
import sys
from typing import Any

from .. import documents
from ..errors import Failed, Refused
from ..health import settle
from . import converge, health, host, settings, watch

GATE_SECONDS = 120.0
"""Default wait of the gate: a first boot with packages to install, and the peer's agent (5 to 15 s a round)."""


def run(verb: str, config_path: str, secrets_path: str, timeout_seconds: float) -> Any:
    """What the verb found or did, as JSON values."""
    if verb == "report":
        settle()
    config = settings.parse(documents.read(config_path))
    if verb == "apply":
        told = documents.read(secrets_path)
        keys = settings.parse_keys(told, config)
        done = converge.apply(config, keys)
        # Last: until here the next apply may still need it.
        if len(keys) < len(told["psk"]):
            kept = told | {"psk": {str(generation): key for generation, key in keys.items()}}
            host.write(pathlib.Path(secrets_path), json.dumps(kept), 0o600)
        return done
    if verb == "gate":
        return {"gate": watch.gate(config, timeout_seconds)}
    if verb == "report":
        return {**watch.report(config), **health.report(config, secrets_path)}
    return converge.undo(config)


def main(argv: list[str]) -> int:
    """Run one verb and return its exit code."""
    parser = argparse.ArgumentParser(prog="gateway", description="One end of a site-to-site tunnel.")
    parser.add_argument("verb", choices=("apply", "gate", "report", "undo"))
    parser.add_argument("--config", required=True, help="JSON file with the role's configuration")
    parser.add_argument("--secrets", default="", help="JSON file with the role's keys, readable by root only")
    parser.add_argument("--timeout", type=float, default=GATE_SECONDS, help="seconds that gate waits")
    given = parser.parse_args(argv)
    try:
        result = run(given.verb, given.config, given.secrets, given.timeout)
    except (Refused, Failed) as problem:
        print(problem, file=sys.stderr)
        return problem.code
    print(json.dumps(result, sort_keys=True))
    return 0
