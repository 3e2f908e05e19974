"""The box's one process: holds what should exist, drives the machines, runs the services. Started by `lab up`.

    python -m lab.daemon RUN_DIR IMAGE_DIR TOPOLOGY

It prepares nothing that survives it except what the box makes; `lab down` cleans also after a kill -9.
"""

import contextlib
import json
import os
import secrets
import signal
import socketserver
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from lab import scenes
from lab.client import LabError
from lab.methods import Methods
from lab.paths import Paths
from lab.services.exchange import Exchange
from lab.state import State


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """HTTP over the unix socket. A client that is killed costs nothing: its call finishes, the answer goes nowhere."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, methods: Methods, log: Any = sys.stderr) -> None:
        self.methods = methods
        self.log = log
        super().__init__(str(path), Handler)
        path.chmod(0o600)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
            traceback.print_exc(file=self.log)


class Handler(Exchange):
    """POST /call {"method", "params"} → {"ok", "result" | "error"}."""

    server: Server

    def do_POST(self) -> None:
        try:
            question = json.loads(self.body())
            if self.path != "/call" or not isinstance(question, dict) or "method" not in question:
                raise LabError('ask with POST /call {"method": …, "params": {…}}')
            answer: dict[str, Any] = {
                "ok": True,
                "result": self.server.methods.call(str(question["method"]), question.get("params") or {}),
            }
        except LabError as error:
            answer = {"ok": False, "error": str(error)}
        except Exception as error:  # the caller must hear of it whatever it is; the log has the trace
            if type(error).__name__ != "BoxError":
                traceback.print_exc(file=self.server.log)
            answer = {"ok": False, "error": str(error) or type(error).__name__}
        self.answer(200, [("Content-Type", "application/json")], json.dumps(answer).encode())


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot: with the pid it names one process for sure. Empty: none.

    One that has ended and that nobody has collected is none.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]


def run(paths: Paths, image: Path, topology: str) -> int:
    """Live until `down` or a signal; then take everything away."""
    from lab.stage import Stage

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    paths.pid.write_text(f"{os.getpid()} {start_time(os.getpid())}\n")
    state = State(paths.state, box=f"box-{secrets.token_hex(4)}")
    state.save()
    stage = Stage(paths, image, state, scenes.named(topology))
    methods = Methods(
        state,
        stage.box,
        applying=stage.applying,
        applied=stage.applied,
        ask_down=ended.set,
        report=stage.report,
        azure=stage.azure,
        dark=stage.dark,
        is_dark=stage.is_dark,
        kubectl=stage.kubectl,
        shelf=stage.shelf,
        objects=lambda bucket: len(stage.google.objects.names(bucket)),
    )
    stage.ground.ask = methods.call
    server = Server(paths.socket, methods)
    threading.Thread(target=server.serve_forever, name="box", daemon=True).start()
    starter = threading.Thread(target=stage.start, name="start", daemon=True)
    starter.start()
    while not ended.wait(1.0):
        pass
    print(f"{time.strftime('%H:%M:%S')} going down", flush=True)
    with contextlib.suppress(OSError):
        paths.socket.unlink()
    server.shutdown()
    stage.stop()
    return 0


if __name__ == "__main__":
    sys.exit(run(Paths(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]))
