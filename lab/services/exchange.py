"""What the lab's HTTP servers do alike: listen where they are told, read a request, write an answer."""

import http.server
import socket
import socketserver
import sys
import traceback
from typing import Any

HOP_BY_HOP = frozenset(
    {"connection", "transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "proxy-connection", "expect"}
)
"""Headers of one connection, not of what is said on it."""

Headers = list[tuple[str, str]]


class Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A server on a socket that listens already, in whatever network namespace; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, listening: socket.socket, handler: type[http.server.BaseHTTPRequestHandler], log: Any) -> None:
        super().__init__(listening.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_name, self.server_port = "lab", listening.getsockname()[1]
        self.log = log

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that went away, or whose TLS failed, is its own business.
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc(file=self.log)


class Exchange(http.server.BaseHTTPRequestHandler):
    """A handler's two ends. The connection goes on after each answer."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """The request's, also when it came in chunks."""
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or "0"))
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send it; the length is what is sent, or, to a HEAD, what the headers say would be."""
        bodiless = self.command == "HEAD" or status in (204, 304)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        if status not in (204, 304):
            said = ", ".join(value for name, value in headers if name.lower() == "content-length")
            self.send_header("Content-Length", said if said and self.command == "HEAD" and not body else str(len(body)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
