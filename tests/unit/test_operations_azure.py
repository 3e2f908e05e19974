"""The operator's way to Azure, against a local server: tokens, conditional blobs, Run Command, store, lock, journal."""

import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from operations import azure, https
from operations.bucket_store import BucketStore, place
from operations.guest import Guests
from operations.host_store import HostStore
from operations.journal import document, lock
from operations.journal.lock import Locked
from operations.store import BlobStore, DirectoryStore, Store, Unavailable, open_store
from operations.transport import Done, Unreachable
from operations.transport import azure as transport
from operations.transport.azure import RunCommand
from tests.azure_http import ENVIRONMENT, Azure, azure_server
from tests.google_http import Server, google_server
from tests.operations_world import INVENTORY
from twinsite.inventory import AzureRunCommand

STORE = pathlib.Path(__file__).parents[2] / "components" / "guest" / "drill" / "store.py"
MACHINE = AzureRunCommand("sub", "rg", "dr-vm")


@pytest.fixture
def cloud() -> Iterator[Azure]:
    with azure_server() as there:
        yield there


class OnThisMachine:
    """A transport to a host that is this one; the store's program is the guest's own."""

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        words = [sys.executable, str(STORE), *command[4:]]
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def google_cloud() -> Iterator[Server]:
    with google_server() as there:
        yield there


@pytest.fixture(params=["blob", "bucket", "directory", "host"])
def store(request: pytest.FixtureRequest, cloud: Azure, google_cloud: Server, tmp_path: pathlib.Path) -> Store:
    if request.param == "bucket":
        return BucketStore(google_cloud.api(), place("gs://operations/ours"))
    if request.param == "directory":
        return DirectoryStore(tmp_path / "store")
    if request.param == "host":
        inventory = replace(INVENTORY, store=f"ssh://onprem-database{tmp_path}/store")
        return HostStore(Guests(inventory, OnThisMachine()))  # type: ignore[arg-type]
    return BlobStore(azure.Blobs(cloud.identity()), azure.place("azblob://petclinicbackup/operations"))


def runner(cloud: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, vm: str = "dr-vm") -> RunCommand:
    """Run Command whose script keeps its outcomes in a folder of the test."""
    program = tmp_path / "azure_run.py"
    text = transport.PROGRAM.read_text().replace("/run/twinsite-runs", str(tmp_path / "runs"))
    program.write_text(text.replace("PIECE = 3200", "PIECE = 300"))
    monkeypatch.setattr(transport, "PROGRAM", program)
    machine = AzureRunCommand("sub", "rg", vm)
    return RunCommand(cloud.identity(), {"azure-standby": machine}, pause_seconds=0.01)


def test_a_token_is_asked_for_once_with_the_resources_own_scope(cloud: Azure) -> None:
    identity = cloud.identity()
    assert [identity.token(azure.STORAGE), identity.token(azure.STORAGE)] == ["token", "token"]
    assert [asked["scope"] for asked in cloud.tokens] == ["https://storage.azure.com/.default"]


def test_the_providers_own_variables_do_as_well(cloud: Azure) -> None:
    ours = cloud.identity()
    known = {name.replace("AZURE_", "ARM_"): value for name, value in ENVIRONMENT.items()}
    # A set that is not whole is none: half of one and half of the other would be somebody else.
    for more in ({}, {"AZURE_CLIENT_ID": "another"}):
        assert azure.Identity(ours.endpoints, known | more).token(azure.STORAGE)
    assert [asked["client_id"] for asked in cloud.tokens] == ["c", "c"]


def test_without_any_identity_the_fix_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(azure.AzureError, match="of an identity that may act at the standby, or run `az login`"):
        azure.Identity(environment={}).token(azure.STORAGE)


def test_a_listing_is_read_to_its_last_page(cloud: Azure) -> None:
    for number in range(8):
        cloud.blobs["one", "box", f"backups/{number}"] = b""
    assert len(azure.Blobs(cloud.identity()).names(azure.place("azblob://one/box"), "backups/")) == 8


def test_an_absent_blob_is_an_answer_and_a_forbidden_account_is_not(cloud: Azure) -> None:
    blobs = azure.Blobs(cloud.identity())
    assert blobs.exists(azure.place("azblob://one/$web/latch/dr")) is False
    cloud.gone.add("one")
    with pytest.raises(azure.AzureError, match="403"):
        blobs.exists(azure.place("azblob://one/$web/latch/dr"))


