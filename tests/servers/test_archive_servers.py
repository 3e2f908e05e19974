"""The guest role `archive` between two real servers, PostgreSQL 16 → 18: dumped, restored, proved, killed, refused."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from .postgres import TREE, Postgres, eventually, programs

GUEST = TREE / "components" / "guest" / "archive" / "apply.py"
AWKWARD = Path(__file__).with_name("awkward.sql").read_text(encoding="utf-8")
NUMBERS = count(1)
ROWS = 303 + 2 + 1 + 20 + 2 + 2
"""Of awkward.sql."""


@dataclass
class Archive:
    """A database at each end, a store between them, and the guest."""

    name: str
    source: Postgres
    target: Postgres
    folder: Path
    more: dict[str, Any] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        return self.source.sql(text, self.name)

    def there(self, text: str) -> str:
        return self.target.sql(text, self.name)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def manifests(self) -> list[Path]:
        return sorted(self.store.glob("backups/*/manifest.json"))

    def begin(self, *verb: str, wrapped: str = "", script: str = "") -> "subprocess.Popen[str]":
        """The guest, running. `wrapped`: a program in whose place `script` runs, with the real one as $REAL."""
        ends = {
            name: {"address": str(one.folder), "port": one.port, "database": self.name, "user": "postgres"}
            for name, one in (("database", self.source), ("target", self.target))
        }
        told = {"store": f"file://{self.store}", "spool": str(self.folder / "spool"), "streams": 2, **ends, **self.more}
        config, secrets = self.folder / "archive.json", self.folder / "secrets.json"
        config.write_text(json.dumps(told))
        secrets.write_text(json.dumps(self.passwords))
        path = f"{programs(18)}:{os.environ['PATH']}"
        if wrapped:
            wrapper = self.folder / "bin" / wrapped
            wrapper.parent.mkdir(exist_ok=True)
            wrapper.write_text(f'#!/bin/sh\nREAL={programs(18) / wrapped}\n{script}\nexec $REAL "$@"\n')
            wrapper.chmod(0o755)
            path = f"{wrapper.parent}:{path}"
        command = [sys.executable, str(GUEST), *verb, "--config", str(config), "--secrets", str(secrets)]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path},
            start_new_session=True,
        )

    def guest(self, *verb: str) -> tuple[dict[str, Any], int]:
        """Answer and exit code."""
        run = self.begin(*verb)
        out, said = run.communicate()
        assert out, said
        found: dict[str, Any] = json.loads(out)
        return found, run.returncode

    def must(self, *verb: str) -> dict[str, Any]:
        found, code = self.guest(*verb)
        assert code == 0, found
        return found

    def refused(self, *verb: str) -> list[str]:
        found, code = self.guest(*verb)
        assert code == 2, found
        problems: list[str] = found["problems"]
        return problems

    def killed(self, *verb: str, wrapped: str, script: str, mark: Path) -> None:
        """Run until the wrapped program has made `mark`, then SIGKILL for all of it."""
        run = self.begin(*verb, wrapped=wrapped, script=script)
        eventually(lambda: mark.exists() or run.poll() is not None, 60, f"{wrapped} at its mark")
        os.killpg(run.pid, signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL


@pytest.fixture
def archive(servers: tuple[Postgres, Postgres], tmp_path: Path) -> Iterator[Archive]:
    """Databases of their own: the source's with all that is awkward, the target's empty; an empty store."""
    one = Archive(f"arc{next(NUMBERS)}", *servers, tmp_path)
    one.store.mkdir()
    for server in servers:
        server.sql(f"CREATE DATABASE {one.name}")
    one.here(AWKWARD)
    yield one
    for server in servers:
        server.sql(f"DROP DATABASE {one.name} WITH (FORCE)")


def test_a_gate_is_of_its_server_and_comes_into_no_other(archive: Archive) -> None:
    """Role `logical` puts it up; it is shut here."""
    gate = (TREE / "components" / "guest" / "logical" / "gate.sql").read_text(encoding="utf-8")
    archive.here(f"{gate} INSERT INTO twinsite.gate VALUES ('crm', 1, false)")
    archive.here(
        "CREATE TRIGGER twinsite_gate BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON customers "
        "FOR EACH STATEMENT EXECUTE FUNCTION twinsite.gate('crm')"
    )
    concerns = archive.must("run")["concerns"]
    assert not any("run as their owner" in words for words in concerns), "the gate's own functions are left behind"
    assert archive.must("restore")["proved"]
    assert archive.there("SELECT count(*) FROM pg_trigger WHERE tgname = 'twinsite_gate'") == "0"
    assert archive.there("SELECT to_regnamespace('twinsite') IS NULL") == "t"


def test_everything_awkward_comes_back_and_is_proved(archive: Archive) -> None:
    archive.more = {"part_mib": 1}
    archive.here(
        "CREATE TABLE big AS SELECT decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(1, 150000) i"
    )
    made = archive.must("run")
    assert (made["tables"], made["rows"], made["engine"]) == (11, ROWS + 1, "postgresql")
    (path,) = archive.manifests()
    said = json.loads(path.read_text())
    assert max(len(parts) for parts in said["dump"].values()) == 3, "2.3 MiB in parts of 1 MiB"
    found = archive.must("restore")
    assert found["proved"] and found["rows"] == ROWS + 1 and found["differences"] == []
    for asked in (
        "SELECT md5(string_agg(c::text, ';' ORDER BY id)) FROM customers c",
        "SELECT string_agg(c::text, ';') FROM child c",
        'SELECT string_agg(t::text, $$;$$ ORDER BY 1) FROM "Odd ""one"""."Tab%le, \'s" t',
        "SELECT last_value, is_called FROM customers_id_seq",
        "SELECT last_value, is_called FROM lonely",
        "SELECT last_value, is_called FROM unused",
        "SELECT string_agg(n::text, ';' ORDER BY mood) FROM counted",
        "SELECT convert_from(lo_get(4711), 'UTF8')",
        "SELECT md5(string_agg(b::text, '')) FROM big b",
        "SELECT count(*) FROM rich",
    ):
        assert archive.there(asked) == archive.here(asked), asked
    assert archive.there("INSERT INTO customers (name) VALUES ('next') RETURNING id") == str(7 + 3 * 303)
    assert archive.there("SELECT to_regnamespace('twinsite_restore') IS NULL") == "t", "the mark is gone"
    assert list((archive.folder / "spool").iterdir()) == [], "no rows are left on the disk"


