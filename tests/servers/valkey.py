"""A cache to ask: valkey-server where this machine has one, else a server that speaks RESP as far as the CRM asks."""

import contextlib
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path


class Valkey:
    """On this machine's loopback, at a port of its own."""

    def __init__(self, folder: Path, password: str) -> None:
        self._folder, self._password = folder, password
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])

    @property
    def environment(self) -> dict[str, str]:
        """As a Workload's pods have it."""
        return {"CACHE_HOST": "127.0.0.1", "CACHE_PORT": str(self.port), "CACHE_TLS": "false",
                "CACHE_PASSWORD": self._password}  # fmt: skip

    @contextlib.contextmanager
    def running(self) -> Iterator["Valkey"]:
        program = shutil.which("valkey-server")
        with self._real(program) if program else self._played():
            yield self

    @contextlib.contextmanager
    def _real(self, program: str) -> Iterator[None]:
        lines = ["bind 127.0.0.1", f"port {self.port}", 'save ""', f'requirepass "{self._password}"']
        server = subprocess.Popen([program, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert server.stdin is not None
        server.stdin.write("\n".join(lines) + "\n")
        server.stdin.close()
        try:
            deadline = time.monotonic() + 10
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", self.port), 1).close()
                    break
                assert time.monotonic() < deadline, "valkey-server does not listen"
                time.sleep(0.05)
            yield
        finally:
            server.kill()
            server.wait()

    @contextlib.contextmanager
    def _played(self) -> Iterator[None]:
        server = _Server(("127.0.0.1", self.port), _Talk)
        server.password = self._password.encode()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    password = b""

    def __init__(self, *given: "object") -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.held: dict[bytes, tuple[bytes, float]] = {}
        self.lock = threading.Lock()

    def run(self, words: list[bytes]) -> bytes:
        name, now = words[0].upper(), time.monotonic()
        with self.lock:
            value, until = self.held.get(words[1], (b"", 0.0)) if len(words) > 1 else (b"", 0.0)
            there = until > now
            if name == b"PING":
                return b"+PONG\r\n"
            if name == b"GET":
                return b"$%d\r\n%s\r\n" % (len(value), value) if there else b"$-1\r\n"
            if name == b"DEL":
                return b":%d\r\n" % sum(self.held.pop(key, None) is not None for key in words[1:])
            if name == b"SET":
                options = [word.upper() for word in words[3:]]
                if b"NX" in options and there:
                    return b"$-1\r\n"
                self.held[words[1]] = (words[2], now + int(options[options.index(b"PX") + 1]) / 1000)
                return b"+OK\r\n"
        return b"-ERR unknown command\r\n"


class _Talk(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        known = False
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                length = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(length + 2)[:-2])
            if words[0].upper() == b"AUTH":
                known = words[1] == self.server.password
                answer = b"+OK\r\n" if known else b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
            else:
                answer = self.server.run(words) if known else b"-NOAUTH Authentication required.\r\n"
            self.wfile.write(answer)
