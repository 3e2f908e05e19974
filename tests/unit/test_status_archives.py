"""What status says of backups in a bucket of Google's: a local server stands for Cloud Storage, and the guest's own
judge takes the manifests. What is not whole, not ours, or not to be read is never the newest."""

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from operations import status
from operations.google import Api
from operations.subjects import gcs_backups
from operations.subjects.away import Backups, Parts, Writer
from operations.subjects.clouds import Told
from operations.subjects.epochs import parse
from operations.subjects.sources import Sources
from tests.aws_gcp_world import INVENTORY
from tests.google_http import Server, google_server, rpc_error
from twinsite.guest.archive import manifest as guests
from twinsite.inventory import Backups as Asked
from twinsite.inventory import Host, Inventory, Pod, Promise

BUCKET = "crm-dr-backups"
STORE = f"gs://{BUCKET}"
ASKED = Asked(STORE, "crm", "17 18 * * *", 28.0)
HOST = Host("aws-postgres-backup", "aws", "", ("archive",), Pod("eks", "crm", "postgres-backup"))
COLD = replace(
    INVENTORY, dr_mode="cold", vpns=(), databases=(), clusters=(), flows=(), names=(), hosts=(HOST,), backups=ASKED
)
NOW = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.UTC)
KUBECTL = "kubectl --context eks -n crm"


def name(hours_ago: float, end: str = "0a1b2c3d") -> str:
    return f"{NOW - datetime.timedelta(hours=hours_ago):%Y%m%dT%H%M%SZ}-{end}"


def manifest(identity: str, parts: dict[str, bytes], **change: Any) -> dict[str, Any]:
    """As the role archive writes it: the guest's own judge finds nothing in it."""
    began = datetime.datetime.strptime(identity[:16], "%Y%m%dT%H%M%SZ")
    stamp = f"{began:%Y-%m-%dT%H:%M:%S}.000000Z"
    listed = [{"blob": blob, "bytes": len(content), "sha256": "0" * 64} for blob, content in parts.items()]
    dump: dict[str, list[str]] = {}
    for part in listed:
        dump.setdefault(str(part["blob"]).removeprefix("dump/").rpartition(".")[0], []).append(str(part["blob"]))
    said = {
        "version": guests.VERSION,
        "engine": guests.ENGINE,
        "id": identity,
        "scheduled": True,
        "began": stamp,
        "ended": stamp,
        "source": {"version": "17.5", "settings": {"timezone": "Asia/Seoul"}},
        "needs": {},
        "lsn": "0/1",
        "schema": "crm",
        "tables": [{"schema": "public", "name": "customer", "rows": 7, "checksum": "12", "chunks": listed[1:]}],
        "files": listed[:1],
        "large_objects": {"count": 0, "checksum": 0},
        "sequences": [],
        "concerns": [],
        "dump": dump,
        "bytes_total": sum(map(len, parts.values())),
    }
    assert change or guests.problems(said, identity) == []
    return {**said, **change}


PARTS = {"dump/toc.dat.00000": b"toc", "dump/3412.dat.gz.00000": b"rows", "dump/3412.dat.gz.00001": b"more"}


@pytest.fixture
def google() -> Iterator[Server]:
    with google_server() as server:
        server.buckets = {BUCKET}
        yield server


def put(server: Server, identity: str, said: Any = None, without: str = "") -> None:
    for blob, content in PARTS.items():
        if blob != without:
            server.objects[BUCKET, f"backups/{identity}/{blob}"] = content, 1
    if said is not False:
        text = said if isinstance(said, bytes) else json.dumps(said or manifest(identity, PARTS)).encode()
        server.objects[BUCKET, f"backups/{identity}/manifest.json"] = text, 1


def read(server: Server, store: str = STORE) -> Backups:
    return gcs_backups.read(store, "crm", Api(server.identity(), 2.0))


def seen(
    server: Server, there: Inventory = COLD, writer: Callable[[], Writer] = lambda: parse(None, "aws")
) -> status.Status:
    asks: dict[str, Callable[[], Any]] = {"backups": lambda: read(server), "writer": writer, "latch": lambda: ()}

    def nobody() -> Any:
        raise AssertionError("nobody logs in to anything")

    sources = Sources(there, nobody, lambda: Parts(there, NOW.timestamp(), asks), clouds=Told)
    return status.status(sources, {"verdict": None, "reason": "no drill was run"})


