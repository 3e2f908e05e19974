"""What the archive role decides by itself: room, which definitions count, which backups go."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.archive import command, contents, restore
from twinsite.guest.archive.config import Config
from twinsite.guest.archive.store import open_store, read_all
from twinsite.guest.backup import fetch
from twinsite.guest.backup import manifest as backups
from twinsite.guest.errors import Refused
from twinsite.guest.logical.config import End


def parts(folder: Path, several: dict[str, list[bytes]]) -> tuple[dict[str, Any], fetch.Parts]:
    """A manifest's `dump` of files, and their parts in a folder."""
    kept = fetch.Parts(folder)
    dump: dict[str, list[str]] = {}
    for file, pieces in several.items():
        dump[file] = [f"dump/{file}.{at:05}" for at in range(len(pieces))]
        for blob, piece in zip(dump[file], pieces, strict=True):
            kept.path(blob).write_bytes(piece)
    return {"dump": dump}, kept


def test_a_dump_is_put_together_where_it_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, kept = parts(tmp_path, {"toc.dat": [b"toc"], "1.dat.gz": [b"a" * 1000, b"b" * 500]})
    folder = tmp_path / "dump"
    folder.mkdir()
    restore._joined(chosen, kept, folder)
    assert (folder / "toc.dat").read_bytes() == b"toc"
    assert (folder / "1.dat.gz").read_bytes() == b"a" * 1000 + b"b" * 500
    usage = type("Usage", (), {"free": fetch.SPARE_BYTES + 1499})
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(Refused, match="make room, or name another folder as `spool`"):
        restore._joined(chosen, kept, folder)


def text(*entries: tuple[str, str]) -> str:
    return "".join(f"--\n-- Name: {name}; Type: {kind}; Schema: -; Owner: -\n--\n\nX;\n\n" for name, kind in entries)


def test_what_is_left_out_is_left_out_by_its_whole_name() -> None:
    said = text(
        ("public", "SCHEMA"),
        ("public_too", "SCHEMA"),
        ("SCHEMA public", "COMMENT"),
        ("SCHEMA public_too", "COMMENT"),
        ("post", "EXTENSION"),
        ("postgis", "EXTENSION"),
        ("EXTENSION postgis", "COMMENT"),
    )
    assert sorted((kind, name) for kind, _, name, _ in contents.definitions(said, ("post",))) == [
        ("COMMENT", "SCHEMA public_too"),
        ("EXTENSION", "postgis"),
        ("SCHEMA", "public_too"),
    ]


def test_retention_takes_no_other_databases_backups(tmp_path: Path) -> None:
    """A weekly one would be gone beside one of every hour: the seven newest are the other's."""
    end = End("d", "hourly", "u")
    config = Config(store=f"file://{tmp_path}", database=end, target=end, keep_days=1)
    place = open_store(config.store, config.identity)
    ids = {}
    for number in range(10):
        for schema in ("hourly", "weekly"):
            day = f"202601{number + 1:02}"
            backup_id = f"{day}T000000Z-{len(ids):08x}"
            ids[backup_id] = schema
            moment = f"2026-01-{number + 1:02}T00:00:00.000000Z"
            said: dict[str, Any] = {
                **{"source": {}, "needs": {}, "dump": {}},
                **{"tables": [], "files": [], "sequences": [], "concerns": []},
                **{"version": 5, "engine": "postgresql", "id": backup_id, "began": moment, "ended": moment},
                **{"scheduled": True, "schema": schema, "lsn": "0/0", "large_objects": {}, "bytes_total": 0},
            }
            place.put(backups.path(backup_id), json.dumps(said).encode())
    assert all(one.complete for one in read_all(place)), read_all(place)[0].problems
    gone = command._prune(config, [one for one in ids if ids[one] == "hourly"][-1])
    assert [ids[one] for one in gone] == ["hourly"] * 3
    assert sum(ids[one.backup_id] == "weekly" for one in read_all(place)) == 10
