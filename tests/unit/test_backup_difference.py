"""What one backup has and another has not; names that may be moved aside or dropped. zstd, sort, comm are real."""

import datetime
import hashlib
import json
import pathlib
from typing import Any

import pytest

from twinsite.guest.backup import aside, command, manifest
from twinsite.guest.backup.compress import compress, decompress
from twinsite.guest.backup.config import Config, Database, Secrets
from twinsite.guest.backup.difference import difference
from twinsite.guest.backup.store import FolderStore
from twinsite.guest.errors import Refused

OLD, NEW = "20261121T030000Z-0000000a", "20261122T090000Z-0000000b"
COLUMNS = [{"name": "id", "form": "plain", "nullable": False}, {"name": "note", "form": "plain", "nullable": True}]
CONFIG = Config("file:///unused", "petclinic", Database("db", "u", "petclinic"), Database("db", "u", "petclinic"))


def put(folder: pathlib.Path, backup_id: str, tables: dict[str, list[bytes]], columns: Any = None) -> FolderStore:
    """A backup with each table in chunks of two rows."""
    store = FolderStore(str(folder))
    said: list[dict[str, Any]] = []
    for name, rows in tables.items():
        chunks = []
        for number in range(0, len(rows), 2):
            content = compress(b"".join(rows[number : number + 2]))
            blob = f"data/{name}.{number:05}.tsv.zst"
            store.put(manifest.path(backup_id, blob), content)
            size, digest = len(content), hashlib.sha256(content).hexdigest()
            chunks.append({"blob": blob, "bytes": size, "sha256": digest, "rows": len(rows[number : number + 2])})
        checksum = str(sum(hash(row) & 0xFFFF for row in rows))
        said.append(
            {"name": name, "rows": len(rows), "checksum": checksum, "columns": columns or COLUMNS, "chunks": chunks}
        )
    moment = manifest.stamp(datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC))
    whole = {
        "version": manifest.VERSION, "id": backup_id, "began": moment, "ended": moment, "schema": "petclinic",
        "gtid_executed": "",
        "source": {}, "objects": [], "character_set": "utf8mb4", "collation": "x", "files": [], "tables": said,
        "scheduled": True,
    }  # fmt: skip
    store.put(manifest.path(backup_id), json.dumps(whole).encode())
    return store


def quiet(event: dict[str, Any]) -> None:
    pass


def compare(folder: pathlib.Path, old: dict[str, list[bytes]], new: dict[str, list[bytes]]) -> dict[str, Any]:
    base, other = put(folder / "old", OLD, old), put(folder / "new", NEW, new)
    keep = FolderStore(str(folder / "keep"))
    return difference(str(folder / "spool"), base, other, keep, (OLD, NEW), quiet)


def test_rows_that_the_older_backup_lacks_are_found_and_kept_whole(tmp_path: pathlib.Path) -> None:
    old = {"owners": [b"1\ta\n", b"2\tb\n", b"3\tc\n"], "pets": [b"1\tx\n"]}
    new = {"owners": [b"3\tc\n", b"1\ta\n", b"2\tchanged\n", b"4\t\\N\n"], "pets": [b"1\tx\n"]}
    found = compare(tmp_path, old, new)
    assert (found["extra"], found["gone"]) == (2, 1)
    assert [(table["name"], table["extra"], table["gone"]) for table in found["tables"]] == [("owners", 2, 1)]
    assert found["tables"][0]["sample"] == ["2\tchanged", "4\t\\N"]
    kept = (tmp_path / "keep" / found["kept"] / "owners.extra.tsv.zst").read_bytes()
    assert decompress(kept) == b"2\tchanged\n4\t\\N\n"
    assert decompress((tmp_path / "keep" / found["kept"] / "owners.gone.tsv.zst").read_bytes()) == b"2\tb\n"


def test_a_row_that_is_there_twice_counts_twice(tmp_path: pathlib.Path) -> None:
    found = compare(tmp_path, {"log": [b"x\ty\n"]}, {"log": [b"x\ty\n", b"x\ty\n"]})
    assert (found["extra"], found["gone"]) == (1, 0)


def test_a_table_that_only_one_has_differs_in_all_its_rows(tmp_path: pathlib.Path) -> None:
    found = compare(tmp_path, {"gone": [b"1\ta\n"]}, {"made": [b"1\ta\n", b"2\tb\n"]})
    assert [(table["name"], table["extra"], table["gone"]) for table in found["tables"]] == [
        ("gone", 0, 1),
        ("made", 2, 0),
    ]


def test_equal_backups_have_no_difference_and_nothing_is_written(tmp_path: pathlib.Path) -> None:
    same = {"owners": [b"1\ta\n"]}
    assert compare(tmp_path, same, same) == {
        "base": OLD, "new": NEW, "extra": 0, "gone": 0, "tables": [], "kept": "",
    }  # fmt: skip
    assert not (tmp_path / "keep").exists()


def test_other_columns_are_refused_and_not_guessed(tmp_path: pathlib.Path) -> None:
    base = put(tmp_path / "old", OLD, {"owners": [b"1\ta\n"]})
    other = put(tmp_path / "new", NEW, {"owners": [b"1\n"]}, COLUMNS[:1])
    with pytest.raises(Refused, match="'owners' has other columns"):
        difference(str(tmp_path / "spool"), base, other, None, (OLD, NEW), quiet)


def test_the_verb_reads_two_stores(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "old", OLD, {"owners": [b"1\ta\n"]})
    put(tmp_path / "new", NEW, {"owners": [b"1\ta\n", b"2\tb\n"]})
    database = {"address": "db", "user": "u"}
    config = {"store": f"file://{tmp_path}/old", "schema": "petclinic", "database": database, "spool": f"{tmp_path}/s"}
    (tmp_path / "backup.json").write_text(json.dumps(config))
    words = ["diff", OLD, NEW, "--store", f"file://{tmp_path}/new", "--base-store", f"file://{tmp_path}/old"]
    assert command.main([*words, "--config", f"{tmp_path}/backup.json"]) == 0
    assert json.loads(capsys.readouterr().out)["extra"] == 1
    assert command.main(["list", "--store", "ftp://x", "--config", f"{tmp_path}/backup.json"]) == 2


@pytest.mark.parametrize(
    "place", ["petclinic", "mysql", "petclinic_aside_A", "other_aside_1", "petclinic_aside_" + "x" * 60]
)
def test_tables_are_moved_only_into_a_schema_of_that_purpose(place: str) -> None:
    with pytest.raises(Refused, match="no name for what is kept aside"):
        aside.aside(CONFIG, Secrets("p"), place)


@pytest.mark.parametrize("schema", ["petclinic", "twinsite_restore", "twinsite_drill_", "twinsite_drill_x; DROP"])
def test_only_a_scratch_schema_is_ever_dropped(schema: str) -> None:
    with pytest.raises(Refused, match="is no scratch schema"):
        aside.drop(CONFIG, Secrets("p"), schema)