def test_the_youngest_whole_one_is_the_newest_and_shown_with_its_age(google: Server) -> None:
    for hours in (66, 42, 18):
        put(google, name(hours))
    found = seen(google)
    assert found.problems() == []
    shown = found.shown()
    assert (shown["backup"]["id"], shown["backup"]["age_seconds"]) == (name(18), 18 * 3600)
    assert shown["healthy"] is True and "writer" not in shown, "no document of the store says who may write here"
    assert f"  backup   {name(18)}, 18 h old, epoch 0" in found.text()
    (one,) = [each for each in read(google).complete if each.id == name(18)]
    assert (one.rows, one.tables, one.size_bytes, one.store) == (7, 1, 11, STORE)


def test_parts_are_listed_of_the_youngest_alone(google: Server) -> None:
    """A month of a large database has a hundred thousand of them."""
    for hours in (66, 42, 18):
        put(google, name(hours))
    read(google)
    asked = [path for method, path, _ in google.asked if path == f"/storage/storage/v1/b/{BUCKET}/o"]
    assert len(asked) == 1 + 2, "one page of folders, two of the youngest's four objects"


def test_one_that_is_too_old_is_told_with_what_says_why(google: Server) -> None:
    put(google, name(29))
    (said,) = seen(google).problems()
    assert said.startswith("the newest complete backup (epoch 0) is 29 h old, and 28 h are allowed: ")
    assert f"`{KUBECTL} get cronjob,jobs,pods -l app.kubernetes.io/name=postgres-backup` says whether it runs" in said
    assert seen(google, replace(COLD, backups=replace(ASKED, max_age_hours=30.0))).problems() == []


def test_where_only_backups_bring_the_data_the_promised_rpo_is_their_limit(google: Server) -> None:
    put(google, name(18))
    promised = replace(COLD, promise=Promise(rpo_seconds=12 * 3600.0))
    (said,) = seen(google, promised).problems()
    assert "is 18 h old, and an RPO of 12 h is promised: `kubectl" in said
    follows = replace(promised, flows=(replace(INVENTORY.flows[0], kind="of-others"),))
    assert not [one for one in seen(google, follows).problems() if "backup" in one], "there rows come by the flow"


def test_without_one_it_is_said_how_one_is_taken(google: Server) -> None:
    put(google, name(2), False)
    found = seen(google)
    (said,) = found.problems()
    assert said.startswith(
        f"there is no complete backup of crm in {STORE}: `{KUBECTL} create job postgres-backup-manual-"
    )
    assert "--from=cronjob/postgres-backup` takes one now" in said
    assert found.shown()["backup"] == {
        "id": None, "age_seconds": None, "branch": None, "unfinished": [name(2)], "concerns": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda server: server.objects.pop((BUCKET, f"backups/{name(2)}/dump/3412.dat.gz.00001")),
         "dump/3412.dat.gz.00001 is missing, expected 4 bytes"),
        (lambda server: server.objects.update({(BUCKET, f"backups/{name(2)}/dump/toc.dat.00000"): (b"t", 1)}),
         "dump/toc.dat.00000 has 1 bytes, expected 3 bytes"),
        (lambda server: put(server, name(2), manifest(name(2), PARTS, files=None)), "its manifest is not understood"),
        (lambda server: put(server, name(2), manifest(name(2), PARTS, files=[], tables=[])), "it names no part"),
        (lambda server: put(server, name(2), manifest(name(2), PARTS, id=name(42))),
         f"its manifest is that of backup {name(42)}"),
    ],
)  # fmt: skip
def test_one_that_is_not_whole_does_not_count_and_the_one_before_does(
    google: Server, harm: Callable[[Server], Any], words: str
) -> None:
    put(google, name(26))
    put(google, name(2))
    harm(google)
    found = seen(google)
    (said,) = found.problems()
    assert said.startswith(f"backup {name(2)} is not whole and does not count: ") and words in said
    assert f"find out who deletes in {STORE}; `{KUBECTL} create job" in said
    assert found.shown()["backup"]["id"] == name(26)