def test_another_version_of_this_program_takes_no_manifest_for_its_own(archive: Archive) -> None:
    """MySQL's role beside it in one store: neither restores what the other made."""
    sys.path.insert(0, str(TREE))
    from twinsite.guest.archive import manifest
    from twinsite.guest.backup import manifest as mysql

    archive.must("run")
    (path,) = archive.manifests()
    said = json.loads(path.read_text())
    assert mysql.problems(said, said["id"]) == [
        "its manifest is version 5: restore with the version that made the backup"
    ]
    assert manifest.problems(said, said["id"]) == []
    assert manifest.problems({"version": 4, "id": said["id"]}, said["id"]) == [
        "it is a backup of mysql: the role `backup` restores it"
    ]
    # Old ones of MySQL's, whole and half, are nobody's to delete here.
    for old, name, content in (("11", "manifest.json", '{"version": 4}'), ("12", "data/t.00000.tsv.zst", "x")):
        part = archive.store / "backups" / f"20260101T000000Z-000000{old}" / name
        part.parent.mkdir(parents=True)
        part.write_text(content)
    archive.more = {"keep_days": 7}
    assert archive.must("run")["outdated"] == []
    assert len(archive.must("list")["backups"]) == 2
    assert len(list(archive.store.glob("backups/20260101*"))) == 2


def test_each_planted_difference_is_found(archive: Archive) -> None:
    archive.must("run")
    assert archive.must("restore")["proved"]
    archive.there(
        """UPDATE customers SET ratio = ratio + 1e-12 WHERE id = 10;
        DELETE FROM events WHERE id = 3;
        INSERT INTO events VALUES ('2026-02-02', 99);
        DELETE FROM ONLY parent;
        SELECT setval('lonely', 200);
        DROP INDEX customers_fine;
        ALTER TABLE empty ADD COLUMN b int;
        CREATE OR REPLACE PROCEDURE nop() LANGUAGE sql AS 'SELECT 2';
        CREATE TABLE extra (a int);
        SELECT lo_put(4711, 0, 'L');"""
    )
    found, code = archive.guest("prove")
    assert code == 1 and not found["proved"]
    wanted = (
        "table public.customers has as many rows as the backup (303), and other values",
        "table public.events_2026 has as many rows as the backup (6), and other values",
        "table public.parent has 0 rows, and the backup 1",
        "table public.extra is not in the backup",
        "the 1 large objects have other contents",
        "sequence public.lonely stands at 200",
        "index public.customers_fine is missing",
        "table public.extra is not in the backup",
    )
    for one in wanted:
        assert any(one in problem for problem in found["problems"]), (one, found["problems"])
    # Between two versions a wording may differ, so what differs under one name is to be looked at.
    assert [re.sub(" is defined.*", "", one) for one in found["differences"]] == [
        "procedure public.nop()",
        "table public.empty",
    ]
    assert len(found["problems"]) == len(wanted)


