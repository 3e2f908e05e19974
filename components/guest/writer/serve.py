"""What the agent answers by HTTP: /writer to whoever steers users, /health to whoever keeps it running."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NO = "this site does not write"


def serve(port: int, text: str, writes: "Callable[[], bool]") -> ThreadingHTTPServer:
    """Begins to answer; `writes` is asked at each /writer. The caller shuts it down."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/writer":
                told = (200, text) if writes() else (503, NO)
            else:
                told = (200, "the agent runs") if path in ("/", "/health") else (404, "nothing is here")
            body = f"{told[1]}\n".encode()
            self.send_response(told[0])
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            # Whoever keeps an answer would send users to a site that has stopped.
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Health checks every few seconds say nothing."""

    server = ThreadingHTTPServer(("", port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
