"""What is packed for machines: the same bytes from every runner, each role by itself, all that it needs and no more."""

import ast
import base64
import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsite import payload as packing
from twinsite.deflate import gzipped
from twinsite.machine import azure_documents, documents
from twinsite.payload import FOLDER, ROLES, archived, payload, payload_sha256

ROOT = FOLDER.parent.parent
PROGRAMS = [
    *((role, f"{role}/apply.py") for role in ROLES),
    ("standby", "backup/apply.py"),
    *((role, f"drill/{name}.py") for role in ROLES for name in ("fault", "ledger", "probe", "store")),
]
OWN = {
    "backup": {"backup", "standby", "archive", "writer"},
    "gateway": {"gateway"},
    "database": {"database"},
    "standby": {"standby"},
    "logical": {"logical", "archive", "writer"},
    "archive": {"archive", "writer"},
    "writer": {"writer"},
}
"""Folder of programs → roles that take it."""


def forget() -> None:
    for function in (packing._packed, packing.payload, packing.payload_sha256):
        function.cache_clear()


@pytest.fixture
def anew() -> Iterator[None]:
    """Nothing packed is remembered, before and after."""
    forget()
    yield
    forget()


def names(role: str) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(payload(role))) as archive:
        return archive.getnames()


def everything() -> list[str]:
    """All that `up` compares: the digest of each of them."""
    made = [
        *(payload(role) for role in ROLES),
        documents.user_data(documents.bootstrap(), "bucket", "ap-northeast-2", "host").encode(),
        azure_documents.custom_data(azure_documents.bootstrap(), "account", "host", "client", "vault").encode(),
        documents.bundle("gateway", {"connection": "x"}, {"psk": {"1": "secret"}}).encode(),
    ]
    return [hashlib.sha256(content).hexdigest() for content in made]