def test_between_servers_of_one_version_a_changed_definition_is_a_problem(archive: Archive) -> None:
    archive.source = archive.target  # 18 to itself, into another database
    archive.there("CREATE TABLE one (a int); CREATE VIEW v AS SELECT a FROM one")
    archive.must("run")
    archive.there("CREATE OR REPLACE VIEW v AS SELECT a + 0 AS a FROM one")
    found, code = archive.guest("prove")
    assert code == 1
    assert [re.sub(" is defined.*", "", one) for one in found["problems"]] == ["view public.v"]


@pytest.mark.parametrize("done", ["--section=pre-data", ""])
def test_a_restore_that_was_killed_is_run_again(archive: Archive, done: str) -> None:
    """With the tables only, and with everything but the proof."""
    archive.must("run")
    mark = archive.folder / "half"
    half = f'case "$*" in *--use-list*--dbname*) $REAL {done} "$@"; touch {mark}; sleep 600;; esac'
    archive.killed("restore", wrapped="pg_restore", script=half, mark=mark)
    assert archive.there("SELECT count(*) > 5 FROM pg_tables WHERE schemaname = 'public'") == "t", "half is there"
    assert "has not ended, so it is half filled" in str(_as_source(archive, archive.target).refused("run"))
    found = archive.must("restore")
    assert found["proved"] and found["rows"] == ROWS
    assert archive.there("SELECT to_regnamespace('twinsite_restore') IS NULL") == "t"


def _as_source(archive: Archive, server: Postgres) -> Archive:
    return Archive(archive.name, server, server, archive.folder)


@pytest.mark.parametrize("program", ["pg_dump", "pg_restore"])
def test_an_interrupted_backup_leaves_no_manifest(archive: Archive, program: str) -> None:
    """Killed while it dumps, and when every part is in the store and the manifest is not."""
    mark = archive.folder / "there"
    when = {"pg_dump": "*--snapshot*", "pg_restore": "*--data-only*"}[program]
    script = f'case "$*" in {when}) touch {mark}; sleep 600;; esac'
    archive.killed("run", wrapped=program, script=script, mark=mark)
    assert archive.manifests() == []
    assert bool(list(archive.store.glob("backups/*/dump/*"))) == (program == "pg_restore")
    assert "there is no complete backup" in archive.refused("restore")[0]
    assert archive.must("run")["rows"] == ROWS
    assert [one["complete"] for one in archive.must("list")["backups"]] == [False] * (program == "pg_restore") + [True]


def test_the_dump_and_the_sums_are_of_one_moment_while_others_write(archive: Archive) -> None:
    """A row that is committed after the snapshot and before the sums is in neither."""
    mark = archive.folder / "snapshot"
    script = f'case "$*" in *--snapshot*) touch {mark}; while [ -e {mark} ]; do sleep 0.05; done;; esac'
    run = archive.begin("run", wrapped="pg_dump", script=script)
    eventually(mark.exists, 60, "pg_dump with a snapshot")
    archive.here("INSERT INTO parent VALUES (77); DELETE FROM self WHERE false; SELECT lo_from_bytea(4712, 'later')")
    mark.unlink()
    out, said = run.communicate()
    assert run.returncode == 0, said
    assert json.loads(out)["rows"] == ROWS
    assert archive.must("restore")["proved"]
    assert archive.there("SELECT count(*) FROM parent WHERE a = 77") == "0"


