"""Passwords of replication are rotated on two real servers, and nothing breaks that has not learnt the new one yet.

The role's own functions run against them; no machine is booted.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from twinsite.database.existing_source import statements

from .database_pair import authority, eventually
from .two_servers import Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

SOURCE, REPLICA = "127.0.0.2", "127.0.0.1"
"""Both on the room's loopback; the replica's packets come from the second."""
LISTENS = "127.0.0.3"
"""The replica, to whom nobody speaks by TCP: at its own address the room's first server listens."""
CNF = """[mysqld]
user = mysql
datadir = /srv/{name}
socket = /srv/{name}.sock
pid_file = /srv/{name}.pid
log_error = /srv/{name}.log
bind_address = {address}
mysqlx = OFF
server_id = {number}
gtid_mode = ON
enforce_gtid_consistency = ON
skip_name_resolve = ON
event_scheduler = {events}
innodb_buffer_pool_size = 64M
innodb_redo_log_capacity = 16M
innodb_flush_log_at_trx_commit = 0
sync_binlog = 0
"""
TLS = """ssl_ca = /etc/mysql/twinsite-ca.pem
ssl_cert = /srv/rotation-cert.pem
ssl_key = /srv/rotation-key.pem
"""
# The payload's folder is a package, whatever it is called; MySQL's socket is where this room has it.
CALL = """
import json, sys
sys.path.insert(0, "/opt/twinsite")
from current.database import accounts, config, replica, server
from current.errors import Failed, Refused
told = json.load(sys.stdin)
server.SOCKET = told["socket"]
settings = config.parse(told["config"])
secrets = config.parse_secrets(told["secrets"], settings.role)
try:
    print(json.dumps({"said": eval(told["call"])}))
except (Failed, Refused) as problem:
    print(json.dumps({"problem": str(problem)}))
"""
REMEMBERED = "/var/lib/twinsite/database.json"


class Pair:
    """A source and a replica in the room of two servers, beside these."""

    def __init__(self, room: Servers) -> None:
        self.room = room
        signer = authority()
        self.certificate, self.key = signer.certificate(SOURCE)
        room.must("mkdir -p /etc/mysql && cat > /etc/mysql/twinsite-ca.pem", signer.pem.encode())
        for name, text in (("cert", self.certificate), ("key", self.key)):
            room.must(f"cat > /srv/rotation-{name}.pem && chown mysql: /srv/rotation-{name}.pem", text.encode())
        for number, (name, address, events) in enumerate((("first", SOURCE, "ON"), ("second", LISTENS, "OFF")), 11):
            text = CNF.format(name=name, address=address, number=number, events=events)
            room.must(f"cat > /srv/{name}.cnf", (text + (TLS if name == "first" else "")).encode())
            room.must(f"cp -a /srv/fresh /srv/{name}")
            room.must(f"mysqld --defaults-file=/srv/{name}.cnf --daemonize || (tail -5 /srv/{name}.log >&2; false)")
        common = {"source_address": SOURCE, "replica_address": REPLICA, "tls_ca": signer.pem, "source_wait_seconds": 2}
        self.config: dict[str, dict[str, Any]] = {
            "first": {**common, "role": "source", "server_id": 11, "tls_cert": self.certificate},
            "second": {**common, "role": "replica", "server_id": 12},
        }

    def end(self) -> None:
        for name in ("second", "first"):
            self.room.on(f"mysqladmin --no-defaults -uroot -S /srv/{name}.sock shutdown")
        self.room.must(f"rm -rf /srv/first* /srv/second* {REMEMBERED}")

    def call(self, name: str, generation: int, call: str, **change: Any) -> dict[str, Any]:
        """A function of the role on one host, told the passwords of a generation."""
        secrets = {f"{kind}_password": word(kind, generation) for kind in ("replication", "clone")}
        told = {
            "socket": f"/srv/{name}.sock",
            "config": {**self.config[name], **change},
            "secrets": {**secrets, "tls_key": self.key},
            "call": call,
        }
        self.room.must("cat > /srv/call.py", CALL.encode())
        found: dict[str, Any] = json.loads(self.room.must("python3 /srv/call.py", json.dumps(told).encode()))
        return found

    def source(self, generation: int) -> list[str]:
        said: list[str] = self.call("first", generation, "accounts.accounts(settings, secrets)")["said"]
        return said

    def replica(self, generation: int) -> dict[str, Any]:
        return self.call("second", generation, "replica.seed(settings, secrets).changed")

    def forget(self, told: str) -> list[str]:
        call = f"accounts.forget_former(settings, {told!r})"
        said: list[str] = self.call("first", 1, call, replica_knows="abc")["said"]
        return said

    def opens(self, generation: int) -> bool:
        """Whether the source takes the replication password of a generation."""
        command = (
            f"MYSQL_PWD={word('replication', generation)} mysql --no-defaults -h {SOURCE} -u twinsite_repl -e 'DO 1'"
        )
        done = self.room.on(command)
        assert done.returncode == 0 or b"1045" in done.stderr, done.stderr
        return done.returncode == 0

    def reconnects(self) -> None:
        """The receiver logs in anew, and a row written on the source after that arrives."""
        self.room.sql("second", "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD")
        mark = str(time.monotonic_ns())
        self.room.sql(
            "first", f"CREATE DATABASE IF NOT EXISTS app; CREATE OR REPLACE VIEW app.mark AS SELECT {mark} AS at"
        )

        def arrived() -> bool:
            done = self.room.try_sql("second", "SELECT at FROM app.mark")
            return done.stdout.decode().strip() == mark

        eventually(arrived, 20, lambda: self.room.sql("second", RECEIVER))


