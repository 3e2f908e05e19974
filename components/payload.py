"""The guest files (guest/) packed for delivery to machines. Runs where Pulumi runs, never on a machine.

Each role is packed alone, so a change of one role's programs is told to its own machines only. Bytes depend on names
and contents only, not on the Python or zlib of who packs: what `up` compares stays equal from runner to runner.
"""

import hashlib
import pathlib
import tarfile
from functools import cache

from .deflate import gzipped

FOLDER = pathlib.Path(__file__).parent / "guest"

_SHARED = ("", "agent", "drill")
"""Folders that every role takes; "" is the modules beside them."""
ROLES = {
    "gateway": ("gateway",),
    "database": ("database",),
    "backup": ("backup",),
    "logical": ("logical",),
    "archive": ("backup", "logical", "archive"),
    "standby": ("backup", "standby"),
    "writer": ("backup", "logical", "archive", "writer"),
}
"""Role → the folders of its programs."""


def guest_file(path: str) -> str:
    """Text of a guest file, for instance `agent/user-data.yaml`."""
    return (FOLDER / path).read_text(encoding="utf-8")


def archived(entries: dict[str, tuple[bytes, int]]) -> bytes:
    """Files of a tar archive by name, (content, mode) each, without the archive's end; nobody's, of no time."""
    parts = []
    for name, (content, mode) in sorted(entries.items()):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), mode
        parts += [entry.tobuf(tarfile.USTAR_FORMAT), content, bytes(-len(content) % tarfile.BLOCKSIZE)]
    return b"".join(parts)


END = bytes(2 * tarfile.BLOCKSIZE)
"""What ends a tar archive."""


@cache
def _packed(part: str) -> bytes:
    """One folder as a gzip member; members one after the other are one archive."""
    entries = {}
    for path in (FOLDER / part).rglob("*") if part else FOLDER.glob("*"):
        relative = path.relative_to(FOLDER)
        if not path.is_file() or any(name == "__pycache__" or name.startswith(".") for name in relative.parts):
            continue  # caches of tools that looked at the files
        content = path.read_bytes()
        entries[relative.as_posix()] = (content, 0o755 if content.startswith(b"#!") else 0o644)
    return gzipped(archived(entries))


@cache
def payload(role: str) -> bytes:
    """What a machine with this role needs, as a tar.gz; its SHA-256 names a version."""
    if role not in ROLES:
        raise ValueError(f"{role!r} is no guest role: give one of {', '.join(ROLES)}")
    return b"".join(_packed(part) for part in (*_SHARED, *ROLES[role])) + gzipped(END)


@cache
def payload_sha256(role: str) -> str:
    """SHA-256 of payload(role), hex."""
    return hashlib.sha256(payload(role)).hexdigest()
