"""Which backup counts, and the stores: a folder, and a container through the Azure calls."""

import datetime
import errno
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.agent import azure
from twinsite.guest.backup import command, compress, config, dump, fetch, manifest, store
from twinsite.guest.backup.manifest import Found
from twinsite.guest.errors import Failed, Refused

NOW = datetime.datetime(2026, 11, 21, 3, 0, tzinfo=datetime.UTC)


def made(backup_id: str, minutes: int, scheduled: bool = True) -> dict[str, Any]:
    part = {"blob": "schema.sql.zst", "bytes": 3, "sha256": "a" * 64}
    moment = manifest.stamp(NOW + datetime.timedelta(minutes=minutes))
    return {
        "version": manifest.VERSION, "id": backup_id, "began": moment, "ended": moment, "schema": "app",
        "gtid_executed": "",
        "scheduled": scheduled, "source": {}, "objects": [], "character_set": "c", "collation": "c", "files": [part],
        "tables": [{"name": "t", "rows": 2, "checksum": "1", "columns": [], "chunks": [
            {"blob": "data/t.00000.tsv.zst", "bytes": 5, "sha256": "b" * 64, "rows": 2}]}],
    }  # fmt: skip


PRESENT = {"schema.sql.zst": 3, "data/t.00000.tsv.zst": 5, "manifest.json": 9}


def found(backup_id: str, minutes: int, scheduled: bool = True) -> Found:
    return manifest.look(backup_id, made(backup_id, minutes, scheduled), PRESENT)


def test_the_newest_is_the_one_that_began_last_whatever_its_name_or_place() -> None:
    several = [found("20261121T030000Z-00000001", 5), found("20261121T040000Z-00000002", 1)]
    assert manifest.choose(several, "latest").backup_id.endswith("1")
    assert manifest.choose(several[::-1], "latest").backup_id.endswith("1")


def test_a_drill_can_ask_for_the_newest_that_was_not_made_for_it() -> None:
    several = [found("20261121T030000Z-00000001", 1), found("20261121T040000Z-00000002", 5, scheduled=False)]
    assert manifest.choose(several, "latest-scheduled").backup_id.endswith("1")
    assert manifest.choose(several, "latest").backup_id.endswith("2")