RECEIVER = "SELECT last_error_message FROM performance_schema.replication_connection_status"


def word(kind: str, generation: int) -> str:
    return f"{kind}-password-number-{generation}"


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    made = Pair(servers)
    yield made
    made.end()


def test_a_rotation_breaks_nothing_and_ends_with_one_password(pair: Pair) -> None:
    pair.source(1)
    assert any("configured the channel" in words for words in pair.replica(1)["said"])
    pair.reconnects()

    assert "new password of twinsite_repl" in pair.source(2)[0]
    assert (pair.opens(1), pair.opens(2)) == (True, True)
    pair.reconnects()  # with the former one: the replica has not been told yet
    assert pair.source(2) == [], "told again, it does not lose the former one"
    assert pair.opens(1)

    assert pair.replica(2) == {"said": ["changed the channel: SOURCE_PASSWORD"]}
    pair.reconnects()
    assert pair.forget("of another day") == [], "passwords may have changed since"
    assert pair.opens(1)
    assert len(pair.forget("abc")) == 2
    assert (pair.opens(1), pair.opens(2)) == (False, True)
    assert pair.forget("abc") == []
    pair.reconnects()


def test_a_replica_that_is_told_first_keeps_what_works_until_the_source_knows(pair: Pair) -> None:
    pair.source(1)
    pair.replica(1)
    pair.reconnects()
    problem = pair.replica(2)["problem"]
    assert "refuses twinsite_repl" in problem
    assert "keeps the password that it has and goes on replicating" in problem
    pair.reconnects()
    pair.source(2)
    assert pair.replica(2) == {"said": ["changed the channel: SOURCE_PASSWORD"]}
    pair.reconnects()


def test_an_existing_source_knows_the_next_password_before_it_is_used(pair: Pair) -> None:
    def owners(generation: int) -> None:
        """What the stack output source_sql has, as its owners run it."""
        values = {
            "replica_address": REPLICA,
            "replication_user": "twinsite_repl",
            "clone_user": "twinsite_clone",
            "binlog_expire_logs_seconds": "259200",
        }
        users = {"replication": "twinsite_repl", "clone": "twinsite_clone"}
        now, coming = ({kind: word(kind, number) for kind in users} for number in (generation, generation + 1))
        text = statements(values, users, now, coming)
        pair.room.sql("first", text)

    owners(1)
    owners(1)  # again, in the middle of nothing: the same
    assert (pair.opens(1), pair.opens(2)) == (True, True)
    assert "said" in pair.replica(1)
    pair.reconnects()
    assert pair.replica(2) == {"said": ["changed the channel: SOURCE_PASSWORD"]}, "nobody has been at the source"
    pair.reconnects()
    owners(2)
    assert (pair.opens(1), pair.opens(2), pair.opens(3)) == (False, True, True)
    pair.reconnects()
    # A rotation too early: the source has not heard of generation 4.
    assert "run the stack output source_sql first" in pair.replica(4)["problem"]
    pair.reconnects()


def test_without_a_second_password_the_replica_would_be_shut_out(pair: Pair) -> None:
    """What this is for: the positive control."""
    pair.source(1)
    pair.replica(1)
    pair.room.sql("first", f"ALTER USER twinsite_repl@'{REPLICA}' IDENTIFIED BY '{word('replication', 2)}'")
    pair.room.sql("second", "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD")
    eventually(lambda: "Access denied" in pair.room.sql("second", RECEIVER), 20, "the receiver to be refused")


def test_a_standbys_login_is_rotated_by_the_same_statements(pair: Pair) -> None:
    """As guest/standby/data.py gives them; the second DISCARD finds nothing, and is no error."""
    who = "application@'%'"
    run = [
        f"CREATE USER {who} IDENTIFIED BY 'one' REQUIRE SSL",
        f"ALTER USER {who} IDENTIFIED BY 'two' RETAIN CURRENT PASSWORD REQUIRE SSL",
    ]
    run += [f"ALTER USER {who} IDENTIFIED BY 'two' REQUIRE SSL"]
    for statement in run:
        pair.room.sql("first", statement)

    def opens(password: str) -> bool:
        return (
            pair.room.on(f"MYSQL_PWD={password} mysql --no-defaults -h {SOURCE} -u application -e 'DO 1'").returncode
            == 0
        )

    assert (opens("one"), opens("two")) == (True, True)
    for _ in range(2):
        pair.room.sql("first", f"ALTER USER {who} DISCARD OLD PASSWORD")
        assert (opens("one"), opens("two")) == (False, True)
