"""A local HTTP server that stands for Google: tokens, Cloud Storage with its generations, and whatever a table says.

Shapes of answers: Cloud Storage JSON API, and google.rpc.Status for errors.
"""

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from operations import google

TOKEN = "ya29.token"
ENVIRONMENT = {"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}
PAGE = 3
Table = Mapping[str, "tuple[int, Any] | Any"]


def rpc_error(status: int, message: str, reason: str = "", **metadata: str) -> tuple[int, dict[str, Any]]:
    """(status, body) as Google's APIs refuse."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    details = [info | {"metadata": metadata}] if reason else []
    name = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
    words = {"status": name[status]} if status in name else {}
    return status, {"error": {"code": status, "message": message, **words, "details": details}}


@dataclass
class Server:
    """What it holds and was asked."""

    objects: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)
    """(bucket, name) → content and generation."""
    buckets: set[str] = field(default_factory=lambda: {"operations"})
    answers: dict[str, Any] = field(default_factory=dict)
    """`service/path` → an answer, or (status, answer)."""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """(method, path, headers)"""
    tokens: list[dict[str, str]] = field(default_factory=list)
    refuse: list[tuple[int, Any]] = field(default_factory=list)
    """What the next calls get, one each."""
    lose: int = 0
    """So many calls have their effect, and their answer is 503."""
    generation: int = 0
    base: str = ""
    mutex: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoints(self) -> google.Endpoints:
        return google.Endpoints(f"{self.base}/{{service}}")

    def identity(self, environment: Mapping[str, str] | None = None) -> google.Identity:
        """An operator's."""
        return google.Identity(self.endpoints, ENVIRONMENT if environment is None else environment)

    def api(self, seconds: float = 15.0) -> google.Api:
        """What is asked through."""
        return google.Api(self.identity(), seconds)


def _handler(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

        def reply(self, status: int, body: Any = None, **headers: str) -> None:
            content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            place = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(place.query))
            service, _, path = place.path.lstrip("/").partition("/")
            with server.mutex:
                server.asked.append((self.command, place.path, dict(self.headers.items())))
                if service == "oauth2":
                    server.tokens.append(dict(urllib.parse.parse_qsl(body.decode())))
                    return self.reply(200, {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    return self.reply(*rpc_error(401, "Request had invalid authentication credentials."))
                if server.refuse:
                    return self.reply(*server.refuse.pop(0))
                found = self.storage(path, query, body) if service == "storage" else self.table(service, path)
                if server.lose:
                    server.lose -= 1
                    found = rpc_error(503, "backend error")
                self.reply(found[0], found[1], **(found[2] if len(found) > 2 else {}))

        def table(self, service: str, path: str) -> Any:
            found = server.answers.get(f"{service}/{path}")
            if found is None:
                return rpc_error(404, f"The resource '{path}' was not found", "notFound")
            return found if isinstance(found, tuple) else (200, found)

        def storage(self, path: str, query: dict[str, str], body: bytes) -> Any:
            words = path.removeprefix("upload/").removeprefix("storage/v1/b/").split("/", 2)
            bucket, name = words[0], urllib.parse.unquote(words[2] if len(words) > 2 else query.get("name", ""))
            if bucket not in server.buckets:
                return 404, b"The specified bucket does not exist."
            if not name:
                return 200, self.listing(bucket, query)
            there = server.objects.get((bucket, name))
            wanted = query.get("ifGenerationMatch")
            if wanted is not None and int(wanted) != (there[1] if there else 0):
                if self.command == "DELETE" and there is None:
                    return 404, b"No such object"
                return rpc_error(
                    412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet"
                )
            if self.command == "POST":
                server.generation += 1
                server.objects[bucket, name] = body, server.generation
                return 200, {"name": name, "generation": str(server.generation)}
            if there is None:
                return 404, f"No such object: {bucket}/{name}".encode()
            if self.command == "DELETE":
                del server.objects[bucket, name]
                return 204, None
            return 200, there[0], {"x_goog_generation": str(there[1])}

        def listing(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
            prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
            names = sorted(name for at, name in server.objects if at == bucket and name.startswith(prefix))
            entries = set()
            for name in names:
                head, cut, _ = name.removeprefix(prefix).partition(delimiter or "\0")
                # A folder is one entry of its page, as an object is.
                entries.add((f"{prefix}{head}/", True) if cut else (name, False))
            ordered = sorted(entries)
            start = int(query.get("pageToken") or 0)
            more = {"nextPageToken": str(start + PAGE)} if len(ordered) > start + PAGE else {}
            page = ordered[start : start + PAGE]
            items = [
                {"name": name, "size": str(len(server.objects[bucket, name][0]))} for name, folder in page if not folder
            ]
            folders = [name for name, folder in page if folder]
            return {**({"items": items} if items else {}), **({"prefixes": folders} if folders else {}), **more}

        do_GET = do_POST = do_PATCH = do_DELETE = serve

    return Handler


@contextmanager
def google_server() -> Iterator[Server]:
    """The server while the block runs."""
    server = Server()
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.base = f"http://127.0.0.1:{listening.server_address[1]}"
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
