"""The role's verbs: `agent` runs until it is told to end, `make` has two registers name a site.

Exit 0 done, 1 failed, 2 refused; sentences on stderr.
"""

import argparse
import json
import signal
import sys
import threading

from ..errors import Failed, Refused
from ..logical.psql import Patience, Server, client_version
from .agent import Agent
from .config import Settings, read
from .database import DatabaseGate
from .raising import make_writer
from .serve import serve

CONFIG = "/etc/twinsite/writer.json"
SECRETS = "/etc/twinsite/writer.secrets.json"
PATIENCE = Patience(connect=3, lock=2, statement=4, call=5)
"""A server that takes longer has not answered: the lease ends if it goes on like that."""


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def agent(settings: Settings) -> Agent:
    """Of a document."""
    client_version()
    server = Server("database", settings.flow.source, tuple(settings.words.values()), PATIENCE)
    home = settings.site == settings.home
    gate = DatabaseGate(server, settings.flow, home, released=settings.released)
    registers = [settings.register(one) for one in settings.places]
    status = settings.register(settings.status) if settings.status else None
    return Agent(settings.site, settings.home, registers, gate, status, say=_say)


def _run(settings: Settings) -> None:
    over, one = threading.Event(), agent(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    answers = serve(settings.port, settings.text, lambda: one.writes)
    try:
        one.run(over)
    finally:
        answers.shutdown()


def main(argv: "list[str]") -> int:
    """Run a verb; the exit code."""
    parser = argparse.ArgumentParser(prog="twinsite-guest writer", description=__doc__)
    parser.add_argument("verb", choices=("agent", "make"))
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--secrets", default=SECRETS)
    parser.add_argument("--site", default="", help="make: who is to be the writer; default: the agent's own site")
    parser.add_argument("--above", type=int, default=-1, help="make: the highest epoch that a backup names")
    options = parser.parse_args(argv)
    try:
        settings = read(options.config, options.secrets)
        if options.verb == "agent":
            _run(settings)
            return 0
        said = make_writer(
            [settings.register(one) for one in settings.places], options.site or settings.site, options.above
        )
        print(json.dumps({"outcome": "done", "site": said.site, "epoch": said.epoch}))
        return 0
    except (Refused, Failed) as problem:
        print(problem, file=sys.stderr)
        return problem.code
