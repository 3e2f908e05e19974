"""The archive role's bucket and identity against a small server that keeps what Google's pages say of both APIs:
generations and their preconditions, pages of a listing, MD5 of what came in, tokens that end."""

import base64
import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.archive import gcs
from twinsite.guest.archive.config import Federation
from twinsite.guest.errors import Failed

AUDIENCE = "//iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/twinsite/providers/eks"
ACCOUNT = "backup@p.iam.gserviceaccount.com"


class Google:
    """One bucket, `backups`, and who may use it."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.tokens = {"machine"}
        self.asked: list[str] = []
        self.troubles: list[int | str] = []
        """What the next calls of storage answer: a status, or `lost`: it is done, and the answer does not arrive."""
        self.words = "Permission denied"
        self.page = 2
        self.starting = 0
        """So many calls of the metadata server find it not ready."""

    def storage(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if path == "/upload/storage/v1/b/backups/o" and method == "POST":
            assert query["uploadType"] == "media"
            there = self.objects.get(query["name"])
            if "ifGenerationMatch" in query and int(query["ifGenerationMatch"]) != (there[1] if there else 0):
                return 412, self.error(412, "At least one of the pre-conditions you specified did not hold.")
            self.objects[query["name"]] = body, (there[1] if there else 0) + 1
            return 200, json.dumps(self.about(query["name"])).encode()
        if path == "/storage/v1/b/backups/o":
            names = sorted(name for name in self.objects if name.startswith(query["prefix"]))
            first = int(query.get("pageToken", 0))
            page = names[first : first + self.page]
            said: dict[str, Any] = {"items": [self.about(name) for name in page]} if page else {}
            if first + self.page < len(names):
                said["nextPageToken"] = str(first + self.page)
            return 200, json.dumps(said).encode()
        if not path.startswith("/storage/v1/b/backups/o/"):
            return 404, self.error(404, "The specified bucket does not exist.")
        name = urllib.parse.unquote(path.removeprefix("/storage/v1/b/backups/o/"))
        if name not in self.objects:
            return 404, self.error(404, f"No such object: backups/{name}")
        if method == "DELETE":
            del self.objects[name]
            return 204, b""
        return 200, self.objects[name][0] if query.get("alt") == "media" else json.dumps(self.about(name)).encode()

    def about(self, name: str) -> dict[str, str]:
        content = self.objects[name][0]
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        return {"name": name, "size": str(len(content)), "md5Hash": digest}

    def error(self, code: int, words: str) -> bytes:
        return json.dumps({"error": {"code": code, "message": words}}).encode()

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, bytes]:
        bearer = (headers.get("Authorization") or "").removeprefix("Bearer ")
        self.asked.append(f"{method} {path.split('/')[1]}")
        if path == "/metadata":
            if self.starting:
                self.starting -= 1
                return 503, b"not ready"
            if headers.get("Metadata-Flavor") != "Google":
                return 403, b"Missing Metadata-Flavor:Google header."
            return 200, json.dumps({"access_token": "machine", "expires_in": 3599}).encode()
        if path == "/sts":
            said = json.loads(body)
            assert not bearer, "the header can cause the request to fail"
            assert said["grantType"] == "urn:ietf:params:oauth:grant-type:token-exchange"
            if said["audience"] != AUDIENCE or said["subjectToken"] != "of-the-pod":
                words = {"error": "invalid_grant", "error_description": "The given credential is rejected."}
                return 400, json.dumps(words).encode()
            return 200, json.dumps({"access_token": "federated", "expires_in": 3599}).encode()
        if path.startswith("/accounts/"):
            if bearer != "federated" or path != f"/accounts/{urllib.parse.quote(ACCOUNT)}:generateAccessToken":
                return 403, self.error(403, "Permission 'iam.serviceAccounts.getAccessToken' denied")
            token = f"lent-{len(self.tokens)}"
            self.tokens.add(token)
            return 200, json.dumps({"accessToken": token, "expireTime": "2026-11-30T04:00:00Z"}).encode()
        trouble = self.troubles.pop(0) if self.troubles else 0
        if isinstance(trouble, int) and trouble:
            return trouble, self.error(trouble, self.words)
        if bearer not in self.tokens:
            return 401, self.error(401, "Invalid Credentials")
        done = self.storage(method, path, query, body)
        return (0, b"") if trouble == "lost" else done


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    known = Google()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(urllib.parse.parse_qsl(parts.query))
            status, content = known.answer(self.command, parts.path, query, self.headers, body)
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _any

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    place = f"http://127.0.0.1:{server.server_address[1]}"
    for name, value in {"STORAGE": "", "STS": "/sts", "CREDENTIALS": "/accounts", "METADATA": "/metadata"}.items():
        monkeypatch.setattr(gcs, name, place + value)
    monkeypatch.setattr(gcs.time, "sleep", lambda seconds: None)
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def bucket(google: Google) -> gcs.Bucket:
    return gcs.Bucket("backups", gcs.Identity(Federation(), spreading_seconds=0))


def federated(folder: Path, token: str = "of-the-pod", account: str = ACCOUNT) -> gcs.Identity:
    file = folder / "token"
    file.write_text(f"{token}\n")
    return gcs.Identity(Federation(AUDIENCE, str(file), account), spreading_seconds=0)


def test_what_is_put_is_listed_over_pages_read_and_deleted(google: Google, bucket: gcs.Bucket) -> None:
    names = [f"backups/1/dump/Ä b%2F.{at}" for at in range(5)]
    for name in names:
        bucket.put(name, name.encode())
    bucket.put("other", b"")
    assert bucket.sizes("backups/") == {name: len(name.encode()) for name in names}
    assert google.asked.count("GET storage") == 3, "five names by two a page"
    assert bucket.get(names[3]) == names[3].encode()
    bucket.delete(names[3])
    bucket.delete(names[3])
    assert len(bucket.sizes("backups/")) == 4 and bucket.sizes("nothing/") == {}
    with pytest.raises(Failed, match="HTTP 404 No such object"):
        bucket.get(names[3])


def test_nothing_is_written_over(google: Google, bucket: gcs.Bucket) -> None:
    bucket.put("a", b"first")
    with pytest.raises(Failed, match="is there already, and is not what was to be written"):
        bucket.put("a", b"second")
    assert google.objects["a"] == (b"first", 1)
    bucket.put("a", b"first")
    assert google.objects["a"] == (b"first", 1), "the same again is no other generation"


def test_a_write_whose_answer_was_lost_is_not_written_twice(google: Google, bucket: gcs.Bucket) -> None:
    google.troubles = ["lost"]
    bucket.put("a", b"content")
    assert google.objects["a"] == (b"content", 1)
    assert google.asked.count("POST upload") == 2


def test_what_arrived_otherwise_is_not_taken_for_the_part(google: Google, bucket: gcs.Bucket) -> None:
    google.about = lambda name: {"name": name, "size": "1", "md5Hash": "other"}  # type: ignore[method-assign]
    with pytest.raises(Failed, match="is not what was sent"):
        bucket.put("a", b"content")


@pytest.mark.parametrize("status", sorted(gcs.PASSING - {0}))
def test_passing_troubles_are_tried_again(google: Google, bucket: gcs.Bucket, status: int) -> None:
    google.troubles = [status, status]
    bucket.put("a", b"content")
    assert bucket.get("a") == b"content"


def test_troubles_that_stay_are_told_in_googles_words(google: Google, bucket: gcs.Bucket) -> None:
    google.troubles, google.words = [503] * 20, "Backend Error"
    with pytest.raises(Failed, match="HTTP 503 Backend Error"):
        bucket.get("a")
    assert google.asked.count("GET storage") == gcs.TRIES


def test_a_grant_on_its_way_is_waited_for(google: Google) -> None:
    google.troubles = [403, 403, 403]
    patient = gcs.Bucket("backups", gcs.Identity(Federation(), spreading_seconds=60))
    patient.put("a", b"content")
    assert google.objects["a"] == (b"content", 1)


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        ("Permission denied", "give this machine's account roles/storage.objectUser on bucket backups"),
        ("Cloud KMS: cryptoKeyVersions.useToEncrypt denied", "roles/cloudkms.cryptoKeyEncrypterDecrypter"),
    ],
)
def test_a_refusal_names_its_fix(google: Google, bucket: gcs.Bucket, words: str, fix: str) -> None:
    google.troubles, google.words = [403], words
    with pytest.raises(Failed) as error:
        bucket.put("a", b"content")
    assert words in str(error.value) and fix in str(error.value)


def test_a_bucket_that_is_not_there_is_named(google: Google) -> None:
    with pytest.raises(Failed, match="there is no bucket gone: correct `store`"):
        gcs.Bucket("gone", gcs.Identity(Federation(), spreading_seconds=0)).get("a")


def test_a_pods_token_is_exchanged_and_the_accounts_is_borrowed(google: Google, tmp_path: Path) -> None:
    bucket = gcs.Bucket("backups", federated(tmp_path))
    bucket.put("a", b"content")
    assert bucket.get("a") == b"content"
    assert google.asked == ["POST sts", "POST accounts", "POST upload", "GET storage"], "one token for both calls"


def test_without_an_account_the_principal_itself_writes(google: Google, tmp_path: Path) -> None:
    google.tokens.add("federated")
    gcs.Bucket("backups", federated(tmp_path, account="")).put("a", b"content")
    assert google.asked == ["POST sts", "POST upload"]


def test_a_token_that_was_refused_is_asked_for_anew_once(google: Google, tmp_path: Path) -> None:
    bucket = gcs.Bucket("backups", federated(tmp_path))
    bucket.put("a", b"content")
    google.tokens.clear()
    assert bucket.get("a") == b"content"
    google.troubles = [401, 401]
    with pytest.raises(Failed, match="HTTP 401"):
        bucket.get("a")


def test_a_token_is_renewed_before_it_ends(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = federated(tmp_path)
    assert identity.token() == identity.token()
    now = gcs.time.monotonic()
    monkeypatch.setattr(gcs.time, "monotonic", lambda: now + 3600 - gcs.SPARE_SECONDS + 1)
    before = google.asked.count("POST sts")
    identity.token()
    assert google.asked.count("POST sts") == before + 1


@pytest.mark.parametrize(
    ("token", "account", "words"),
    [
        ("of-somebody", ACCOUNT, "the pool's provider must have this cluster's issuer"),
        ("of-the-pod", "other@p.iam.gserviceaccount.com", "roles/iam.workloadIdentityUser on other@p"),
    ],
)
def test_an_exchange_that_is_refused_names_what_is_lacking(
    google: Google, tmp_path: Path, token: str, account: str, words: str
) -> None:
    with pytest.raises(Failed) as error:
        federated(tmp_path, token, account).token()
    assert words in str(error.value)


def test_a_token_that_cannot_be_read_is_told() -> None:
    with pytest.raises(Failed, match="the service account's token cannot be read"):
        gcs.Identity(Federation(AUDIENCE, "/nowhere/token", "")).token()


def test_a_metadata_server_that_does_not_know_a_new_pod_yet_is_asked_again(google: Google, bucket: gcs.Bucket) -> None:
    google.starting = 3
    bucket.put("a", b"content")
    assert google.asked == ["GET metadata"] * 4 + ["POST upload"]
