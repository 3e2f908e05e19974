"""Google and Cloudflare at the desk: who asks, what each refusal says, what a bucket promises, and when a call ends."""

import base64
import json
import pathlib
import socket
import stat
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from operations import bucket_store, cloudflare, google, https, stack
from operations.store import Unavailable, open_store
from operations.unanswered import CouldNotAsk
from tests.google_http import TOKEN, Server, google_server, rpc_error


@pytest.fixture
def server() -> Iterator[Server]:
    with google_server() as there:
        yield there


@pytest.fixture
def bucket(server: Server) -> bucket_store.BucketStore:
    return bucket_store.BucketStore(server.api(), bucket_store.place("gs://operations"))


# Who asks.

USER = {
    "type": "authorized_user",
    "client_id": "c",
    "client_secret": "s",
    "refresh_token": "r",
    "quota_project_id": "payer",
}


def written(folder: pathlib.Path, found: object) -> str:
    path = folder / "credentials.json"
    path.write_text(found if isinstance(found, str) else json.dumps(found))
    return str(path)


def test_a_users_credentials_become_a_token_once_and_name_who_pays_for_questions(
    server: Server, tmp_path: pathlib.Path
) -> None:
    known = server.identity({"GOOGLE_APPLICATION_CREDENTIALS": written(tmp_path, USER)})
    assert [known.headers(), known.headers()] == [
        {"Authorization": f"Bearer {TOKEN}", "X-Goog-User-Project": "payer"}
    ] * 2
    assert [(one["grant_type"], one["refresh_token"]) for one in server.tokens] == [("refresh_token", "r")]


