"""`twinsite restore` with the job's real verbs between two real servers, PostgreSQL 16 → 18: kubectl alone is left out,
and the folder stands where the bucket does."""

import io
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from operations.console import Plain
from operations.journal import lock
from operations.moves import command
from operations.moves.from_archive.world import ArchiveWorld
from operations.moves.words import Command, Intent
from operations.stack import Stack
from operations.transport import Done
from tests.failover_world import MemoryStore
from tests.unit.test_restore_command import INVENTORY

from .postgres import programs
from .test_archive_servers import GUEST, ROWS, Archive
from .test_archive_servers import archive as archive

RESTORE = Intent(Command.RESTORE)


class Job:
    """The guest, as the pod at the standby runs it: its database is the target, and it knows no other."""

    place, program = "the job", "archive"

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.store = MemoryStore(lambda: None)

    def run(self, arguments: Any, seconds: float) -> Done:
        one = self.archive
        told = {
            "store": f"file://{one.store}",
            "spool": str(one.folder / "spool-there"),
            "database": {
                "address": str(one.target.folder),
                "port": one.target.port,
                "database": one.name,
                "user": "postgres",
            },
        }
        config, secrets = one.folder / "restore.json", one.folder / "restore.secrets.json"
        config.write_text(json.dumps(told))
        secrets.write_text("{}")
        words = [sys.executable, str(GUEST), *arguments, "--config", str(config), "--secrets", str(secrets)]
        environment = {**os.environ, "PATH": f"{programs(18)}:{os.environ['PATH']}"}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, timeout=seconds)
        return Done(done.returncode, done.stdout, done.stderr)

    def twinsite(self, intent: Intent = RESTORE) -> dict[str, Any]:
        store: Any = self.store
        world = ArchiveWorld(store, INVENTORY, lambda say: self)
        stack = Stack("gcp", INVENTORY, pathlib.Path.cwd())
        return command.run(stack, intent, Plain(io.StringIO()), False, lambda: world)


@pytest.fixture
def job(archive: Archive, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lock, "gone", lambda _: True)
    return Job(archive)


def tables(archive: Archive) -> str:
    return archive.there("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")


def test_what_was_backed_up_is_there_row_for_row_and_nothing_goes_over_it(archive: Archive, job: Job) -> None:
    made = archive.must("run")
    found = job.twinsite()
    assert found["verdict"] == "passed", found["problems"]
    assert found["figures"]["restored_rows"] == ROWS
    asked = "SELECT md5(string_agg(c::text, ';' ORDER BY id)) FROM customers c"
    assert archive.there(asked) == archive.here(asked)
    assert any("materialized views public.counted are filled anew" in words for words in found["findings"])
    archive.there("INSERT INTO customers (name) VALUES ('of a user')")
    again = job.twinsite(Intent(Command.RESTORE, backup=made["id"]))
    assert again["verdict"] == "refused" and "is not empty" in again["problems"][0]
    assert archive.there("SELECT count(*) FROM customers WHERE name = 'of a user'") == "1"


def test_a_damaged_backup_changes_nothing_and_an_older_one_goes_in(archive: Archive, job: Job) -> None:
    older = archive.must("run")["id"]
    newer = archive.must("run")["id"]
    part = max((archive.store / "backups" / newer / "dump").glob("*.dat.gz.*"), key=lambda path: path.stat().st_size)
    content = bytearray(part.read_bytes())
    content[100] ^= 1
    part.write_bytes(content)
    found = job.twinsite()
    assert found["verdict"] == "failed" and "is damaged" in found["problems"][0]
    assert tables(archive) == "0"
    part.unlink()
    # Of one that has lost a part the choice knows, and takes the older one; by its id it is refused.
    named = job.twinsite(Intent(Command.RESTORE, backup=newer))
    assert named["verdict"] == "refused" and "is not complete" in named["problems"][0]
    found = job.twinsite(Intent(Command.RESTORE, backup=older))
    assert found["verdict"] == "passed" and found["figures"]["restored_rows"] == ROWS


def test_a_backup_of_a_site_that_was_not_the_writer_is_taken_by_its_id_only(archive: Archive, job: Job) -> None:
    """The primary came back after a failover, and went on backing itself up."""
    register = archive.folder / "register"
    register.mkdir()
    archive.more = {"writer": {"store": f"file://{register}", "site": "aws", "home": "aws"}}
    of_the_writer = archive.must("run")["id"]
    document = {"version": 1, "site": "gcp", "epoch": 1, "since": "2026-11-30T18:00:00Z", "by": "x", "history": []}
    (register / "writer.json").write_text(json.dumps(document))
    archive.here("INSERT INTO customers (name) VALUES ('stale')")
    stale = archive.must("run", "--planned")
    assert stale["branch"]["writer"] == "gcp", stale
    found = job.twinsite()
    assert found["verdict"] == "passed" and of_the_writer in found["says"][0] and "epoch 0" in found["says"][0]
    assert archive.there("SELECT count(*) FROM customers WHERE name = 'stale'") == "0"
