"""The lab's Google against the clients that are to use it: operations, the archive, a register, a look's report.

Shapes are those of Google's pages, which each service names; what is not granted is refused, in Google's words.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.services.google import PROJECT_NUMBER
from lab.services.google.errors import Refusal
from lab.services.google.federation import PROVIDER
from lab.services.google.fields import chosen
from lab.services.google.metadata import Guest, Keeper, Lender
from lab.services.google.objects import OBJECT
from lab.services.google.rights import holds
from lab.services.google.tokens import CLOUD
from operations import google
from operations.bucket_store import BucketStore, Place, document
from operations.subjects import gcs_backups
from tests.lab_google import PROJECT, World, at_real_names
from tests.writer_registers import keeps_its_word
from twinsite.guest.archive import gcs
from twinsite.guest.archive.config import Federation
from twinsite.guest.errors import Failed
from twinsite.guest.writer.registers import GcsRegister

READ_WRITE = "https://www.googleapis.com/auth/devstorage.read_write"
ISSUER = "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123"
POOL = f"projects/{PROJECT_NUMBER}/locations/global/workloadIdentityPools/twinsite"
SUBJECT = "system:serviceaccount:crm:postgres-backup"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path)
    made.bucket("operations")
    with at_real_names(made.cloud.apis, tmp_path, monkeypatch):
        yield made


# Tokens.


def test_a_key_gives_the_operator_a_token_at_the_real_names(world: World) -> None:
    assert world.api().get("cloudresourcemanager", f"v1/projects/{PROJECT}")["lifecycleState"] == "ACTIVE"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_email": "nobody@p.iam.gserviceaccount.com"}, "account not found"),
        ({"private_key": "other"}, "Invalid JWT Signature"),
        ({"token_uri": "https://oauth2.googleapis.com/token?"}, "Failed audience check"),
    ],
)
def test_a_key_that_is_not_the_operators_gives_none(world: World, change: dict[str, str], words: str) -> None:
    key = json.loads(world.key.read_text())
    if "private_key" in change:
        change = {"private_key": world.operator.new().private_key}
    world.key.write_text(json.dumps(key | change))
    with pytest.raises(google.GoogleError, match=words):
        world.identity().token()


def test_a_token_that_nobody_gave_is_401_and_one_for_less_403(world: World) -> None:
    for token, status in (("ya29.made-up", 401), (world.token("serviceAccount:x", "https://…/auth/other"), 403)):
        api = google.Api(google.Identity(environment={"GOOGLE_OAUTH_ACCESS_TOKEN": token}), 5.0)
        with pytest.raises(google.GoogleError) as told:
            api.get("cloudresourcemanager", f"v1/projects/{PROJECT}")
        assert told.value.status == status


# Objects.


def test_operations_keep_journal_and_lock_in_a_bucket(world: World) -> None:
    store = BucketStore(world.api(), Place("operations", "deep/er"))
    assert store.read("lock.json") is None
    assert store.create("lock.json", b"1") and not store.create("lock.json", b"2")
    content, tag = store.read("lock.json") or (b"", "")
    assert content == b"1" and store.replace("lock.json", b"3", tag) and not store.replace("lock.json", b"4", tag)
    for at in range(5):
        store.write(f"journal/{at} ä.json", b"x")
    assert store.names("journal/") == [f"journal/{at} ä.json" for at in range(5)]
    assert not store.remove("lock.json", tag)
    assert store.remove("lock.json", (store.read("lock.json") or (b"", ""))[1])
    assert not store.remove("lock.json", "7")


def test_a_bucket_that_is_not_there_is_told_from_an_empty_one(world: World) -> None:
    assert document("gs://operations/none.json", world.api()) is None
    with pytest.raises(Exception, match="is gone, not only empty"):
        document("gs://nowhere/none.json", world.api())


def test_a_register_keeps_its_word(world: World) -> None:
    keeps_its_word(GcsRegister("operations", lambda: world.token(f"serviceAccount:{world.operator.email}")))
    with pytest.raises(Failed, match="there is no such bucket"):
        GcsRegister("nowhere", lambda: world.token(f"serviceAccount:{world.operator.email}")).read()


def test_pages_of_a_listing_have_every_name_once_and_folders_are_one_entry_each(world: World) -> None:
    api = world.api()
    for name in ("a/1", "a/2", "b", "c/1", "d"):
        world.cloud.objects.put("operations", name, b"xy", "", None)
    page = {"delimiter": "/", "maxResults": "2", "fields": "items(name,size),prefixes,nextPageToken"}
    found = google.items(api, "storage", "storage/v1/b/operations/o", "items", **page)
    folders = google.items(api, "storage", "storage/v1/b/operations/o", "prefixes", **page)
    assert found == [{"name": "b", "size": "2"}, {"name": "d", "size": "2"}] and folders == ["a/", "c/"]


def test_what_pulumi_put_into_a_bucket_is_there_until_it_takes_it_away(world: World) -> None:
    record = {"bucket": "operations", "name": "inventory.json", "content": "{}", "md5hash": "1"}
    world.put(OBJECT, "operations-inventory.json", record)
    assert document("gs://operations/inventory.json", world.api()) == {}
    world.put(OBJECT, "operations-inventory.json", {**record, "content": '{"a": 1}'})
    assert document("gs://operations/inventory.json", world.api()) == {"a": 1}
    del world.records[OBJECT]["operations-inventory.json"]
    assert document("gs://operations/inventory.json", world.api()) is None
    world.bucket("operations", timeCreated="later")
    assert world.cloud.objects.names("operations") == []


def test_an_answer_has_what_was_asked_for_and_no_more() -> None:
    found = {"items": [{"name": "a", "size": "1", "md5Hash": "x"}], "kind": "k", "nextPageToken": "n"}
    assert chosen(found, "items(name,size),nextPageToken") == {
        "items": [{"name": "a", "size": "1"}],
        "nextPageToken": "n",
    }
    assert chosen(found, "items/name,kind") == {"items": [{"name": "a"}], "kind": "k"}
    assert chosen(found, "") == found


# Rights.


def told(world: World, member: str) -> gcs.Bucket:
    """The bucket, as somebody's pod uses it, without patience for grants that spread."""
    identity = gcs.Identity(Federation(), spreading_seconds=0)
    identity._token, identity._until = world.token(member, READ_WRITE), time.monotonic() + 3000
    return gcs.Bucket("operations", identity)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("", set()),
        ("roles/storage.objectViewer", {"get", "list"}),
        ("roles/storage.objectCreator", {"create"}),
        ("roles/storage.objectUser", {"get", "list", "create", "over", "delete"}),
        ("roles/nobody.knows", set()),
    ],
)
def test_a_role_gives_what_it_gives_and_no_more(world: World, role: str, may: set[str]) -> None:
    member = f"serviceAccount:{world.account('pod')}"
    world.cloud.objects.put("operations", "there", b"1", "", None)
    if role:
        world.grant(role, member, bucket="operations")
    bucket = told(world, member)
    acts: dict[str, Any] = {
        "get": lambda: bucket.get("there"),
        "list": lambda: bucket.sizes(""),
        "create": lambda: bucket.put("new", b"1"),
        "over": lambda: bucket._call("POST", "/upload/storage/v1/b/operations/o?uploadType=media&name=there", b"2"),
        "delete": lambda: bucket.delete("there"),
    }
    done = set()
    for name, act in acts.items():
        try:
            act()
            done.add(name)
        except gcs.CallError as error:
            assert error.status == 403 and "does not have storage.objects." in str(error), error
    assert done == may


