"""The guest files (guest/) packed for delivery to machines. Runs where Pulumi runs, never on a machine."""

import gzip
import hashlib
import io
import pathlib
import tarfile
from functools import cache

FOLDER = pathlib.Path(__file__).parent / "guest"


def guest_file(path: str) -> str:
    """Text of a guest file, for instance `agent/user-data.yaml`."""
    return (FOLDER / path).read_text(encoding="utf-8")


@cache
def payload() -> bytes:
    """Every guest file as a tar.gz; its bytes depend on contents and names only, so its SHA-256 names a version."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(FOLDER.rglob("*")):
            relative = path.relative_to(FOLDER)
            if not path.is_file() or any(part == "__pycache__" or part.startswith(".") for part in relative.parts):
                continue  # caches of tools that looked at the files
            content = path.read_bytes()
            entry = tarfile.TarInfo(str(relative))
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), compresslevel=9, mtime=0)


@cache
def payload_sha256() -> str:
    """SHA-256 of payload(), hex."""
    return hashlib.sha256(payload()).hexdigest()
