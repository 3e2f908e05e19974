"""The guest roles `logical` and `archive` with no more than RDS and Cloud SQL give: nobody is a superuser."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.services import managed_postgres

from .postgres import Flow, Postgres, eventually, programs
from .test_archive_servers import Archive
from .test_logical_servers import SCHEMA, equal

MASTER, OWNER, READER, STANDBY = "crm_master", "crm_owner", "crm_replication", "crm_standby"
PASSWORD = "it's \\a\\ secret"
NAME = "crm_managed"


def run_as(server: Postgres, user: str, text: str, database: str = "postgres") -> "subprocess.CompletedProcess[str]":
    """By password, as a customer does."""
    way = ["-h", str(server.folder), "-p", str(server.port), "-U", user, "-d", database]
    return subprocess.run(
        [str(programs(18) / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *way],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env={"PGPASSWORD": PASSWORD},
    )


def must(server: Postgres, user: str, text: str, database: str = "postgres") -> str:
    done = run_as(server, user, text, database)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture(scope="module")
def managed(servers: tuple[Postgres, Postgres]) -> Iterator[tuple[Postgres, Postgres]]:
    """RDS, which is the source, and Cloud SQL. Users of this module have passwords, which is asked for."""
    rds, cloud_sql = servers
    before = {}
    for one in servers:
        file = one.data / "pg_hba.conf"
        before[file] = file.read_text()
        file.write_text(f"local all {MASTER},{OWNER},{READER},{STANDBY} scram-sha-256\n{before[file]}")
        one.sql("SELECT pg_reload_conf()")
    rds.sql(managed_postgres.rights("rds", MASTER, PASSWORD))
    # Those of other modules keep what they have.
    rds.sql(
        "SELECT format('GRANT rds_replication TO %I', rolname) FROM pg_roles "
        "WHERE rolreplication AND rolcanlogin AND NOT rolsuper \\gexec"
    )
    cloud_sql.sql(managed_postgres.rights("cloud_sql", STANDBY, PASSWORD))
    yield servers
    for file, text in before.items():
        file.write_text(text)
    for one in servers:
        one.sql("SELECT pg_reload_conf()")
    rds.sql(f"DROP ROLE {MASTER}, rds_superuser, rds_replication, rds_password")
    cloud_sql.sql(f"DROP ROLE {STANDBY}, cloudsqlsuperuser")


@pytest.fixture
def flow(managed: tuple[Postgres, Postgres], tmp_path: Path) -> Iterator[Flow]:
    """The customer's database at RDS, made by the master user and its owner; an empty one at Cloud SQL."""
    rds, cloud_sql = managed
    must(
        rds,
        MASTER,
        f"""CREATE ROLE {OWNER} LOGIN PASSWORD {quoted(PASSWORD)};
        GRANT {OWNER} TO {MASTER};
        CREATE DATABASE {NAME} OWNER {OWNER};
        CREATE ROLE {READER} LOGIN PASSWORD {quoted(PASSWORD)};
        GRANT rds_replication TO {READER}, {OWNER};""",
    )
    rds.sql(managed_postgres.follow())
    must(rds, OWNER, SCHEMA.replace("TO repl;", f"TO {READER};"), NAME)
    cloud_sql.sql(f"CREATE DATABASE {NAME} OWNER cloudsqlsuperuser")  # as its API does
    ends = {
        name: {"address": str(one.folder), "port": one.port, "database": NAME, "user": user}
        for name, one, user in (("source", rds, OWNER), ("target", cloud_sql, STANDBY))
    }
    passwords = dict.fromkeys(("source_password", "target_password", "replication_password"), PASSWORD)
    one = Flow(NAME, *managed, tmp_path, {**ends, "replication_user": READER}, passwords)
    try:
        yield one
    finally:
        one.guest("take-away")
        for server in managed:
            server.sql(f"DROP DATABASE {NAME} WITH (FORCE)")
        rds.sql(f"DROP ROLE {OWNER}, {READER}")


@pytest.mark.parametrize(
    "beyond",
    [
        "CREATE ROLE more SUPERUSER",
        f"ALTER ROLE {MASTER} SUPERUSER",
        "ALTER SYSTEM SET work_mem = '8MB'",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT rolpassword FROM pg_authid",
        "SET session_replication_role = replica",
    ],
)
def test_no_customer_is_a_superuser(managed: tuple[Postgres, Postgres], beyond: str) -> None:
    for server, user in zip(managed, (MASTER, STANDBY), strict=True):
        done = run_as(server, user, beyond.replace(MASTER, user))
        assert done.returncode != 0
        assert "permission denied" in done.stderr


def test_a_flow_between_them_needs_no_more_than_they_give(flow: Flow) -> None:
    flow.must("check")
    made = flow.must("set-up")
    assert made["copied"]
    flow.here("UPDATE orders SET cents = cents + 1 WHERE id <= 50; INSERT INTO events VALUES ('2026-05-01', 1)")
    eventually(lambda: equal(flow), 60, "the changes at the target")
    found = flow.must("look")
    assert (found["healthy"], found["lag"]["newest_seconds"], found["slot"]["active"]) == (True, 0.0, True)
    assert flow.must("sequences")["outcome"] == "done"
    assert flow.must("take-away")["left"] == []


def test_a_backup_of_one_comes_back_at_the_other_and_is_proved(flow: Flow, tmp_path: Path) -> None:
    ends = {"database": flow.more["source"], "target": flow.more["target"]}
    archive = Archive(NAME, flow.source, flow.target, tmp_path, ends, {"password": PASSWORD})
    archive.store.mkdir()
    assert archive.must("run")["rows"] == 2600
    found = archive.must("restore")
    assert found["proved"] and found["rows"] == 2600 and found["differences"] == []
    assert must(flow.target, STANDBY, "SELECT count(*) FROM orders", NAME) == "2000"


def test_what_was_not_given_is_named_with_what_gives_it(flow: Flow) -> None:
    rds, cloud_sql = flow.source, flow.target
    must(rds, MASTER, f"REVOKE rds_replication FROM {OWNER}, {READER}")
    rds.sql(managed_postgres.follow())
    cloud_sql.sql(f"REVOKE cloudsqlsuperuser FROM {STANDBY}; GRANT CREATE ON DATABASE {NAME} TO {STANDBY}")
    slots, log_in, subscription = flow.refused()
    assert slots.endswith(f"or at RDS GRANT rds_replication TO {OWNER}")
    assert log_in.endswith(f"or at RDS GRANT rds_replication TO {READER}")
    assert f"GRANT pg_create_subscription TO {STANDBY}" in subscription
    cloud_sql.sql(f"GRANT cloudsqlsuperuser TO {STANDBY}")
    # Membership is all that RDS looks at: the check must, too.
    must(rds, MASTER, f"GRANT rds_replication TO {OWNER}, {READER}")
    flow.must("check")
