"""An agent of its own process over registers that are files: `python -m tests.servers.writer_process SPEC.json`."""

import json
import os
import sys
import threading
from pathlib import Path

from tests.writer_registers import FileRegister
from twinsite.guest.logical.config import Config, End
from twinsite.guest.logical.psql import Server
from twinsite.guest.writer.agent import Agent
from twinsite.guest.writer.command import PATIENCE
from twinsite.guest.writer.database import DatabaseGate
from twinsite.guest.writer.rule import Rule
from twinsite.guest.writer.serve import serve


def main(told: dict[str, object]) -> None:
    folder, site, name = Path(str(told["folder"])), str(told["site"]), str(told["database"])
    end = End(str(told["address"]), name, "postgres", port=int(str(told["port"])))
    rule = Rule(float(str(told["lease"])), float(str(told["closing"])), float(str(told["clock"])))
    config = Config(str(told["flow"]), end, end, "", "", ("public",), 1, "")
    gate = DatabaseGate(Server("database", end, patience=PATIENCE), config, site == told["home"], rule)
    registers = [FileRegister(folder / f"register-{at}", site) for at in range(3)]
    agent = Agent(site, str(told["home"]), list(registers), gate, FileRegister(folder / f"agent-{site}"), rule)
    answers = serve(0, "may write", lambda: agent.writes)
    (folder / f"http-{site}-{os.getpid()}").write_text(str(answers.server_address[1]))
    agent.run(threading.Event(), float(str(told["turn"])))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