def test_a_condition_holds_for_its_prefix_alone_and_a_listing_is_of_the_whole_bucket(world: World) -> None:
    member = f"serviceAccount:{world.account('look')}"
    expression = 'resource.name.startsWith("projects/_/buckets/operations/objects/replicas/")'
    world.grant("roles/storage.objectUser", member, expression=expression, bucket="operations")
    bucket = told(world, member)
    bucket.put("replicas/twinsite.json", b"1")
    for act in (lambda: bucket.put("journal/1.json", b"1"), lambda: bucket.sizes("replicas/")):
        with pytest.raises(gcs.CallError, match=r"storage\.objectUser on bucket operations"):
            act()


@pytest.mark.parametrize(
    ("expression", "name", "answer"),
    [
        ("", "x", True),
        ('resource.name.startsWith("a/") || resource.name.startsWith("b/")', "b/1", True),
        ('resource.name.startsWith("a/")', "b/1", False),
        ('request.time < timestamp("2030-01-01T00:00:00Z")', "a/1", False),
    ],
)
def test_a_condition_that_is_not_understood_never_holds(expression: str, name: str, answer: bool) -> None:
    assert holds(expression, name) is answer


def test_a_grant_takes_its_time_and_one_that_is_taken_away_stops_at_once(world: World) -> None:
    member = f"serviceAccount:{world.account('pod')}"
    world.grant("roles/storage.objectViewer", member, made=time.time(), bucket="operations")
    with pytest.raises(gcs.CallError, match="403"):
        told(world, member).sizes("")
    world.grant("roles/storage.objectViewer", member, bucket="operations")
    assert told(world, member).sizes("") == {}
    world.records.clear()
    world.bucket("operations")
    with pytest.raises(gcs.CallError, match="403"):
        told(world, member).sizes("")
    assert world.cloud.rights.report() == []