@pytest.mark.parametrize("words", ["other", "refuses"])
def test_no_byte_comes_from_zlib_or_from_pythons_gzip(words: str, anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """zlib-ng, another zlib, another Python: stood in for by one that compresses to something else, or not at all."""
    before = everything()
    forget()

    def stand_in(*_: object, **__: object) -> bytes:
        assert words == "other", "this runner's zlib was asked"
        return b"other bytes"

    for module, name in ((gzip, "compress"), (zlib, "compress"), (zlib, "compressobj")):
        monkeypatch.setattr(module, name, stand_in)
    assert everything() == before


def test_a_known_archive_has_known_bytes_whatever_python_packs_it() -> None:
    """Tried on CPython 3.11, 3.12, 3.13 and 3.14: headers are USTAR's, owners and times zero."""
    entries = {
        "a/program.sh": (b"#!/bin/sh\necho one two three; echo one two three\n", 0o755),
        "b.txt": (bytes(range(256)) * 3, 0o644),
        "empty": (b"", 0o600),
    }
    found = hashlib.sha256(gzipped(archived(entries) + packing.END)).hexdigest()
    assert found == "c240ec34c8415cb6c485c837ee573dcaf1c3662bfc440db48d01373744f7abcd"


def others() -> list[str]:
    """Other Pythons of this machine that Pulumi's programs can run on, also pyenv's."""
    bins = [*os.environ.get("PATH", "").split(":"), *map(str, Path.home().glob(".pyenv/versions/3.*/bin")), "/usr/bin"]
    found = {sys.version: sys.executable}
    for path in sorted({f"{folder}/{name}" for folder in bins for name in ("python3", "python3.14")}):
        if os.path.exists(path):
            asked = [path, "-c", "import sys; print(sys.version_info >= (3, 11), sys.version)"]
            fit, _, version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.partition(" ")
            if fit == "True":
                found.setdefault(version.strip(), path)
    return [path for path in found.values() if path != sys.executable]


OTHERS = others()


@pytest.mark.skipif(not OTHERS, reason="this machine has no other Python 3.11 or newer")
@pytest.mark.parametrize("other", OTHERS)
def test_another_interpreter_packs_the_same_bytes(other: str) -> None:
    # The library's lazy names are of no use here, and what makes them is installed for one interpreter only.
    program = (
        "import sys, types; lazily = types.SimpleNamespace(attach_stub=lambda *_: (None, None, []));"
        "sys.modules['lazy_loader'] = lazily;"
        "from twinsite.payload import ROLES, payload_sha256; print(*map(payload_sha256, ROLES))"
    )
    done = subprocess.run([other, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [payload_sha256(role) for role in ROLES], done.stderr


@given(st.binary(max_size=600) | st.lists(st.sampled_from([b"abcd", b"abc", b"\x00", b"\xff" * 300])).map(b"".join))
def test_whatever_is_packed_comes_out_again(content: bytes) -> None:
    assert gzip.decompress(gzipped(content)) == content


def test_a_match_across_the_whole_window_and_the_longest_one_come_out_again() -> None:
    far = bytes(range(256)) + b"x" * (32768 - 256)
    for content in (far + bytes(range(256)), far + b"y" + bytes(range(256)), b"z" * 1000, b"ab" * 259):
        assert gzip.decompress(gzipped(content)) == content


def test_the_systems_own_tar_reads_a_payload(tmp_path: Path) -> None:
    subprocess.run(["tar", "-xz", "-C", tmp_path], input=payload("gateway"), check=True)
    assert (tmp_path / "gateway/apply.py").read_bytes() == (FOLDER / "gateway/apply.py").read_bytes()


@pytest.mark.parametrize("role", ROLES)
def test_programs_in_the_payload_are_executable_and_caches_are_not_in_it(role: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(payload(role))) as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
    assert entries["agent/install.py"].mode == entries[f"{role}/apply.py"].mode == 0o755
    assert entries["agent/aws.py"].mode == 0o644
    assert not [name for name in entries if "__pycache__" in name or "/." in name]


@pytest.mark.parametrize("folder", OWN)
def test_a_change_of_one_folders_programs_reaches_only_the_roles_that_take_it(
    folder: str, anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {role: payload_sha256(role) for role in ROLES}
    copy = shutil.copytree(FOLDER, tmp_path / "guest", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(packing, "FOLDER", copy)
    forget()
    assert {role: payload_sha256(role) for role in ROLES} == before
    with open(copy / folder / "command.py", "a", encoding="utf-8") as file:
        file.write("# changed\n")
    forget()
    assert {role for role in ROLES if payload_sha256(role) != before[role]} == OWN[folder]


def test_every_guest_file_is_in_some_payload() -> None:
    packed = {name for role in ROLES for name in names(role)}
    there = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert there == packed


@pytest.mark.parametrize("role", ROLES)
def test_a_role_imports_nothing_that_is_not_packed_with_it(role: str) -> None:
    packed = set(names(role))
    lacking = []
    for name in packed:
        if not name.endswith(".py"):
            continue
        folder = name.rpartition("/")[0]
        for node in ast.walk(ast.parse((FOLDER / name).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            above = [folder, ""][node.level - 1]
            base = "/".join(part for part in (above, (node.module or "").replace(".", "/")) if part)
            wanted = [base] if node.module else [f"{base}/{alias.name}".lstrip("/") for alias in node.names]
            lacking += [f"{name}: {one}" for one in wanted if not {f"{one}.py", f"{one}/__init__.py"} & packed]
    assert lacking == []


@pytest.mark.parametrize(("role", "program"), PROGRAMS, ids=["-".join(each) for each in PROGRAMS])
def test_every_program_starts_where_the_payload_is_unpacked_under_its_digest(
    role: str, program: str, tmp_path: Path
) -> None:
    starts(role, [program], tmp_path)


def test_the_backup_starts_as_a_module_where_a_container_unpacks_it(tmp_path: Path) -> None:
    starts("backup", ["-m", "backup"], tmp_path)


def starts(role: str, program: list[str], folder: Path) -> None:
    place = folder / payload_sha256(role)[:12]
    with tarfile.open(fileobj=io.BytesIO(payload(role))) as archive:
        archive.extractall(place, filter="data")
    done = subprocess.run(
        [sys.executable, *program, "--help"], cwd=place, capture_output=True, text=True, check=False, env={}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")


def test_a_role_that_nobody_packs_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=re.escape("'web' is no guest role: give one of gateway, database")):
        payload("web")


def test_a_clusters_configuration_takes_the_backups_payload() -> None:
    """A ConfigMap holds at most 1 MiB (Kubernetes: ConfigMaps)."""
    assert len(base64.b64encode(payload("backup"))) < 700_000
