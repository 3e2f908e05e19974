"""The Azure calls of guests, against a small HTTP server that answers as the services are documented to."""

import importlib.util
import json
import threading
import urllib.parse
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from twinsite.payload import FOLDER


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("azure", FOLDER / "agent" / "azure.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Cloud:
    """What the server holds, what it was asked, and what it answers before it answers properly."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    blocks: dict[str, bytes] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[tuple[int, str]] = field(default_factory=list)
    page: int = 2


def error_body(code: str) -> bytes:
    return f"\ufeff<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code} said\nmore</Message></Error>".encode()


def handler(cloud: Cloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            pass

        def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def refuse(self, status: int, code: str) -> None:
            self.answer(status, error_body(code), {"x-ms-error-code": code})

        def handle_one(self) -> None:
            address = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(address.query))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urllib.parse.unquote(address.path)
            cloud.asked.append(
                {
                    "method": self.command,
                    "path": path,
                    "query": query,
                    "headers": {name.title(): value for name, value in self.headers.items()},
                    "body": body,
                }
            )
            if cloud.troubles:
                status, code = cloud.troubles.pop(0)
                return self.refuse(status, code)
            if path.startswith("/blob/"):
                return self.blob(path.removeprefix("/blob/"), query, body)
            if path.endswith("/token"):
                return self.answer(200, json.dumps({"access_token": "issued"}).encode())
            if path.startswith("/vault/secrets/"):
                return self.answer(200, json.dumps({"value": "opens"}).encode())
            return self.refuse(404, "ResourceNotFound")

        def blob(self, path: str, query: dict[str, str], body: bytes) -> None:
            if query.get("comp") == "list":
                return self.listing(query)
            if self.command == "PUT":
                if query.get("comp") == "block":
                    cloud.blocks[query["blockid"]] = body
                    return self.answer(201)
                if self.headers.get("If-None-Match") == "*" and path in cloud.blobs:
                    return self.refuse(409, "BlobAlreadyExists")
                if query.get("comp") == "blocklist":
                    names = [entry.text or "" for entry in ElementTree.fromstring(body)]
                    body = b"".join(cloud.blocks[name] for name in names)
                cloud.blobs[path] = body
                return self.answer(201)
            if path not in cloud.blobs:
                return self.refuse(404, "BlobNotFound" if path.startswith("there/") else "ContainerNotFound")
            if self.command == "DELETE":
                del cloud.blobs[path]
                return self.answer(202)
            content = cloud.blobs[path]
            if self.headers.get("If-None-Match") == '"7"':
                return self.answer(304)
            if wanted := self.headers.get("x-ms-range"):
                first, last = wanted.removeprefix("bytes=").split("-")
                content = content[int(first) : int(last) + 1]
            return self.answer(200, content, {"ETag": '"7"'})

        def listing(self, query: dict[str, str]) -> None:
            names = sorted(name for name in cloud.blobs if name.startswith(f"there/{query['prefix']}"))
            start = int(query.get("marker") or 0)
            shown, following = names[start : start + cloud.page], start + cloud.page
            entries = "".join(
                f"<Blob><Name>{name.removeprefix('there/').replace('&', '&amp;')}</Name><Properties><Etag>e</Etag>"
                f"<Content-Length>{len(cloud.blobs[name])}</Content-Length></Properties></Blob>"
                for name in shown
            )
            marker = str(following) if following < len(names) else ""
            inside = f"<Blobs>{entries}</Blobs><NextMarker>{marker}</NextMarker>"
            self.answer(200, f"\ufeff<EnumerationResults>{inside}</EnumerationResults>".encode())

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one

    return Handler


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def azure(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(cloud))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    module = load()
    here = f"http://127.0.0.1:{server.server_port}"
    for name, value in {
        "METADATA": f"{here}/metadata",
        "AUTHORITY": here,
        "BLOB": f"{here}/blob",
        "VAULT": f"{here}/vault",
    }.items():
        monkeypatch.setattr(module, name, value)
    for name in ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    yield module
    server.shutdown()
    server.server_close()


def test_a_machines_token_comes_from_the_metadata_service(azure: ModuleType, cloud: Cloud) -> None:
    assert azure.token(azure.STORAGE_RESOURCE, "11-22") == "issued"
    asked = cloud.asked[0]
    assert asked["path"] == "/metadata/identity/oauth2/token"
    assert asked["headers"]["Metadata"] == "true"
    assert asked["query"] == {
        "api-version": "2018-02-01",
        "resource": "https://storage.azure.com",
        "client_id": "11-22",
    }


def test_the_metadata_service_is_not_asked_through_a_proxy(
    azure: ModuleType, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert azure.token(azure.STORAGE_RESOURCE, "") == "issued"


def test_a_federated_token_is_exchanged_for_the_service_accounts(
    azure: ModuleType, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("signed.by.kubernetes\n")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant-1")
    assert azure.token(azure.STORAGE_RESOURCE, "client-1") == "issued"
    asked = cloud.asked[0]
    form = dict(urllib.parse.parse_qsl(asked["body"].decode()))
    assert asked["path"] == "/tenant-1/oauth2/v2.0/token"
    assert form["client_assertion"] == "signed.by.kubernetes"
    assert form["scope"] == "https://storage.azure.com/.default"
    assert form["client_id"] == "client-1"


def test_a_missing_service_account_token_is_said(azure: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(azure.CallError, match="token cannot be read"):
        azure.token(azure.STORAGE_RESOURCE, "c", "t", str(tmp_path / "none"))


def test_a_blob_is_written_and_read_whole_and_in_part(azure: ModuleType, cloud: Cloud) -> None:
    azure.blob_put("acct", "there/a b/c&d", b"0123456789", "t")
    assert cloud.blobs == {"there/a b/c&d": b"0123456789"}
    assert azure.blob_get("acct", "there/a b/c&d", "t") == b"0123456789"
    assert azure.blob_get("acct", "there/a b/c&d", "t", range=(2, 4)) == b"234"
    assert {asked["headers"]["Authorization"] for asked in cloud.asked} == {"Bearer t"}
    assert cloud.asked[0]["headers"]["X-Ms-Blob-Type"] == "BlockBlob"


@pytest.mark.parametrize("from_file", [False, True])
def test_a_large_blob_goes_up_in_blocks_and_appears_at_once(
    azure: ModuleType, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_file: bool
) -> None:
    monkeypatch.setattr(azure, "BLOCK_BYTES", 1000)
    content = bytes(range(256)) * 10
    (tmp_path / "large").write_bytes(content)
    azure.blob_put("acct", "there/large", tmp_path / "large" if from_file else content, "t")
    assert cloud.blobs["there/large"] == content
    blocks = [asked["query"]["blockid"] for asked in cloud.asked if asked["query"].get("comp") == "block"]
    assert len(blocks) == 3
    assert len({len(b64decode(block)) for block in blocks}) == 1, "ids of one blob must have the same length"
    assert cloud.asked[-1]["query"] == {"comp": "blocklist"}


@pytest.mark.parametrize("size", [5, 2000])
def test_an_existing_blob_is_not_overwritten_when_that_is_asked(
    azure: ModuleType, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(azure, "BLOCK_BYTES", 1000)
    cloud.blobs["there/latch"] = b"first"
    with pytest.raises(azure.CallError) as refused:
        azure.blob_put("acct", "there/latch", b"x" * size, "t", if_none_match=True)
    assert (refused.value.status, refused.value.code) == (409, "BlobAlreadyExists")
    assert cloud.blobs["there/latch"] == b"first"


def test_a_listing_has_every_page(azure: ModuleType, cloud: Cloud) -> None:
    cloud.blobs = {f"there/backups/{n}": b"x" * n for n in range(5)} | {"there/else": b""}
    found = azure.blob_list("acct", "there", "backups/", "t")
    assert [(entry["name"], entry["bytes"]) for entry in found] == [(f"backups/{n}", n) for n in range(5)]


def test_a_missing_blob_is_none_and_a_missing_container_is_an_error(azure: ModuleType, cloud: Cloud) -> None:
    cloud.blobs["there/x"] = b"abc"
    assert azure.blob_head("acct", "there/x", "t")["content-length"] == "3"
    assert azure.blob_head("acct", "there/y", "t") is None
    with pytest.raises(azure.CallError) as refused:
        azure.blob_head("acct", "elsewhere/y", "t")
    assert refused.value.code == "ContainerNotFound"


def test_deleting_what_is_not_there_says_so(azure: ModuleType, cloud: Cloud) -> None:
    cloud.blobs["there/x"] = b""
    assert azure.blob_delete("acct", "there/x", "t") is True
    assert azure.blob_delete("acct", "there/x", "t") is False


def test_an_unchanged_blob_is_not_fetched_again(azure: ModuleType, cloud: Cloud) -> None:
    cloud.blobs["there/x"] = b"abc"
    content, etag = azure.blob_changed("acct", "there/x", "t")
    assert (content, etag) == (b"abc", '"7"')
    assert azure.blob_changed("acct", "there/x", "t", etag) == (None, etag)


def test_a_role_on_its_way_is_waited_for_as_long_as_the_caller_says(azure: ModuleType, cloud: Cloud) -> None:
    cloud.blobs["there/x"] = b"abc"
    cloud.troubles = [(403, "AuthorizationPermissionMismatch")] * 6
    assert azure.blob_get("acct", "there/x", "t", patience_seconds=60) == b"abc"
    assert len(cloud.asked) == 7


def test_without_patience_a_missing_role_is_an_error_at_once(azure: ModuleType, cloud: Cloud) -> None:
    cloud.troubles = [(403, "AuthorizationPermissionMismatch")]
    with pytest.raises(azure.CallError, match=r"AuthorizationPermissionMismatch said$") as refused:
        azure.blob_get("acct", "there/x", "t")
    assert refused.value.status == 403
    assert len(cloud.asked) == 1


def test_other_refusals_are_not_tried_again(azure: ModuleType, cloud: Cloud) -> None:
    cloud.troubles = [(403, "KeyBasedAuthenticationNotPermitted")]
    with pytest.raises(azure.CallError):
        azure.blob_get("acct", "there/x", "t", patience_seconds=60)
    assert len(cloud.asked) == 1


def test_a_busy_server_is_asked_again_and_a_dead_one_given_up(azure: ModuleType, cloud: Cloud) -> None:
    cloud.blobs["there/x"] = b"abc"
    cloud.troubles = [(503, "ServerBusy"), (500, "InternalError")]
    assert azure.blob_get("acct", "there/x", "t") == b"abc"
    cloud.asked.clear()
    cloud.troubles = [(503, "ServerBusy")] * 9
    with pytest.raises(azure.CallError, match="ServerBusy"):
        azure.blob_get("acct", "there/x", "t")
    assert len(cloud.asked) == azure.TRIES


def test_whoever_is_in_a_hurry_gets_one_try(azure: ModuleType, cloud: Cloud) -> None:
    cloud.troubles = [(503, "ServerBusy")]
    with pytest.raises(azure.CallError, match="ServerBusy"):
        azure.blob_get("acct", "there/x", "t", hurry_seconds=5)
    cloud.troubles = [(403, "AuthorizationPermissionMismatch")]
    with pytest.raises(azure.CallError, match="AuthorizationPermissionMismatch"):
        azure.blob_list("acct", "there", "backups/", "t", patience_seconds=60, hurry_seconds=5)
    assert len(cloud.asked) == 2


def test_a_secret_is_read_by_version_or_as_the_newest(azure: ModuleType, cloud: Cloud) -> None:
    assert azure.secret("vault", "password", "v1", "t") == "opens"
    assert azure.secret("vault", "password", "", "t") == "opens"
    assert [asked["path"] for asked in cloud.asked] == ["/vault/secrets/password/v1", "/vault/secrets/password"]


def test_no_error_holds_a_token_or_a_query(azure: ModuleType, cloud: Cloud) -> None:
    cloud.troubles = [(401, "Unauthorized")]
    with pytest.raises(azure.CallError) as refused:
        azure.blob_list("acct", "there", "prefix-asked-for", "very-secret-token")
    assert "very-secret-token" not in str(refused.value)
    assert "prefix-asked-for" not in str(refused.value)