def test_what_gcloud_wrote_is_found_where_it_writes_it(server: Server, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    (folder / "application_default_credentials.json").write_text(json.dumps(USER))
    assert server.identity({"HOME": str(tmp_path)}).token() == TOKEN
    assert server.identity({"CLOUDSDK_CONFIG": str(folder)}).token() == TOKEN
    assert server.identity({"GOOGLE_CREDENTIALS": json.dumps(USER)}).token() == TOKEN


def test_a_service_account_signs_for_itself(server: Server, tmp_path: pathlib.Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    about = {"type": "service_account", "client_email": "ops@p.iam.gserviceaccount.com", "private_key": pem}
    path = written(tmp_path, {**about, "token_uri": f"{server.base}/oauth2/token"})
    assert server.identity({"GOOGLE_APPLICATION_CREDENTIALS": path}).token() == TOKEN
    head, claims, signature = server.tokens[0]["assertion"].split(".")

    def read(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    key.public_key().verify(read(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    said = json.loads(read(claims))
    assert (said["iss"], said["aud"], said["exp"] - said["iat"]) == (
        about["client_email"],
        f"{server.base}/oauth2/token",
        3600,
    )


def gcloud(folder: pathlib.Path, script: str) -> str:
    """A PATH with a gcloud that does this."""
    program = folder / "gcloud"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("credentials", "words"),
    [(None, "auth print-access-token"), ({"type": "external_account"}, "auth application-default print-access-token")],
)
def test_what_is_not_read_here_is_gclouds_to_turn_into_a_token(
    tmp_path: pathlib.Path, credentials: dict[str, str] | None, words: str
) -> None:
    more = {"GOOGLE_APPLICATION_CREDENTIALS": written(tmp_path, credentials)} if credentials else {}
    path = gcloud(tmp_path, f'[ "$*" = "{words} --quiet" ] && echo {TOKEN}')
    assert google.Identity(environment={"PATH": path, "HOME": str(tmp_path), **more}).token() == TOKEN


def test_a_desk_without_an_identity_is_told_so_once_with_the_way_to_one(tmp_path: pathlib.Path) -> None:
    asked = tmp_path / "asked"
    words = "ERROR: (gcloud.auth.print-access-token) You do not have an active account. Please run:\n\n  $ gcloud init"
    path = gcloud(tmp_path, f"echo x >> {asked}; printf '{words}' >&2; exit 1")
    known = google.Identity(environment={"PATH": path, "HOME": str(tmp_path)})
    for _ in range(3):
        with pytest.raises(google.GoogleError) as refused:
            known.token()
        assert refused.value.words == "`gcloud auth print-access-token`: You do not have an active account"
        assert "gcloud auth application-default login" in refused.value.fix
    assert asked.read_text() == "x\n"
    with pytest.raises(google.GoogleError, match="there is no identity"):
        google.Identity(environment={"PATH": str(tmp_path / "none"), "HOME": str(tmp_path)}).token()


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_file_that_holds_no_credentials_is_named(tmp_path: pathlib.Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(google.GoogleError, match=f"{path} holds no credentials"):
        google.Identity(environment={"GOOGLE_APPLICATION_CREDENTIALS": path}).token()
    with pytest.raises(google.GoogleError, match="cannot be read: No such file"):
        google.Identity(environment={"GOOGLE_APPLICATION_CREDENTIALS": f"{path}.gone"}).token()


def test_a_network_that_blinks_while_a_token_is_renewed_ends_no_failover(
    server: Server, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = server.identity({"GOOGLE_APPLICATION_CREDENTIALS": written(tmp_path, USER)})
    known.token()
    clock = {"time": time.time(), "monotonic": time.monotonic()}
    monkeypatch.setattr(google.time, "time", lambda: clock["time"])
    monkeypatch.setattr(google.time, "monotonic", lambda: clock["monotonic"])

    def lost(*_: Any, **__: Any) -> https.Answer:
        raise https.NoAnswer("oauth2 does not answer")

    def later(seconds: float) -> None:
        clock["time"] += seconds
        clock["monotonic"] += seconds

    with monkeypatch.context() as cut:
        cut.setattr(https, "call", lost)
        later(3599 - google.MARGIN_SECONDS + 1)
        assert known.token() == TOKEN, "it holds for five minutes more"
        later(google.MARGIN_SECONDS)
        with pytest.raises(google.GoogleError, match="does not answer"):
            known.token()
    later(google.PROBLEM_SECONDS + 1)
    assert known.token() == TOKEN and len(server.tokens) == 2


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\nmore", "ü"])
def test_no_message_shows_a_token(server: Server, ending: str) -> None:
    """http.client says which value no header takes, and status shows what went wrong."""
    api = google.Api(server.identity({"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN + ending}), 0.5)
    server.answers["compute/x"] = {"kind": "well"}
    if not ending.strip():
        assert api.get("compute", "x") == {"kind": "well"}
        return
    asks = (
        lambda: api.get("compute", "x"),
        lambda: cloudflare.Api({cloudflare.VARIABLE: TOKEN + ending}, server.base, 0.5).get("zones/z"),
    )
    for ask in asks:
        with pytest.raises(CouldNotAsk, match="Authorization has a line break or another character") as refused:
            ask()
        assert TOKEN not in f"{refused.value.words}{refused.value.fix}" and "the variable" in refused.value.fix


# What each refusal says.

OLDER = {"error": {"code": 403, "message": "Access Not Configured.", "errors": [{"reason": "accessNotConfigured"}]}}
SHORT = {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "Insufficient regional quota to satisfy "
                   "request: resource \"CPUS\": request requires '8.0' and is short '4.0'."}}  # fmt: skip
REFUSALS = [
    (rpc_error(401, "Invalid Credentials"), "says 401", "gcloud auth application-default login"),
    (
        rpc_error(403, "Compute Engine API has not been used in project 7 before", "SERVICE_DISABLED",
                  service="compute.googleapis.com", consumer="projects/7"),
        "says 403 SERVICE_DISABLED",
        "`gcloud services enable compute.googleapis.com --project 7`",
    ),
    ((403, OLDER), "accessNotConfigured", "gcloud services enable"),
    (
        rpc_error(403, "Required 'compute.routers.get' permission", "IAM_PERMISSION_DENIED",
                  permission="compute.routers.get", resource="projects/p"),
        "IAM_PERMISSION_DENIED",
        "a role with compute.routers.get in that project",
    ),
    (rpc_error(403, "This API method requires a quota project"), "quota", "set-quota-project"),
    (rpc_error(403, "insufficient scopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "SCOPE", google.SCOPE),
    (rpc_error(404, "The resource was not found"), "says 404", ""),
    (rpc_error(429, "Quota exceeded", "RATE_LIMIT_EXCEEDED"), "says 429", "wait a minute"),
    ((403, SHORT), "CPUS", "no right that is lacking: end what uses that quota, or ask for more"),
    (rpc_error(500, "Internal error"), "says 500", "status.cloud.google.com"),
    ((502, b"<html>bad gateway</html>"), "bad gateway", "status.cloud.google.com"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "words", "fix"), REFUSALS)
def test_a_refusal_is_told_with_what_mends_it(
    server: Server, answer: tuple[int, Any], words: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "FIRST_PAUSE_SECONDS", 0.01)
    server.answers["compute/compute/v1/projects/p"] = answer
    with pytest.raises(google.GoogleError) as refused:
        server.api(seconds=2.0).get("compute", "compute/v1/projects/p")
    assert (refused.value.status, words in refused.value.words) == (answer[0], True), refused.value.words
    assert fix in refused.value.fix and bool(fix) == bool(refused.value.fix), refused.value.fix


def test_a_busy_side_is_asked_again_and_its_wish_is_kept(server: Server) -> None:
    server.refuse = [rpc_error(429, "busy"), rpc_error(503, "busy")]
    server.answers["compute/x"] = {"kind": "well"}
    began = time.monotonic()
    assert server.api().get("compute", "x") == {"kind": "well"}
    assert len(server.asked) == 3 and time.monotonic() - began >= 1.5
    assert [https._retry_after(https.Answer(429, {"retry-after": said}, b"")) for said in ("7", "soon", "")] == [
        7,
        0,
        0,
    ]


def test_every_page_is_read_and_a_list_without_end_is_refused() -> None:
    pages = {"": {"items": [1, 2], "nextPageToken": "b"}, "b": {"items": [3]}}

    class Listed:
        def get(self, service: str, path: str, **query: Any) -> Any:
            return pages[query.get("pageToken", "")]

    assert google.items(Listed(), "compute", "x", "items", filter="f") == [1, 2, 3]  # type: ignore[arg-type]
    pages["b"] = {"items": [3], "nextPageToken": "b"}
    with pytest.raises(CouldNotAsk, match="more than 50 pages"):
        google.items(Listed(), "compute", "x", "items")  # type: ignore[arg-type]


# When a call ends.


def test_a_call_that_nobody_answers_ends_in_its_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(https.NoAnswer, match="does not answer") as lost:
            https.call("GET", url, seconds=1.0)
        assert time.monotonic() - began < 3 and not lost.value.unknown_name
    with pytest.raises(https.NoAnswer, match="no name that can be resolved") as unknown:
        https.call("GET", "http://nobody.invalid/", seconds=0.1)
    assert unknown.value.unknown_name
    for asked in (
        google.Api(google.Identity(google.Endpoints(url.rstrip("/")), {"GOOGLE_OAUTH_ACCESS_TOKEN": "t"}), 0.2),
    ):
        with pytest.raises(google.GoogleError) as cut:
            asked.get("compute", "x")
        assert (cut.value.status, cut.value.fix) == (0, google.NETWORK)
    with pytest.raises(cloudflare.CloudflareError) as cut_off:
        cloudflare.Api({cloudflare.VARIABLE: "t"}, url.rstrip("/"), 0.2).get("zones/z")
    assert (cut_off.value.status, cut_off.value.fix) == (0, cloudflare.NETWORK)


def test_a_token_is_taken_to_no_other_host(server: Server) -> None:
    with google_server() as other:
        server.answers["compute/x"] = (302, {})
        server.refuse = [(302, {"moved": other.base})]
        with pytest.raises(google.GoogleError, match="says 302"):
            server.api().get("compute", "x")
        assert other.asked == []


# A bucket.


def test_a_proxys_page_is_no_empty_bucket_and_no_answer_of_a_clouds(
    server: Server, bucket: bucket_store.BucketStore
) -> None:
    """Nothing in a bucket means that nobody holds the lock."""
    page = (200, b"<html>blocked by your company</html>")
    for act in (lambda: bucket.names("journal/"), lambda: bucket.read("lock.json")):
        server.refuse = [page]
        with pytest.raises(Unavailable, match="blocked by your company"):
            act()
    for ask in (lambda: server.api().get("compute", "x"), lambda: server.api().post("compute", "x", {})):
        server.refuse = [page]
        with pytest.raises(google.GoogleError, match="is not Google's") as refused:
            ask()
        assert refused.value.fix == google.NETWORK


def test_an_object_that_is_not_there_is_an_answer_and_a_bucket_that_is_gone_is_not(
    server: Server, bucket: bucket_store.BucketStore
) -> None:
    assert bucket.read("lock.json") is None
    assert bucket.read("lock.json") is None
    listed = [path for _, path, _ in server.asked if path.endswith("/o")]
    assert len(listed) == 1, "the bucket is looked for once"
    gone = bucket_store.BucketStore(server.api(), bucket_store.place("gs://elsewhere"))
    with pytest.raises(Unavailable, match="is gone, not only empty; `pulumi up` makes it again"):
        gone.read("lock.json")
    for act in (lambda: gone.create("a", b""), lambda: gone.remove("a", "1"), lambda: gone.names("")):
        with pytest.raises(Unavailable, match="gs://elsewhere cannot be used"):
            act()


def test_names_come_from_all_pages_and_without_the_folder(server: Server) -> None:
    ours = bucket_store.BucketStore(server.api(), bucket_store.place("gs://operations/crm"))
    for at in range(7):
        ours.write(f"journal/{at}.json", b"{}")
    server.objects["operations", "other/journal/9.json"] = b"", 1
    assert ours.names("journal/") == [f"journal/{at}.json" for at in range(7)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            rpc_error(403, "you@example.com does not have storage.objects.get access"),
            "needs the role Storage Object Admin",
        ),
        (rpc_error(403, "off", "SERVICE_DISABLED", service="storage.googleapis.com"), "gcloud services enable storage"),
        (rpc_error(401, "Invalid Credentials"), "gcloud auth application-default login"),
    ],
)
def test_a_bucket_that_cannot_be_used_says_why(
    server: Server, bucket: bucket_store.BucketStore, answer: tuple[int, Any], words: str
) -> None:
    server.refuse = [answer]
    with pytest.raises(Unavailable, match="gs://operations cannot be used") as refused:
        bucket.read("lock.json")
    assert words in str(refused.value)


def test_an_inventory_names_its_bucket(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    assert str(open_store("gs://b/folder", None)) == "gs://b/folder"  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="gs://BUCKET"):
        open_store("gs://", None)  # type: ignore[arg-type]
    known = server.identity()
    monkeypatch.setattr(google, "Identity", lambda: known)
    with pytest.raises(stack.NoInventory, match=r"gs://operations/inventory.json does not exist: `pulumi up`"):
        stack.locate("gs://operations/inventory.json")


# Cloudflare.


def envelope(*errors: tuple[int, str], **more: Any) -> bytes:
    listed = [{"code": code, "message": message} for code, message in errors]
    return json.dumps({"success": not errors, "errors": listed, "messages": [], "result": None, **more}).encode()


@pytest.mark.parametrize(
    ("path", "status", "body", "words", "fix"),
    [
        ("zones/z", 400, envelope((6003, "Invalid request headers")), "6003", "the token is wrong"),
        ("user/tokens/verify", 401, envelope((1000, "Invalid API Token")), "1000 Invalid", "the token is wrong"),
        ("accounts/a/load_balancers/pools", 403, envelope((10000, "Authentication error")), "10000",
         "give the token Load Balancing: Monitors And Pools: Read, for this account"),
        ("zones/z/load_balancers", 403, envelope((10000, "Authentication error")), "10000",
         "give the token Load Balancers: Read, for this zone"),
        ("zones/z", 404, envelope((7003, "Could not route to /zones/z")), "7003", "cloudflare_zone_id"),
        ("zones/z", 429, envelope((10429, "Too many")), "10429", "five minutes"),
        ("zones/z", 503, b"<html>down</html>", "down", "cloudflarestatus.com"),
        ("zones/z", 200, b"[]", "says 200", ""),
        ("zones/z", 200, envelope((7000, "No route")), "7000 No route", ""),
    ],
)  # fmt: skip
def test_cloudflares_refusals_are_told_with_what_mends_them(
    path: str, status: int, body: bytes, words: str, fix: str
) -> None:
    with pytest.raises(cloudflare.CloudflareError) as refused:
        cloudflare.result(path, https.Answer(status, {}, body))
    assert words in refused.value.words and fix in refused.value.fix and bool(fix) == bool(refused.value.fix)


def test_a_desk_without_a_token_is_told_which_rights_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cloudflare.CloudflareError, match="CLOUDFLARE_API_TOKEN is not set") as refused:
        cloudflare.Api({}).get("zones/z")
    assert "Load Balancing: Monitors And Pools: Edit" in refused.value.fix


def test_cloudflares_pages_are_read_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def call(method: str, url: str, headers: dict[str, str], seconds: float) -> https.Answer:
        asked.append((url, headers["Authorization"]))
        page = 2 if "page=2" in url else 1
        return https.Answer(200, {}, envelope(result=[{"id": page}], result_info={"page": page, "total_pages": 2}))

    monkeypatch.setattr(https, "call", call)
    found = cloudflare.Api({cloudflare.VARIABLE: "t"}).items("zones/z/load_balancers")
    assert [one["id"] for one in found] == [1, 2]
    assert asked == [(f"{cloudflare.API}/zones/z/load_balancers{more}", "Bearer t") for more in ("", "?page=2")]
