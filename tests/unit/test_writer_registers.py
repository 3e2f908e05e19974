"""The registers that say who may write: one contract for all, and the words of what goes wrong (ADR 44)."""

import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.azure_http import azure_server
from tests.writer_registers import MemoryRegister, keeps_its_word
from twinsite.guest import epoch
from twinsite.guest.agent import azure
from twinsite.guest.errors import Failed
from twinsite.guest.writer import registers
from twinsite.guest.writer.registers import BlobRegister, GcsRegister, packed, said
from twinsite.guest.writer.rule import Said


def test_the_document_is_the_one_whose_epoch_backups_carry() -> None:
    content = packed(Said(3, "aws", clear=True))
    assert epoch.parse(content) == epoch.Writer("aws", 3)
    assert said(content) == Said(3, "aws", clear=True)


def test_what_else_a_document_says_is_kept() -> None:
    before = json.dumps({"version": 1, "site": "aws", "epoch": 0, "held": [{"epoch": 0, "site": "aws"}]}).encode()
    after = json.loads(packed(Said(1, "gcp"), before))
    assert after == {"version": 1, "held": [{"epoch": 0, "site": "aws"}], "site": "gcp", "epoch": 1, "clear": False}
    assert said(before).clear is False


def test_a_register_in_memory_keeps_its_word() -> None:
    keeps_its_word(MemoryRegister())


def test_a_blob_keeps_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    with azure_server() as cloud:
        monkeypatch.setattr(azure, "BLOB", f"{cloud.base}/blob/{{account}}")
        keeps_its_word(BlobRegister("third", "operations", lambda: "token"))
        cloud.bare.add("third")
        with pytest.raises(Failed, match=r"azblob://third/operations/writer\.json cannot be read: .*ContainerNotFound"):
            BlobRegister("third", "operations", lambda: "token").read()


class Gcs:
    """Objects by name, each with its generation, as the JSON API answers for them."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.generation = 1_700_000_000_000_000
        self.mutex = threading.Lock()
        self.status = 0

    def ask(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.status:
            return self.status, {}, b"slow down"
        if "/b/writers/" not in path:
            return 404, {}, b"The specified bucket does not exist."
        with self.mutex:
            if method == "GET":
                assert query == {"alt": "media"}
                content, generation = self.objects.get(urllib.parse.unquote(path.rpartition("/")[2]), (b"", 0))
                if not generation:
                    return 404, {}, b"No such object: writers/writer.json"
                return 200, {"X-Goog-Generation": str(generation)}, content
            assert (path, query["uploadType"]) == ("/upload/storage/v1/b/writers/o", "media")
            wanted = int(query["ifGenerationMatch"].strip('"'))
            if self.objects.get(query["name"], (b"", 0))[1] != wanted:
                return 412, {}, b'{"error": {"code": 412}}'
            self.generation += 1
            self.objects[query["name"]] = (body, self.generation)
            return 200, {}, json.dumps({"generation": str(self.generation)}).encode()


@pytest.fixture
def gcs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gcs]:
    cloud = Gcs()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

        def serve(self) -> None:
            place = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer: tuple[int, dict[str, str], bytes] = (401, {}, b"Invalid Credentials")
            if self.headers["Authorization"] == "Bearer token":
                query = dict(urllib.parse.parse_qsl(place.query))
                answer = cloud.ask(self.command, place.path, query, body)
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = serve

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(registers, "GCS", f"http://127.0.0.1:{server.server_port}")
    yield cloud
    server.shutdown()
    server.server_close()


def test_a_gcs_object_keeps_its_word(gcs: Gcs) -> None:
    keeps_its_word(GcsRegister("writers", lambda: "token"))


def test_a_gcs_bucket_that_is_gone_is_not_an_empty_register(gcs: Gcs) -> None:
    gone = GcsRegister("other", lambda: "token")
    with pytest.raises(Failed, match="there is no such bucket"):
        gone.read()
    with pytest.raises(Failed, match="cannot be written: HTTP 404"):
        gone.swap(b"{}", "")


@pytest.mark.parametrize(("status", "words"), [(503, "HTTP 503 slow down"), (0, "HTTP 401 Invalid Credentials")])
def test_a_gcs_that_does_not_answer_as_it_should_is_said(gcs: Gcs, status: int, words: str) -> None:
    gcs.status = status
    with pytest.raises(Failed, match=words):
        GcsRegister("writers", lambda: "token" if status else "old").read()


def test_nobody_at_the_other_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "GCS", "http://127.0.0.1:9")
    with pytest.raises(Failed, match=r"gs://writers/writer\.json does not answer"):
        GcsRegister("writers", lambda: "token").read()