# Whose pod it is.


def federated(world: World, tmp_path: Path, **claims: Any) -> gcs.Bucket:
    """The bucket as the backup's pod in EKS gets at it."""
    provider = {
        "name": f"{POOL}/providers/cluster",
        "oidc": {"issuerUri": ISSUER},
        "attributeMapping": {"google.subject": "assertion.sub"},
        "attributeCondition": f"assertion.sub == '{SUBJECT}'",
    }
    world.put(PROVIDER, "p", provider)
    email = world.account("writer")
    world.grant("roles/iam.workloadIdentityUser", f"principal://iam.googleapis.com/{POOL}/subject/{SUBJECT}",
                account=email)  # fmt: skip
    world.grant("roles/storage.objectUser", f"serviceAccount:{email}", bucket="operations")
    audience = f"//iam.googleapis.com/{POOL}/providers/cluster"
    said = {"iss": ISSUER, "sub": SUBJECT, "aud": [f"https:{audience}"], "exp": time.time() + 600}
    (tmp_path / "token").write_text(world.issuer.sign({**said, **claims}))
    known = Federation(audience=audience, service_account=email, token_file=str(tmp_path / "token"))
    return gcs.Bucket("operations", gcs.Identity(known, spreading_seconds=0))


def test_a_pod_of_eks_becomes_the_writer_and_leaves_a_backup(world: World, tmp_path: Path) -> None:
    bucket = federated(world, tmp_path)
    bucket.put("backups/20261130T000000Z-0123abcd/part", b"rows")
    assert bucket.get("backups/20261130T000000Z-0123abcd/part") == b"rows"
    assert bucket.sizes("backups/") == {"backups/20261130T000000Z-0123abcd/part": 4}
    assert gcs_backups.read("gs://operations", "crm", world.api()).halves == ("20261130T000000Z-0123abcd",)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"sub": "system:serviceaccount:crm:other"}, "rejected by the attribute condition"),
        ({"iss": "https://elsewhere"}, "does not match the expected ones"),
        ({"aud": ["https://sts.amazonaws.com"]}, "does not match the expected audience"),
        ({"exp": 1}, "stale"),
    ],
)
def test_another_pod_gets_no_token(world: World, tmp_path: Path, claims: dict[str, Any], words: str) -> None:
    with pytest.raises(Failed, match=words):
        federated(world, tmp_path, **claims).sizes("")


def test_a_pod_of_gke_is_its_account_if_it_may_be(world: World) -> None:
    email = world.account("looker")
    keeper = Keeper(world.cloud.tokens, Lender(world.cloud.tokens, world.cloud.rights, world.cloud._records))
    pod, path = Guest(PROJECT, email, "crm/logical-twinsite"), "instance/service-accounts/default/token"
    with pytest.raises(Refusal, match="getAccessToken"):
        keeper.said(pod, path)
    world.grant("roles/iam.workloadIdentityUser", f"serviceAccount:{PROJECT}.svc.id.goog[crm/logical-twinsite]",
                account=email)  # fmt: skip
    said = keeper.said(pod, path)
    assert isinstance(said, dict) and said["token_type"] == "Bearer"
    assert keeper.said(pod, "instance/service-accounts/default/email") == email
    with pytest.raises(KeyError):
        keeper.said(Guest(PROJECT), path)
    own = keeper.said(Guest(PROJECT, workload="crm/other"), path)
    assert isinstance(own, dict) and own["access_token"] != said["access_token"]
    assert keeper.said(pod, "instance/service-accounts/default/scopes") == CLOUD
