"""The acked-write ledger at a desk or in a pod, against a URL: what `ledger.py` is on a host, for a server that nobody
logs in to.

    python -m twinsite.operations.ledger mysql://USER@HOST[:PORT] VERB [--ca FILE] [--password-file FILE]

run prepares, writes for --seconds or until it is told to stop (SIGTERM, Ctrl-C), and leaves the acknowledgements in
--acked; check holds them against the server of the URL, which may be another one. Without --password-file the password
is in $TWINSITE_SQL_PASSWORD. One JSON object on stdout; exit 0 done, 1 check found something, 2 refused or no answer.
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import threading
from typing import Any

from ..sql import Gone, Refused
from ..sql.server import Place, place
from .direct import DirectEnd

PASSWORD = "TWINSITE_SQL_PASSWORD"
SECONDS, RATE, SESSIONS = 60.0, 20.0, 4
CHECKS = ("missing", "duplicated", "reordered", "childless", "updates_missing")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m twinsite.operations.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", help="mysql://USER@HOST[:PORT], or mysql://USER@/PATH/OF/SOCKET")
    parser.add_argument("verb", choices=["run", "check", "look", "clean"])
    parser.add_argument("--ca", default="", metavar="FILE", help="PEM of the authority; default the system's")
    parser.add_argument("--password-file", default="", metavar="FILE")
    parser.add_argument("--acked", default="acked.jsonl", metavar="FILE", help="acknowledgements (default acked.jsonl)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"run: at most this long (default {SECONDS:g})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"run: transactions a second (default {RATE:g})")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help=f"run: how many (default {SESSIONS})")
    parser.add_argument("--role", choices=["source", "replica"], default="source", help="look: what it is")
    parser.add_argument("--heartbeat", default="twinsite.heartbeat", metavar="SCHEMA.TABLE", help="look: its heartbeat")
    return parser


def _place(given: argparse.Namespace) -> Place:
    file = given.password_file
    password = pathlib.Path(file).read_text(encoding="utf-8").rstrip("\n") if file else os.environ.get(PASSWORD, "")
    return place(given.url, password, pathlib.Path(given.ca).read_text(encoding="utf-8") if given.ca else "")


def _run(end: DirectEnd, given: argparse.Namespace) -> dict[str, Any]:
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    end.prepare(given.sessions)
    end.start("ledger", given.seconds, given.rate, given.sessions)
    told.wait(given.seconds)
    end.stop()
    acked, lines = end.acked(), len(end.acknowledgements().splitlines())
    return {"acked": acked, "in_doubt": lines - acked, "stopped": told.is_set(), "file": given.acked}


def main(argv: list[str]) -> int:
    """The exit code."""
    given = _parser().parse_args(argv)
    try:
        end = DirectEnd("server", _place(given), pathlib.Path(given.acked))
    except (OSError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 2
    try:
        good, answer = True, dict[str, Any]()
        if given.verb == "run":
            answer = _run(end, given)
        elif given.verb == "check":
            answer = end.verify(pathlib.Path(given.acked).read_text(encoding="utf-8"))
            good = answer["controls_found"] and not any(answer[name] for name in CHECKS)
        elif given.verb == "look":
            answer = end.look(given.role, given.heartbeat)
        else:
            answer = {"dropped": end.clean()}
        print(json.dumps(answer))
        return 0 if good else 1
    except (OSError, Gone, Refused) as problem:
        print(problem, file=sys.stderr)
        return 2
    finally:
        end.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
