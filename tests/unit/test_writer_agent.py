"""The agent's document, who it is at each cloud, and what it answers by HTTP."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.errors import Failed, Refused
from twinsite.guest.writer import config, identity
from twinsite.guest.writer.serve import serve

DOCUMENT: dict[str, Any] = {
    "site": "aws",
    "home": "aws",
    "flow": "crm",
    "text": "may write",
    "schemas": ["public"],
    "database": {"address": "db", "database": "crm", "user": "owner"},
    "registers": [
        {"place": "s3://a-bucket/writer.json", "region": "eu-west-1"},
        {"place": "gs://a-bucket/writer.json"},
        {"place": "azblob://account/container/writer.json"},
    ],
}
WORDS = {"database_password": "w", "third": {"tenant": "t", "client_id": "c", "client_secret": "s"}}


def read(folder: Path, change: dict[str, Any], words: dict[str, Any]) -> config.Settings:
    for name, found in (("config", {**DOCUMENT, **change}), ("secrets", words)):
        (folder / name).write_text(json.dumps(found))
    return config.read(str(folder / "config"), str(folder / "secrets"))


@pytest.mark.parametrize(
    ("change", "words", "says"),
    [
        ({"site": ""}, WORDS, "site is missing"),
        ({"flow": "A B"}, WORDS, "flow is 'A B'"),
        ({"registers": DOCUMENT["registers"][:2]}, WORDS, "name 3 places that fail apart"),
        ({"registers": [DOCUMENT["registers"][0]] * 3}, WORDS, "name 3 places that fail apart"),
        ({"registers": [{"place": "s3://a-bucket/w"}, *DOCUMENT["registers"][1:]]}, WORDS, "has no region"),
        ({"registers": [{"place": "ftp://x"}, *DOCUMENT["registers"][1:]]}, WORDS, "register 'ftp://x' is none"),
        ({}, {"database_password": "w"}, "lacks one of tenant, client_id, client_secret"),
        ({"schemas": []}, WORDS, "schemas are missing"),
        ({"database": {"address": "db", "database": "crm"}}, WORDS, "database.user is missing"),
    ],
)
def test_a_document_that_is_wrong_is_refused(
    tmp_path: Path, change: dict[str, Any], words: dict[str, Any], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        read(tmp_path, change, words)
    assert [str(found.register(one)) for found in [read(tmp_path, {}, WORDS)] for one in found.places] == [
        one["place"] for one in DOCUMENT["registers"]
    ]


class Cloud(BaseHTTPRequestHandler):
    """Keeps what it was asked, answers what it was told."""

    asked: "list[dict[str, str]]" = []
    told: "tuple[int, dict[str, Any]]" = (200, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).asked.append(dict(urllib.parse.parse_qsl(body)))
        content = json.dumps(self.told[1]).encode()
        self.send_response(self.told[0])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Cloud]]:
    class Own(Cloud):
        asked: "list[dict[str, str]]" = []

    server = HTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    place = f"http://127.0.0.1:{server.server_address[1]}/"
    monkeypatch.setattr(identity, "STS", place)
    monkeypatch.setattr(identity, "LOGIN", place)
    yield Own
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_pods_token_is_exchanged_for_keys_once_while_they_last(cloud: type[Cloud], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token\n")
    keys = {"AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T", "Expiration": 1.0}
    answer = {"AssumeRoleWithWebIdentityResult": {"Credentials": keys}}
    cloud.told = (200, {"AssumeRoleWithWebIdentityResponse": answer})
    role = identity.AwsRole("eu-west-1", "arn:aws:iam::1:role/r", str(tmp_path / "token"))
    assert [role.get(), role.get()] == [{"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}] * 2
    (asked,) = cloud.asked
    assert (asked["Action"], asked["RoleArn"]) == ("AssumeRoleWithWebIdentity", "arn:aws:iam::1:role/r")
    assert (asked["WebIdentityToken"], asked["Version"]) == ("a-token", "2011-06-15")


def test_keys_that_still_last_are_used_while_new_ones_do_not_come(cloud: type[Cloud]) -> None:
    client = identity.AzureClient("t", "c", "s")
    cloud.told = (200, {"access_token": "one", "expires_in": 100})
    assert client.get() == "one", "it ends sooner than it is renewed"
    cloud.told = (500, {"error": "later"})
    assert client.get() == "one"
    assert [one["scope"] for one in cloud.asked] == [identity.STORAGE_SCOPE] * 2
    with pytest.raises(Failed, match=r"Azure knows no application c: .*HTTP 500"):
        identity.AzureClient("t", "c", "s").get()


def test_without_a_role_or_a_token_the_sentence_says_which_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Failed, match="nobody said which role of AWS this is"):
        identity.AwsRole("eu-west-1").get()
    with pytest.raises(Failed, match="the service account's token cannot be read"):
        identity.AwsRole("eu-west-1", "r", str(tmp_path / "none")).get()


def test_writer_is_answered_by_what_is_so_now_and_health_always() -> None:
    now = {"writes": True}
    server = serve(0, "may write", lambda: now["writes"])
    place = f"http://127.0.0.1:{server.server_address[1]}"

    def ask(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(place + path, timeout=5) as answer:
                assert answer.headers["Cache-Control"] == "no-store"
                return answer.status, answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode().strip()

    try:
        assert ask("/writer") == ask("/writer?x=1") == (200, "may write")
        now["writes"] = False
        assert ask("/writer") == (503, "this site does not write")
        assert [ask(one)[0] for one in ("/health", "/", "/other")] == [200, 200, 404]
    finally:
        server.shutdown()
        server.server_close()
