"""What a restore of the archive role checks by itself: room, and which definitions count."""

from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.archive import contents, restore
from twinsite.guest.backup import fetch
from twinsite.guest.errors import Refused


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
