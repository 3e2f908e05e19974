"""The node's agent: keeps the pods that it is told of, and says how they are.

    TOKEN=… python3 -m kubelet ADDRESS          listens at port 10250, plain HTTP, whoever has the token may ask

PUT /pods {"range", "unmasked", "pods": [description], "services"} → {"pods": {name: status}}: what is not in it is
ended. GET /logs/NAME[?previous] → text. Whoever asks may go away: pods live on, are probed and restarted. A service is
{"name", "namespace", "address", "port", "targets"}. At start and end nothing of earlier pods is left.
"""

import hmac
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import network
from .pod import PODS
from .worker import Worker

PORT = 10250


class Kubelet:
    """All pods of this node."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._workers: dict[str, Worker] = {}
        self._addresses: network.Addresses | None = None
        self._services: list[dict[str, Any]] = []
        self._rules = ""

    def sync(self, told: dict[str, Any]) -> dict[str, Any]:
        """Begin what is new, end what is not wanted; how all are."""
        with self._lock:
            if self._addresses is None:
                self._addresses = network.Addresses(told["range"])
            text = network.rules(told["range"], told["unmasked"], told["services"])
            if text != self._rules:
                network.run("nft", "-f", "-", stdin=text)
                self._rules, self._services = text, told["services"]
                self._write_hosts()
            wanted = {pod["name"]: pod for pod in told["pods"]}
            self._workers = {name: one for name, one in self._workers.items() if not one.gone}
            for name, one in self._workers.items():
                if name not in wanted:
                    one.end()
            for name, pod in wanted.items():
                if name not in self._workers:
                    self._workers[name] = Worker(pod, self._addresses, self._write_hosts)
            return {name: one.status for name, one in self._workers.items()}

    def logs(self, name: str, previous: bool) -> str:
        """LookupError for no such pod."""
        with self._lock:
            worker = self._workers.get(name)
        if worker is None:
            raise LookupError(f'pod "{name}" not found')
        return worker.logs(previous)

    def stop(self) -> None:
        """End every pod at once."""
        with self._lock:
            for one in self._workers.values():
                one.end()
        sweep()

    def _write_hosts(self) -> None:
        with self._lock:
            for one in self._workers.values():
                if one.home.exists() and one.address:
                    space = one.pod["namespace"]
                    # In place: it is bound into the pod by its inode.
                    (one.home / "hosts").write_text(network.hosts(one.name, one.address, space, self._services))


def sweep() -> None:
    """Nothing of any pod is left."""
    subprocess.run(["systemctl", "stop", "pod-*.service"], capture_output=True, check=False)
    listed = subprocess.run(["ip", "-o", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        if (name := line.split()[0]).startswith("pod-"):
            network.unplug(name.removeprefix("pod-"))
    shutil.rmtree(PODS, ignore_errors=True)
    PODS.mkdir()


class Handler(BaseHTTPRequestHandler):
    kubelet: Kubelet
    token: str

    def do_PUT(self) -> None:
        self._answer(lambda: json.dumps({"pods": self.kubelet.sync(json.loads(self._body()))}))

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._answer(lambda: self.kubelet.logs(path.rpartition("/")[2], query == "previous"))

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or "0"))

    def _answer(self, make: Any) -> None:
        if not hmac.compare_digest(self.headers.get("Authorization") or "", f"Bearer {self.token}"):
            status, text = 401, "Unauthorized"
        else:
            try:
                status, text = 200, make()
            except LookupError as error:
                status, text = 404, str(error.args[0])
            except (OSError, ValueError, KeyError) as error:
                status, text = 500, f"{type(error).__name__}: {error}"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> int:
    sweep()
    network.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    Handler.kubelet, Handler.token = Kubelet(), os.environ["TOKEN"]
    server = ThreadingHTTPServer((sys.argv[1], PORT), Handler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(0.2)
    Handler.kubelet.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
