"""The server: python3 -m crm. Settings are the environment that a Workload gives its pods.

| path | answers |
|---|---|
| `GET /health` | 200 while this process works, whatever its database does |
| `GET /ready` | 200 while it may serve its role: a reader reads, a writer's database takes writes; how the cache is |
| `GET /writer` | 200 with WRITER_TEXT where ROLE is writer and the database takes writes; else 503 |
| `GET /` | a page with the number of customers |
| `GET /customers?after=N&limit=N`, `/customers/7` | as JSON |
| `POST /customers` | `key name email` → 201 with the customer, 200 when that key was there already |
| `POST /customers/7` | `name` → 200 |
"""

import html
import http.server
import json
import os
import signal
import threading
import urllib.parse
from typing import Any

from .cache import Cache
from .database import Database, ReadsOnly, Unreachable

PORT = 8080
LONGEST = 64 * 1024


class Wrong(Exception):
    """What the client sent."""


class Crm:
    """All answers: (status, type, text) of a request."""

    def __init__(self, environment: "Any" = os.environ) -> None:
        self.site = environment.get("SITE", "")
        self._role = environment.get("ROLE", "reader")
        self._writer_text = environment.get("WRITER_TEXT") or "this site may write"
        self.database = Database(environment)
        self.cache = Cache(environment)

    def answer(self, method: str, target: str, body: str) -> "tuple[int, str, str]":
        path, _, query = target.partition("?")
        try:
            if method == "POST":
                return self._post(path, urllib.parse.parse_qs(body))
            return self._get(path, urllib.parse.parse_qs(query))
        except Wrong as error:
            return 400, "text/plain", f"{error}\n"
        except ReadsOnly as error:
            return 503, "text/plain", f"reader: this site takes no writes ({error})\n"
        except Unreachable as error:
            return 503, "text/plain", f"the database does not answer: {error}\n"

    def _get(self, path: str, query: "dict[str, list[str]]") -> "tuple[int, str, str]":
        if path == "/health":
            return 200, "text/plain", "alive\n"
        if path == "/ready":
            return self._ready()
        if path == "/writer":
            # The database is asked each time: a gate may have shut since.
            may = self._role == "writer" and self.database.writes()
            return (200, "text/plain", f"{self._writer_text}\n") if may else (503, "text/plain", "reader\n")
        if path == "/":
            return 200, "text/html", self.page(f"{self.database.count()} customers")
        if path == "/customers":
            found = self.database.customers(_number(query, "after", 0), min(_number(query, "limit", 100), 10000))
            return 200, "application/json", json.dumps({"site": self.site, "customers": found})
        if path.startswith("/customers/"):
            return self._customer(path.rpartition("/")[2])
        return 404, "text/plain", "no such page\n"

    def _ready(self) -> "tuple[int, str, str]":
        if self._role == "writer":
            good, said = self.database.writes(), "the database takes writes"
        else:
            self.database.count()
            good, said = True, "the database is read"
        text = f"{self._role}: {said if good else 'the database takes no writes'}; cache {self.cache.seen}\n"
        return 200 if good else 503, "text/plain", text

    def _customer(self, number: str) -> "tuple[int, str, str]":
        if not number.isdigit():
            raise Wrong("a customer's number has digits only")
        found = self.cache.through(f"customer:{number}", lambda: json.dumps(self._load(int(number))).encode())
        customer = json.loads(found)
        if customer is None:
            self.cache.forget(f"customer:{number}")  # it may come
            return 404, "text/plain", "no such customer\n"
        return 200, "application/json", json.dumps({"site": self.site, "customer": customer})

    def _load(self, number: int) -> "dict[str, Any] | None":
        return self.database.customer(number)

    def _post(self, path: str, form: "dict[str, list[str]]") -> "tuple[int, str, str]":
        if path == "/customers":
            made, new = self.database.add(*(_text(form, name) for name in ("key", "name", "email")))
            return 201 if new else 200, "application/json", json.dumps({"site": self.site, "customer": made})
        if path.startswith("/customers/") and path.rpartition("/")[2].isdigit():
            number = path.rpartition("/")[2]
            if not self.database.change(int(number), _text(form, "name")):
                return 404, "text/plain", "no such customer\n"
            self.cache.forget(f"customer:{number}")
            return 200, "application/json", json.dumps({"site": self.site, "id": int(number)})
        return 404, "text/plain", "no such page\n"

    def page(self, text: str) -> str:
        return (
            f"<!doctype html><title>CRM</title><h1>CRM</h1><p>{html.escape(text)}</p>"
            f"<footer>served by site {html.escape(self.site)}</footer>\n"
        )


def _number(query: "dict[str, list[str]]", name: str, default: int) -> int:
    given = query.get(name, [str(default)])[0]
    if not given.isdigit():
        raise Wrong(f"{name} is a number, like {name}=100")
    return int(given)


def _text(form: "dict[str, list[str]]", name: str) -> str:
    given = form.get(name, [""])[0].strip()
    if not given or len(given) > 200:
        raise Wrong(f"{name} is a text of 1 to 200 characters")
    return given


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    crm: Crm

    def do_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST:
            self.close_connection = True
            return self._send(413, "text/plain", "too long\n")
        body = self.rfile.read(length).decode(errors="replace")
        return self._send(*self.crm.answer("POST" if self.command == "POST" else "GET", self.path, body))

    do_GET = do_HEAD = do_POST = do_any

    def _send(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Site", self.crm.site)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        if not self.path.startswith(("/health", "/ready", "/writer")):
            super().log_message(format, *args)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    Handler.crm = Crm()
    server = Server(("0.0.0.0", int(os.environ.get("PORT") or PORT)), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"crm of site {Handler.crm.site} listens at {server.server_port}", flush=True)
    server.serve_forever(0.2)
    Handler.crm.database.close()


if __name__ == "__main__":
    main()
