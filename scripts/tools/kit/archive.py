"""The archive: the same parts give the same bytes, with the same Python and zlib."""

import gzip
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from kit.parts import Part

LEVEL = 1
"""Of gzip. Most of it is wheels, which are compressed; for the rest a higher one takes minutes and gains a tenth."""


def write(parts: Iterable[Part], file: Path, root: str) -> None:
    """A tar of USTAR headers without time and owner, in the order of names, whole or not at all."""
    draft = file.with_name(f".{file.name}.part")
    with (
        draft.open("wb") as out,
        gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for part in sorted(parts, key=lambda part: part.name):
            entry = tarfile.TarInfo(f"{root}/{part.name}")
            entry.mode = 0o755 if part.program else 0o644
            if isinstance(part.content, bytes):
                entry.size = len(part.content)
                tar.addfile(entry, io.BytesIO(part.content))
                continue
            with part.content.open("rb") as content:
                entry.size = part.content.stat().st_size
                tar.addfile(entry, content)
    draft.replace(file)