@pytest.mark.parametrize("text", ["azblob://one", "https://one/box", "host:/folder"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not azblob://ACCOUNT/CONTAINER"):
        open_store(text, azure.Identity(environment={}))


def test_of_two_that_create_one_wins(store: Store) -> None:
    assert [store.create("a", b"1"), store.create("a", b"2")] == [True, False]
    found = store.read("a")
    assert found is not None and found[0] == b"1"


def test_what_was_changed_meanwhile_is_neither_replaced_nor_removed(store: Store) -> None:
    store.write("a", b"1")
    first = store.read("a")
    store.write("a", b"2")
    assert first is not None
    assert store.replace("a", b"3", first[1]) is False
    assert store.remove("a", first[1]) is False
    now = store.read("a")
    assert now is not None and now[0] == b"2"
    assert store.replace("a", b"3", now[1]) is True


def test_a_write_whose_answer_was_lost_is_known_to_be_ours(
    cloud: Azure, google_cloud: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(https, "FIRST_PAUSE_SECONDS", 0.01)
    blobs = BlobStore(azure.Blobs(cloud.identity()), azure.place("azblob://petclinicbackup/operations"))
    worlds: list[tuple[Azure | Server, Store]] = [(cloud, blobs)]
    worlds.append((google_cloud, BucketStore(google_cloud.api(), place("gs://operations"))))
    for world, store in worlds:
        world.lose = 1
        assert store.create("lock.json", b"ours")
        tag = (store.read("lock.json") or (b"", ""))[1]
        world.lose = 1
        assert store.replace("lock.json", b"ours, later", tag), "else a move stops as if its lock had been taken"
        assert not store.replace("lock.json", b"somebody's", tag)
        world.lose = 1
        assert not store.create("lock.json", b"somebody's"), "another's is never taken for ours"
        tag = (store.read("lock.json") or (b"", ""))[1]
        world.lose = 1
        assert store.remove("lock.json", tag)
        assert not store.remove("lock.json", tag)


def test_a_store_that_cannot_be_used_says_which_and_what_to_check(cloud: Azure) -> None:
    cloud.gone.add("petclinicbackup")
    there = open_store("azblob://petclinicbackup/operations", cloud.identity())
    with pytest.raises(Unavailable, match="Storage Blob Data Contributor"):
        there.read("lock.json")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("KeyVaultEncryptionKeyNotFound", "recover the key and its vault, enable it"),
        ("AuthorizationPermissionMismatch", "needs the role Storage Blob Data Reader on azblob://a/b"),
        ("AuthorizationFailure", "the account's firewall must let your network in"),
    ],
)
def test_a_forbidden_blob_is_a_matter_of_its_key_or_of_role_and_firewall(code: str, words: str) -> None:
    said = azure.explained(azure.AzureError("HEAD x: 403", 403, code), "azblob://a/b", "Storage Blob Data Reader")
    assert words in said
    assert ("role Storage Blob" in said) == (not code.startswith("KeyVault"))


def test_a_lock_that_somebody_holds_is_refused_with_owner_and_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.take(store, "one", "failover", 60)
    with pytest.raises(Locked, match=r"`failover` by .* holds the lock .* give --break-lock"):
        lock.take(store, "two", "failback", 60)
    assert "holds the lock" in lock.holder(store)
    assert lock.holder(store, "one") == ""


@pytest.mark.parametrize("way", ["force", "over", "gone"])
def test_a_lock_is_taken_over_when_that_is_right(store: Store, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    lock.take(store, "one", "failover", -5 if way == "over" else 60)
    if way == "gone":
        monkeypatch.setattr(lock, "gone", lambda _: True)
    assert "took the lock over" in lock.take(store, "two", "failback", 60, force=way == "force")
    with pytest.raises(Locked, match="stopped here"):
        lock.keep(store, "one", 60)
    assert lock.give_back(store, "one") is False
    assert lock.give_back(store, "two") is True


def test_a_lock_is_moved_on_by_its_owner(store: Store) -> None:
    lock.take(store, "one", "failover", 1)
    lock.keep(store, "one", 1000)
    found = store.read(lock.NAME)
    assert found is not None and json.loads(found[0])["expires"] > time.time() + 900


def test_a_journal_is_found_again_by_another_desk(store: Store) -> None:
    first = document.start(store, "failover", "azure", "ann", "cold")
    first.decide({"backup": "b1"})
    first.end_step("verify-data", "equal", {"dump": "d1"})
    first.end_step("close-standby", "", {})
    first.forget(frozenset({"close-standby"}), "opened")
    found = document.unfinished(store)
    assert found is not None
    assert (found.id, set(found.done), dict(found.choices)) == (
        first.id,
        {"verify-data"},
        {"backup": "b1", "dump": "d1"},
    )
    again = document.load(store, found.id)
    assert again is not None
    again.close("passed", ended=True)
    assert document.unfinished(store) is None


def test_a_later_entry_that_does_not_arrive_is_remembered_and_stops_nothing(cloud: Azure) -> None:
    there = open_store("azblob://petclinicbackup/operations", cloud.identity())
    kept = document.start(there, "failover", "azure", "ann", "cold")
    cloud.gone.add("petclinicbackup")
    kept.end_step("set-latch-1", "set", {})
    assert "petclinicbackup" in kept.unsent


def test_a_program_runs_through_run_command_with_its_code_and_both_outputs(
    cloud: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    done = runner(cloud, monkeypatch, tmp_path).run(
        "azure-standby", ["sh", "-c", "cat; echo 'wrong $HOME' >&2; exit 3"], stdin="it's\n"
    )
    assert (done.code, done.stdout, done.stderr) == (3, "it's\n", "wrong $HOME\n")


def test_output_beyond_what_azure_keeps_comes_whole_and_the_program_runs_once(
    cloud: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    counter = tmp_path / "count"
    command = (
        f"import os,base64; open({str(counter)!r}, 'a').write('x'); print(base64.b64encode(os.urandom(3000)).decode())"
    )
    done = runner(cloud, monkeypatch, tmp_path).run("azure-standby", ["python3", "-c", command])
    assert len(done.stdout.strip()) == 4000
    assert counter.read_text() == "x"
    assert len(cloud.results) > 5


def test_a_second_run_command_waits_for_the_first(
    cloud: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    cloud.busy = 2
    assert runner(cloud, monkeypatch, tmp_path).run("azure-standby", ["true"]).code == 0


def test_a_program_that_does_not_end_is_ended(
    cloud: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    done = runner(cloud, monkeypatch, tmp_path).run("azure-standby", ["sleep", "60"], timeout_seconds=0.2)
    assert done.code == 124 and "did not end" in done.stderr


@pytest.mark.parametrize(("vm", "words"), [("", "does not exist in this mode"), ("gone", "no such machine")])
def test_a_machine_that_is_not_there_is_unreachable_with_azures_words(
    cloud: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, vm: str, words: str
) -> None:
    with pytest.raises(Unreachable, match=words):
        runner(cloud, monkeypatch, tmp_path, vm).run("azure-standby", ["true"])
