"""One request read and one answer written, as each HTTP server of the lab that passes on what others said does it."""

import http.server
from typing import Any

HOP_BY_HOP = frozenset(
    {"connection", "transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "proxy-connection", "expect"}
)
"""Headers of one connection, not of what is said on it."""

Headers = list[tuple[str, str]]


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
