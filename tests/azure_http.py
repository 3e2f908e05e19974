"""A local HTTP server that stands for Azure: tokens, Blob with its conditions, Run Command that runs the script."""

import http.server
import json
import re
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from operations.azure import Endpoints, Identity

ENVIRONMENT = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s3cret"}
PAGE = 3


@dataclass
class Azure:
    """What the server holds and was asked."""

    blobs: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    blocks: dict[tuple[str, str, str, str], bytes] = field(default_factory=dict)
    """Written, and of no blob yet."""
    gone: set[str] = field(default_factory=set)
    """Accounts that answer 403."""
    bare: set[str] = field(default_factory=set)
    """Accounts without any container."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[dict[str, str]] = field(default_factory=list)
    busy: int = 0
    """Run Commands that are told Conflict."""
    results: list[dict[str, Any]] = field(default_factory=list)
    lose: int = 0
    """So many calls about blobs have their effect, and their answer is 503."""
    mutex: threading.Lock = field(default_factory=threading.Lock)
    base: str = ""

    def identity(self) -> Identity:
        """An operator's."""
        ends = Endpoints(f"{self.base}/login", f"{self.base}/arm", f"{self.base}/blob/{{account}}")
        return Identity(ends, ENVIRONMENT)

    def etag(self, key: tuple[str, str, str]) -> str:
        return f'"{hash(self.blobs[key])}"'


def _handler(azure: Azure) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

        def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
            if azure.lose and self.path.startswith("/blob/"):
                azure.lose -= 1
                status, body, headers = 503, b"", {"x_ms_error_code": "ServerBusy"}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def fail(self, status: int, code: str) -> None:
            self.reply(
                status, b"" if self.command == "HEAD" else f"<Error>{code}</Error>".encode(), x_ms_error_code=code
            )

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            place = urllib.parse.urlsplit(self.path)
            azure.asked.append((self.command, place.path))
            room, _, rest = place.path.lstrip("/").partition("/")
            with azure.mutex:
                if room == "login":
                    azure.tokens.append(dict(urllib.parse.parse_qsl(body.decode())))
                    self.reply(200, json.dumps({"access_token": "token", "expires_in": 3600}).encode())
                elif self.headers.get("Authorization") != "Bearer token":
                    self.fail(401, "NoAuthenticationInformation")
                elif room == "blob":
                    self.blob(rest, dict(urllib.parse.parse_qsl(place.query)), body)
                else:
                    self.arm(rest, body)

        def blob(self, path: str, query: dict[str, str], body: bytes) -> None:
            account, container, name = ([urllib.parse.unquote(part) for part in path.split("/", 2)] + ["", ""])[:3]
            if account in azure.gone:
                return self.fail(403, "AuthorizationPermissionMismatch")
            if account in azure.bare:
                return self.fail(404, "ContainerNotFound")
            key = (account, container, name)
            if query.get("comp") == "list":
                return self.listing(account, container, query)
            there = key in azure.blobs
            if self.command == "PUT" and query.get("comp") == "block":
                azure.blocks[(*key, query["blockid"])] = body
                return self.reply(201)
            if self.command == "PUT" and query.get("comp") == "blocklist":
                listed = re.findall("<Latest>([^<]+)</Latest>", body.decode())
                body = b"".join(azure.blocks.pop((*key, block)) for block in listed)
            if self.command == "PUT":
                if self.headers.get("If-None-Match") == "*" and there:
                    return self.fail(409, "BlobAlreadyExists")
                wanted = self.headers.get("If-Match")
                if wanted and (not there or azure.etag(key) != wanted):
                    return self.fail(412, "ConditionNotMet")
                azure.blobs[key] = body
                return self.reply(201, ETag=azure.etag(key))
            if not there:
                return self.fail(404, "BlobNotFound")
            if self.command == "DELETE":
                wanted = self.headers.get("If-Match")
                if wanted and azure.etag(key) != wanted:
                    return self.fail(412, "ConditionNotMet")
                del azure.blobs[key]
                return self.reply(202)
            self.reply(200, azure.blobs[key], ETag=azure.etag(key))

        def listing(self, account: str, container: str, query: dict[str, str]) -> None:
            names = sorted(
                name
                for at, box, name in azure.blobs
                if (at, box) == (account, container) and name.startswith(query.get("prefix", ""))
            )
            start = int(query.get("marker") or 0)
            shown = "".join(f"<Blob><Name>{escape(name)}</Name></Blob>" for name in names[start : start + PAGE])
            marker = str(start + PAGE) if len(names) > start + PAGE else ""
            text = f"<EnumerationResults><Blobs>{shown}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
            self.reply(200, text.encode())

        def arm(self, path: str, body: bytes) -> None:
            if self.command == "POST":
                if azure.busy:
                    azure.busy -= 1
                    return self.reply(409, json.dumps({"error": {"code": "Conflict", "message": "busy"}}).encode())
                if "/virtualMachines/gone/" in path:
                    found = {"error": {"code": "ResourceNotFound", "message": "no such machine"}}
                    return self.reply(404, json.dumps(found).encode())
                script = json.loads(body)["script"]
                done = subprocess.run(["bash", "-c", "\n".join(script)], capture_output=True, text=True, check=False)
                message = f"Enable succeeded: \n[stdout]\n{done.stdout[-4096:]}\n[stderr]\n{done.stderr[-4096:]}"
                azure.results.append({"value": [{"code": "ProvisioningState/succeeded", "message": message}]})
                number = len(azure.results) - 1
                where = f"{azure.base}/arm/results/{number}"
                return self.reply(202, Location=where, Azure_AsyncOperation=f"{azure.base}/arm/state/{number}")
            if match := re.fullmatch(r"state/(\d+)", path):
                return self.reply(200, json.dumps({"status": "Succeeded"}).encode())
            if match := re.fullmatch(r"results/(\d+)", path):
                return self.reply(200, json.dumps(azure.results[int(match[1])]).encode())
            self.fail(404, "NotFound")

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    return Handler


@contextmanager
def azure_server() -> Iterator[Azure]:
    """The server while the block runs."""
    azure = Azure()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(azure))
    azure.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield azure
    finally:
        server.shutdown()
        server.server_close()