def test_half_a_backup_is_none() -> None:
    half = manifest.look("20261121T050000Z-00000003", None, {"schema.sql.zst": 3})
    assert manifest.choose([found("20261121T030000Z-00000001", 1), half], "latest").backup_id.endswith("1")
    with pytest.raises(Refused, match=r"no complete backup.*did not finish"):
        manifest.choose([half], "latest")
    with pytest.raises(Refused, match=r"not complete.*newest complete one is 20261121T030000Z-00000001"):
        manifest.choose([found("20261121T030000Z-00000001", 1), half], half.backup_id)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": manifest.VERSION + 1}, "restore with the version"),
        ({"id": "other"}, "that of backup other"),
        ({"began": "yesterday"}, "not understood"),
        ({"tables": [{"name": "t", "rows": 3, "columns": [], "chunks": []}]}, "do not hold 3 rows"),
        ({"files": [{"blob": "schema.sql.zst", "bytes": 3, "sha256": "short"}]}, "no usable checksum"),
        ({"source": None, "tables": None}, "not understood"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(change: dict[str, Any], words: str) -> None:
    judged = manifest.look("i", made("i", 1) | change, PRESENT)
    assert not judged.complete
    assert words in judged.problems[0]


def test_a_missing_or_shortened_part_makes_a_backup_incomplete() -> None:
    judged = manifest.look("i", made("i", 1), {"schema.sql.zst": 2})
    assert judged.problems == (
        "schema.sql.zst has 2 bytes, expected 3 bytes",
        "data/t.00000.tsv.zst is missing, expected 5 bytes",
    )


def test_an_empty_store_says_so_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no complete backup: take one with"):
        store.choose(store.FolderStore(str(tmp_path)), "latest")
    with pytest.raises(Failed, match="is not there: make the folder or mount it"):
        store.choose(store.FolderStore(str(tmp_path / "gone")), "latest")


def test_a_folder_shows_no_part_that_is_still_being_written(tmp_path: Path) -> None:
    place = store.FolderStore(str(tmp_path))
    place.put("backups/x/schema.sql.zst", b"abc")
    (tmp_path / "backups/x/.draft").write_bytes(b"half")
    assert place.sizes("backups/") == {"backups/x/schema.sql.zst": 3}
    assert place.get("backups/x/schema.sql.zst") == b"abc"
    with pytest.raises(Failed, match="cannot be read"):
        place.get("backups/x/none")


@pytest.mark.parametrize(
    "table", ["pets", ".hidden", "..", "a.b c/d%e?f#g", "顧客" * 32, "/" * 64, "😀" * 64, "Ü" * 63 + "."]
)
def test_a_table_of_any_name_has_its_part_in_a_folder(tmp_path: Path, table: str) -> None:
    kept = store.FolderStore(str(tmp_path))
    several = [f"data/{manifest.part_name(name)}.00000.tsv.zst" for name in (table, f"{table[:-1]}x")]
    for part in several:
        kept.put(part, b"1")
    assert kept.sizes("data/") == dict.fromkeys(several, 1)
    assert all(kept.get(part) == b"1" for part in several)


def test_ordinary_tables_have_their_own_names_in_the_store() -> None:
    assert manifest.part_name("pets_2 $") == "pets_2 $"
    assert len({manifest.part_name("Ü" * 63 + letter) for letter in "abc"}) == 3


def test_a_name_that_a_file_system_does_not_take_is_said_as_such(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written"):
        store.FolderStore(str(tmp_path)).put("x" * 300, b"1")


def test_a_backup_whose_store_lost_a_part_is_none(tmp_path: Path) -> None:
    kept = store.FolderStore(str(tmp_path))
    written = made("20261121T030000Z-00000001", 1)
    inside = manifest.path(written["id"], "")
    kept.put(f"{inside}schema.sql.zst", b"123")
    with pytest.raises(Failed, match=r"does not hold what was written to it \(data/t.00000.tsv.zst is missing"):
        dump.refuse_lost_parts(kept, written)
    kept.put(f"{inside}data/t.00000.tsv.zst", b"1234")
    with pytest.raises(Failed, match="has 4 bytes, expected 5 bytes"):
        dump.refuse_lost_parts(kept, written)
    kept.put(f"{inside}data/t.00000.tsv.zst", b"12345")
    dump.refuse_lost_parts(kept, written)


class Cloud:
    """In place of the Azure calls."""

    STORAGE_RESOURCE = "https://storage.azure.com"
    SPREADING = azure.SPREADING
    CallError = azure.CallError

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.tokens = 0
        self.refusal: Exception | None = None
        self.patience = -1.0

    def token(self, resource: str, client_id: str, tenant: str, token_file: str, patience_seconds: float) -> str:
        self.tokens += 1
        self.patience = patience_seconds
        return f"{client_id}{tenant}{token_file}"

    def _allowed(self, token: str) -> None:
        assert token == "me"
        if self.refusal:
            raise self.refusal

    def blob_put(self, account: str, path: str, content: bytes, token: str, patience_seconds: float) -> None:
        self._allowed(token)
        self.blobs[f"{account}/{path}"] = content

    def blob_get(self, account: str, path: str, token: str, patience_seconds: float) -> bytes:
        self._allowed(token)
        return self.blobs[f"{account}/{path}"]

    def blob_delete(self, account: str, path: str, token: str, patience_seconds: float) -> bool:
        self._allowed(token)
        return self.blobs.pop(f"{account}/{path}", None) is not None

    def blob_list(self, account: str, container: str, prefix: str, token: str, patience_seconds: float) -> Any:
        self._allowed(token)
        start = f"{account}/{container}/"
        names = [name.removeprefix(start) for name in self.blobs if name.startswith(start + prefix)]
        return [{"name": name, "bytes": len(self.blobs[start + name])} for name in names]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    stand_in = Cloud()
    monkeypatch.setattr(store, "azure", stand_in)
    return stand_in


def test_a_container_is_used_with_the_identity_and_one_token_for_many_calls(cloud: Cloud) -> None:
    settings = config.parse(
        {
            "store": "azblob://acct/box",
            "identity": {"client_id": "me"},
            "schema": "a",
            "database": {"address": "d", "user": "u"},
        }
    )
    place = store.open_store(settings)
    place.put("backups/20261121T030000Z-00000001/manifest.json", json.dumps({}).encode())
    assert place.sizes("backups/") == {"backups/20261121T030000Z-00000001/manifest.json": 2}
    assert cloud.tokens == 1
    assert list(cloud.blobs) == ["acct/box/backups/20261121T030000Z-00000001/manifest.json"]
    assert not store.read_all(place)[0].complete


def test_a_missing_role_is_named_with_its_scope_and_who_lacks_it(cloud: Cloud) -> None:
    cloud.refusal = azure.CallError("PUT x: HTTP 403", 403, "AuthorizationPermissionMismatch")
    place = store.BlobStore("acct", "mysql-backup", "me", "", "")
    scope = "on container 'mysql-backup' of account 'acct' to the identity 'me'"
    writing: list[Callable[[], object]] = [lambda: place.put("x", b""), lambda: place.delete("x")]
    for act in writing:
        with pytest.raises(Failed, match=f"assign the role 'Storage Blob Data Contributor' {scope}"):
            act()
    reading: list[Callable[[], object]] = [lambda: place.get("x"), lambda: place.sizes("x")]
    for look in reading:
        with pytest.raises(Failed, match=f"assign the role 'Storage Blob Data Reader' {scope}"):
            look()


@pytest.mark.parametrize(
    "code", ["KeyVaultEncryptionKeyNotFound", "KeyVaultVaultNotFound", "KeyVaultAccessTokenCannotBeAcquired"]
)
def test_a_store_whose_key_is_not_usable_any_more_says_what_to_do(cloud: Cloud, tmp_path: Path, code: str) -> None:
    cloud.refusal = azure.CallError("GET x: HTTP 403", 403, code)
    place = store.BlobStore("acct", "mysql-backup", "me", "", "")
    with pytest.raises(Failed, match=r"recover the key and its vault.*'Key Vault Crypto Service Encryption User'"):
        place.get("x")
    backup = made("20261121T030000Z-00000001", 0) | {"bytes_total": 8, "key_id": "https://kv.vault.azure.net/keys/old"}
    words = r"backup 20261121T030000Z-00000001 cannot be read \(its manifest names the key https://kv.*/keys/old\)"
    with pytest.raises(Failed, match=words):
        fetch.fetch(place, backup, tmp_path / "spool", 2, lambda event: None).__enter__()


@pytest.mark.parametrize(("words", "seconds"), [([], 300), (["--patience", "0"], 0)])
def test_a_refusal_is_waited_out_as_long_as_the_command_line_says(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], seconds: int
) -> None:
    told = {"store": "azblob://acct/box", "identity": {"client_id": "me"}, "schema": "a"}
    path = tmp_path / "backup.json"
    path.write_text(json.dumps({**told, "database": {"address": "d", "user": "u"}}))
    cloud.refusal = azure.CallError("GET x: HTTP 403", 403, "AuthorizationPermissionMismatch")
    assert command.main(["report", *words, "--config", str(path)]) == 1
    assert cloud.patience == seconds
    assert "`pulumi up --refresh` does" in capsys.readouterr().err


def test_a_container_that_is_not_there_is_another_thing_than_an_empty_one(cloud: Cloud) -> None:
    place = store.BlobStore("acct", "mysql-backup", "me", "", "")
    assert place.sizes("backups/") == {}
    cloud.refusal = azure.CallError("GET x: HTTP 404", 404, "ContainerNotFound")
    with pytest.raises(Failed, match="there is no container 'mysql-backup' of account 'acct': correct `store`"):
        store.choose(place, "latest")


def whole(place: store.FolderStore) -> dict[str, Any]:
    """A small real backup in a store."""
    import hashlib

    parts = {"schema.sql.zst": compress.compress(b"text"), "data/t.00000.tsv.zst": compress.compress(b"1\n2\n")}
    backup = made("20261121T030000Z-00000001", 0)
    for about in manifest.blobs(backup):
        content = parts[about["blob"]]
        about |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        place.put(manifest.path(backup["id"], about["blob"]), content)
    return backup | {"bytes_total": sum(len(content) for content in parts.values())}


def test_a_damaged_part_is_found_before_anything_else_happens(tmp_path: Path) -> None:
    place = store.FolderStore(str(tmp_path))
    backup = whole(place)
    blob = manifest.path(backup["id"], "data/t.00000.tsv.zst")
    content = bytearray(place.get(blob))
    content[-1] ^= 1
    place.put(blob, bytes(content))
    assert fetch.verify(place, backup, 2, lambda event: None)["damaged"] == ["data/t.00000.tsv.zst"]
    handed_out = fetch.fetch(place, backup, tmp_path / "spool", 2, lambda event: None)
    with pytest.raises(Refused, match=r"damaged: data/t.*nothing was changed"), handed_out:
        pytest.fail("a damaged backup was handed out")


def test_what_was_fetched_before_a_kill_is_not_fetched_again(tmp_path: Path) -> None:
    place = store.FolderStore(str(tmp_path / "store"))
    backup = whole(place)
    with fetch.fetch(place, backup, tmp_path / "spool", 2, lambda event: None) as parts:
        assert parts.text("schema.sql.zst") == "text"
        with parts.stream("data/t.00000.tsv.zst") as process:
            assert process.stdout and process.stdout.read() == b"1\n2\n"
    (tmp_path / "store" / manifest.path(backup["id"], "schema.sql.zst")).unlink()
    with fetch.fetch(place, backup, tmp_path / "spool", 2, lambda event: None) as parts:
        assert parts.text("schema.sql.zst") == "text"


def test_too_little_room_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    place = store.FolderStore(str(tmp_path))
    backup = whole(place) | {"bytes_total": 1 << 60}
    handed_out = fetch.fetch(place, backup, tmp_path / "spool", 2, lambda event: None)
    with pytest.raises(Refused, match="make room, or name another folder as `spool`"), handed_out:
        pytest.fail("there is no such room")


def test_a_disk_that_fills_while_parts_arrive_says_where_room_is_needed(tmp_path: Path) -> None:
    place = store.FolderStore(str(tmp_path))
    backup = whole(place)

    class Full(store.FolderStore):
        def get(self, name: str) -> bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    handed_out = fetch.fetch(Full(str(tmp_path)), backup, tmp_path / "spool", 2, lambda event: None)
    with pytest.raises(
        Failed, match=r"No space left.*make room, or name another folder as `spool`.*nothing was changed"
    ):
        handed_out.__enter__()


def test_a_cut_off_file_does_not_pass_for_a_whole_one() -> None:
    content = compress.compress(b"x" * 100000)
    with pytest.raises(Failed, match="zstd"):
        compress.decompress(content[:-3])


def test_a_folder_is_listed_while_another_host_deletes_an_old_backup(tmp_path: Path) -> None:
    keeper, other = store.FolderStore(str(tmp_path)), store.FolderStore(str(tmp_path))
    keeper.put("kept/manifest.json", b"1")
    over = threading.Event()

    def retention() -> None:
        while not over.is_set():
            for number in range(30):
                other.put(f"old/{number}/part", b"22")
            for number in range(30):
                other.delete(f"old/{number}/part")

    thread = threading.Thread(target=retention)
    thread.start()
    try:
        for _ in range(150):
            assert keeper.sizes("kept/") == {"kept/manifest.json": 1}
            assert set(keeper.sizes("").values()) <= {1, 2}
    finally:
        over.set()
        thread.join()


def test_a_folder_that_may_not_be_read_is_said_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    kept = store.FolderStore(str(tmp_path))
    kept.put("old/part", b"1")
    refused = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "old"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.os, "scandir", raiser(refused))
        with pytest.raises(Failed, match="cannot be read"):
            kept.sizes("")


def raiser(error: OSError) -> Callable[..., Any]:
    def scandir(*_: Any) -> Any:
        raise error

    return scandir


def test_what_two_hosts_delete_is_gone_with_its_folders_and_no_error(tmp_path: Path) -> None:
    """Both sites' retention may work in one mounted folder."""
    kept = store.FolderStore(str(tmp_path))
    names = [f"backups/{day}/data/{part}" for day in ("old", "new") for part in "ab"]
    for name in names:
        kept.put(name, b"1")
    for name in [*names[:2], *names[:2]]:
        kept.delete(name)
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["new"]
    for name in names[2:]:
        kept.delete(name)
    assert tmp_path.is_dir() and list(tmp_path.iterdir()) == []