def test_a_damaged_part_changes_nothing_at_the_target(archive: Archive) -> None:
    archive.must("run")
    part = max(archive.store.glob("backups/*/dump/*.dat.gz.*"), key=lambda path: path.stat().st_size)
    content = bytearray(part.read_bytes())
    content[100] ^= 1
    part.write_bytes(content)
    assert "is damaged" in archive.refused("restore")[0]
    found, code = archive.guest("verify")
    assert code == 1 and found["damaged"] == [f"dump/{part.name}"]
    assert archive.there("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


def test_what_a_dump_does_not_carry_is_said_at_the_backup(archive: Archive) -> None:
    archive.here(
        f"""CREATE ROLE {archive.name}_app; ALTER TABLE empty OWNER TO {archive.name}_app;
        CREATE FUNCTION as_owner() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
        CREATE PUBLICATION {archive.name} FOR TABLE customers;
        ALTER DATABASE {archive.name} SET timezone = 'Asia/Seoul';"""
    )
    try:
        concerns = archive.must("run")["concerns"]
        for one in (
            f"roles, what they own and what they may do are each server's own ({archive.name}_app",
            "1 functions run as their owner",
            "materialized views public.counted are filled anew",
            "1 publications, 0 subscriptions and 0 replication slots are left out",
            f"ALTER DATABASE {archive.name} SET TimeZone=Asia/Seoul",
            "pg_dump is of 18 and the server of 16",
        ):
            assert any(one in words for words in concerns), (one, concerns)
        assert len(concerns) == 6
        # It decides what rows mean: until it is there, or somebody says that it does not matter, nothing goes in.
        assert archive.refused("restore") == [
            "timezone is 'UTC' at the target and was 'Asia/Seoul' at the source, so the same data mean another thing: "
            "set it at the target, or, where the application does not mind, name it in `may_differ`"
        ]
        archive.there(f"ALTER DATABASE {archive.name} SET timezone = 'Asia/Seoul'")
        assert archive.must("restore")["proved"]
    finally:
        archive.here(f"DROP OWNED BY {archive.name}_app CASCADE; DROP ROLE {archive.name}_app")


def test_every_reason_against_a_target_is_said_before_the_first_write(archive: Archive) -> None:
    archive.here(
        f"CREATE ROLE {archive.name}_seen; CREATE POLICY theirs ON self TO {archive.name}_seen USING (true);"
        "CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION ddl();"
    )
    try:
        archive.must("run")
    finally:
        archive.here(f"DROP OWNED BY {archive.name}_seen CASCADE; DROP ROLE {archive.name}_seen")
    (path,) = archive.manifests()
    said = json.loads(path.read_text())
    said["needs"]["extensions"]["nobody_has_it"] = "1.0"
    path.write_text(json.dumps(said))
    archive.target.sql(f"DROP DATABASE {archive.name};CREATE ROLE {archive.name}_low LOGIN;")
    archive.target.sql(
        f"CREATE DATABASE {archive.name} TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' "
        "ENCODING UTF8"
    )
    archive.there("CREATE TABLE theirs (a int)")
    archive.more = {
        "target": {
            "address": str(archive.target.folder),
            "port": archive.target.port,
            "database": archive.name,
            "user": f"{archive.name}_low",
        }
    }
    problems = archive.refused("restore")
    wanted = (
        "collation is 'b: c C.UTF-8' at the target and was 'c: c' at the source",
        f"policies of row security name {archive.name}_seen, which the target has not",
        f"{archive.name}_low may make nothing in database {archive.name}: GRANT CREATE ON DATABASE",
        f"{archive.name}_low may make nothing in schema public",
        "is not empty (1 objects, such as table public.theirs)",
        "extension nobody_has_it cannot be made at the target",
        "event triggers (told), which this user may not make at the target",
    )
    for one in wanted:
        assert any(one in problem for problem in problems), (one, problems)
    assert len(problems) == len(wanted), problems
    assert archive.there("SELECT to_regnamespace('twinsite_restore') IS NULL") == "t"
    assert archive.there("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "1"
    archive.target.sql(f"DROP DATABASE {archive.name}")
    archive.target.sql(f"DROP ROLE {archive.name}_low; CREATE DATABASE {archive.name}")


def test_an_older_server_is_refused_with_the_client_and_the_version_that_would_do(archive: Archive) -> None:
    archive.must("run")
    archive.target = archive.source
    assert archive.refused("restore")[0] == (
        "this job's client is PostgreSQL 18, which sets transaction_timeout, and the target of 16 does not know it: "
        "make the target 17 or later"
    )


def test_a_backup_is_of_a_writers_epoch(archive: Archive) -> None:
    place = archive.folder / "operations"
    place.mkdir()
    writer = {"store": f"file://{place}", "site": "aws", "home": "aws"}
    archive.more = {"writer": writer}
    first = archive.must("run")
    assert first["branch"] == {"site": "aws", "epoch": 0, "writer": "aws"}
    (place / "writer.json").write_text(json.dumps({"site": "gcp", "epoch": 1}))
    stale = archive.must("run")
    assert stale["branch"] == {"site": "aws", "epoch": 1, "writer": "gcp"}
    assert archive.must("restore")["backup_id"] == first["id"], "the youngest is of a site that does not write"
    archive.more = {"writer": {**writer, "site": "gcp"}}
    (place / "writer.json").write_text(json.dumps({"site": "aws", "epoch": 2}))
    assert archive.must("run")["outcome"] == "stands by"
    assert len(archive.manifests()) == 2


def test_old_backups_go_after_a_new_one_and_the_newest_seven_stay(archive: Archive) -> None:
    archive.more = {"keep_days": 7}
    archive.must("run")
    (path,) = archive.manifests()
    said = json.loads(path.read_text())
    for day in range(1, 10):
        old = f"2026010{day}T000000Z-0000000{day}"
        copy = {**said, "id": old, "began": f"2026-01-0{day}T00:00:00.000000Z"}
        for part in path.parent.glob("dump/*"):
            place = archive.store / "backups" / old / "dump" / part.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(part.read_bytes())
        (archive.store / "backups" / old / "manifest.json").write_text(json.dumps(copy))
    assert archive.must("run", "--planned")["outdated"] == [], "a run by hand deletes nothing"
    made = archive.must("run")
    assert [one[:8] for one in made["outdated"]] == [f"2026010{day}" for day in range(1, 6)]
    assert len(archive.must("list")["backups"]) == 7


def test_a_database_of_latin1_comes_back_into_one_of_utf8(archive: Archive) -> None:
    """Names, definitions and rows: clients would speak as the database is stored."""
    archive.source.sql(f"DROP DATABASE {archive.name}")
    archive.source.sql(f"CREATE DATABASE {archive.name} TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
    archive.here(
        """SET client_encoding = 'UTF8';
        CREATE SCHEMA "Fähre"; CREATE SEQUENCE "Fähre"."Zähler" START 5;
        CREATE TABLE "Fähre"."Größe" ("Maß" text DEFAULT 'ä', CHECK ("Maß" <> 'ü'));
        INSERT INTO "Fähre"."Größe" VALUES ('é'), (DEFAULT);
        CREATE FUNCTION hello() RETURNS text LANGUAGE sql AS $$SELECT 'öß'$$;
        COMMENT ON TABLE "Fähre"."Größe" IS 'ñ';"""
    )
    assert archive.must("run")["rows"] == 2
    archive.more = {"may_differ": ["encoding"]}
    found = archive.must("restore")
    assert found["proved"] and found["differences"] == []
    assert archive.there("""SELECT string_agg("Maß", ';' ORDER BY "Maß") || hello() FROM "Fähre"."Größe" """) == "ä;éöß"


def test_who_does_not_own_schema_public_restores_into_it(archive: Archive) -> None:
    """Made anew at the source it has no comment, and only its owner at the target may take that one away."""
    archive.here(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE SCHEMA public_too; CREATE TABLE public.one (a int)"
    )
    low = f"{archive.name}_low"
    archive.target.sql(f"CREATE ROLE {low} LOGIN; GRANT CREATE ON DATABASE {archive.name} TO {low}")
    archive.there(f"GRANT CREATE ON SCHEMA public TO {low}")
    place = {"address": str(archive.target.folder), "port": archive.target.port, "database": archive.name, "user": low}
    archive.more = {"target": place}
    try:
        archive.must("run")
        assert archive.must("restore")["proved"]
        archive.there("DROP SCHEMA public_too")
        found, code = archive.guest("prove")
        assert code == 1 and [one.strip(".") for one in found["problems"]] == ["schema -.public_too is missing"]
    finally:
        archive.there(f"DROP OWNED BY {low} CASCADE; DROP ROLE {low}")


def test_a_servers_end_of_long_transactions_does_not_end_the_sums(archive: Archive) -> None:
    sys.path.insert(0, str(TREE))
    from twinsite.guest.archive import server, sums
    from twinsite.guest.logical.config import End

    asked = ["SELECT coalesce(current_setting('transaction_timeout', true), 'none')"]
    for there, wanted in ((archive.source, "none"), (archive.target, "0")):
        if wanted == "0":
            there.sql(f"ALTER DATABASE {archive.name} SET transaction_timeout = '1h'")
            there.sql(f"ALTER DATABASE {archive.name} SET idle_session_timeout = '200ms'")
        end = server.Server("source", End(str(there.folder), archive.name, "postgres", port=there.port))
        assert end.script(sums._script(asked, "")).strip() == wanted
        with server.Session(end) as session:
            time.sleep(1)
            assert session.ask(asked[0]) == wanted, "a restore's lock is held as long as it lasts"