def test_when_none_is_whole_the_search_ends_and_nothing_is_well(google: Server) -> None:
    for hours in (98, 74, 50, 26, 2):
        put(google, name(hours), without="dump/toc.dat.00000")
    found = seen(google)
    assert [one.partition(" is not whole")[0] for one in found.problems() if "not whole" in one] == [
        f"backup {name(hours)}" for hours in (2, 26, 50)
    ]
    assert found.problems()[-1].startswith("the newest complete backup (epoch 0) is 3 days old, and 28 h are allowed")


@pytest.mark.parametrize(
    ("said", "unfinished"),
    [
        (b"{", True),
        (b"[]", True),
        (b"null", True),
        (b"<html>a proxy's page</html>", True),
        (json.dumps({"tables": "none"}).encode(), True),
        (json.dumps(manifest(name(2), PARTS, began="yesterday")).encode(), True),
        (json.dumps(manifest(name(2), PARTS, schema="another")).encode(), False),
        (json.dumps(manifest(name(2), PARTS, engine="mysql")).encode(), False),
    ],
)
def test_a_manifest_that_says_nothing_or_is_of_another_database_is_no_backup_of_ours(
    google: Server, said: bytes, unfinished: bool
) -> None:
    put(google, name(20))
    put(google, name(2), said)
    google.objects[BUCKET, "backups/lost+found/manifest.json"] = json.dumps(manifest(name(1), PARTS)).encode(), 1
    found = read(google)
    assert ([one.id for one in found.complete], found.halves) == ([name(20)], (name(2),) if unfinished else ())


def test_a_backup_of_a_site_that_was_not_the_writer_is_not_the_newest(google: Server) -> None:
    put(google, name(20), manifest(name(20), PARTS, branch={"site": "aws", "epoch": 0, "writer": "aws"}))
    put(google, name(2), manifest(name(2), PARTS, branch={"site": "gcp", "epoch": 0, "writer": "aws"}))
    assert seen(google).shown()["backup"]["id"] == name(20)


def test_without_the_operations_store_the_youngest_is_told_and_none_called_the_newest(google: Server) -> None:
    put(google, name(2))

    def dead() -> Writer:
        raise OSError("gs://aws-gcp-operations cannot be used")

    found = seen(google, writer=dead)
    (said,) = found.problems()
    assert "which backup counts is not known" in said and name(2) in said and found.shown()["backup"]["id"] is None


@pytest.mark.parametrize(
    ("refuse", "words"),
    [
        (rpc_error(403, "no storage.objects.list access", "forbidden"),
         "your identity needs the role Storage Object Viewer (roles/storage.objectViewer) on the bucket: `gcloud "
         f"storage buckets add-iam-policy-binding gs://{BUCKET} --member user:YOU --role roles/storage.objectViewer`"),
        ((200, b"<html>log in to the network</html>"), "answers 200 with what is not Google's"),
        (rpc_error(401, "Invalid Credentials"), "gcloud auth application-default login"),
    ],
)  # fmt: skip
def test_a_bucket_that_cannot_be_read_is_not_an_empty_one(google: Server, refuse: Any, words: str) -> None:
    put(google, name(2))
    google.refuse = [refuse]
    found = seen(google)
    (said,) = found.problems()
    assert said.startswith("the backups cannot be read: ") and words in said
    assert "backup   unknown: the backups cannot be read" in found.text()


def test_a_bucket_that_is_gone_and_a_desk_without_network_are_told_apart(google: Server) -> None:
    assert "is gone, not only empty; `pulumi up` makes it again" in read(google, "gs://another").problem
    google.base = "http://127.0.0.1:9"
    assert "does not answer" in read(google).problem


def test_a_manifest_that_may_not_be_read_hides_the_others_with_its_reason(google: Server) -> None:
    put(google, name(2))
    listing = (200, {"prefixes": [f"backups/{name(2)}/"]})
    google.refuse = [listing, rpc_error(403, "cloudkms.cryptoKeyVersions.useToDecrypt denied", "forbidden")]
    assert "useToDecrypt denied" in read(google).problem
