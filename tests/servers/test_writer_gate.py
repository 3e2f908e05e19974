"""A gate with a lease at real servers, PostgreSQL 16 and 18: it shuts by itself, and holds what was open (ADR 65)."""

import time
from collections.abc import Iterator
from itertools import count

import pytest

from tests.writer_registers import MemoryRegister
from twinsite.guest.errors import Failed
from twinsite.guest.logical.config import Config, End
from twinsite.guest.logical.psql import Patience, Server
from twinsite.guest.writer.agent import Agent
from twinsite.guest.writer.database import DatabaseGate
from twinsite.guest.writer.holder import clock
from twinsite.guest.writer.rule import Heard, Memory, Rule, Said

from .postgres import Postgres, eventually, programs
from .test_logical_moves import session

NUMBERS = count(1)
RULE = Rule(lease_seconds=5.0, closing_seconds=2.0)
"""A machine that is busy takes a second for a client."""
SHUT = "25006"


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{programs(18)}:/usr/bin:/bin")


class World:
    """One database with a table, and its gate."""

    def __init__(self, server: Postgres, home: bool = True) -> None:
        self.server, self.name = server, f"lease{next(NUMBERS)}"
        server.sql(f"CREATE DATABASE {self.name}")
        self.sql("CREATE TABLE t (id serial PRIMARY KEY, said text)")
        end = End(str(server.folder), self.name, "postgres", port=server.port)
        config = Config("crm", end, end, "", "", ("public",), 1, "")
        patience = Patience(connect=10, lock=5, statement=10, call=20)
        self.gate = DatabaseGate(Server("database", end, patience=patience), config, home, RULE)

    def sql(self, text: str) -> str:
        return self.server.sql(text, self.name)

    def put_up(self) -> list[str]:
        did: list[str] = []
        self.gate.put_up(did.append)
        return did

    def open(self, seconds: float = RULE.lease_seconds, epoch: int = 1) -> None:
        self.gate.open(epoch, clock() + seconds)

    def writes(self) -> bool:
        """Whether a write comes in, of a superuser who owns the table."""
        try:
            self.sql("INSERT INTO t (said) VALUES ('one')")
        except AssertionError as refusal:
            assert "this site has no lease of flow crm" in str(refusal), refusal
            return False
        return True


@pytest.fixture(params=[0, 1], ids=["16", "18"])
def world(request: pytest.FixtureRequest, servers: tuple[Postgres, Postgres]) -> Iterator[World]:
    one = World(servers[request.param])
    yield one
    one.server.sql(f"DROP DATABASE {one.name} WITH (FORCE)")


def test_a_gate_without_an_agent_works_as_before(world: World) -> None:
    assert world.put_up() == ["made a gate at the database, open", "put 1 tables of the database behind it"]
    assert world.put_up() == []
    assert world.writes()
    assert not world.gate.close(-1), "registers that nobody has heard do not stop who writes"
    assert world.writes()
    assert world.sql("SELECT count(*) FROM twinsite.passing") == "0"


def test_a_lease_lets_writes_in_until_its_end_and_not_after(world: World) -> None:
    world.put_up()
    world.open(3.0)
    began = time.monotonic()
    assert world.writes() and world.gate.until > 0
    eventually(lambda: not world.writes(), 60, "it shuts by itself")
    assert 2.5 < time.monotonic() - began < 8
    for sql in ("UPDATE t SET said = ''", "DELETE FROM t", "TRUNCATE t", "COPY t FROM stdin;\n1\tx\n\\.\n"):
        with pytest.raises(AssertionError, match="no lease"):
            world.sql(sql)
    world.open()
    assert world.writes()


def test_an_order_that_is_late_opens_nothing_longer(world: World) -> None:
    world.put_up()
    world.open()
    late = world.gate.look().now_ms + 200
    time.sleep(0.3)
    lease = world.sql("SELECT lease FROM twinsite.gate")
    world.sql(f"SELECT setval('{lease}', {late})")
    assert not world.writes()
    assert world.gate.close(5)
    with pytest.raises(Failed, match=r"an order of epoch 5, and 4 is late"):
        world.open(epoch=4)
    assert not world.writes()
    world.open(epoch=5)
    assert world.writes()


def test_a_lease_that_ends_too_late_was_given_before_the_clock_was_set_back(world: World) -> None:
    world.put_up()
    world.open()
    held = session(world.server, world.name, "postgres", "BEGIN; INSERT INTO t (said) VALUES ('held');")
    world.sql("SELECT setval(lease, pg_sequence_last_value(lease) + 3600000) FROM twinsite.gate")
    assert not world.writes()
    assert "cannot be committed" in held.communicate("COMMIT;\n")[0]
    world.open(RULE.lease_seconds + 1.5)
    assert not world.writes(), "nor does the agent give one"
    world.gate.close(1)
    world.open()
    assert world.writes(), "the next turn mends it"


def test_who_shuts_leaves_a_moves_own_session_alone_and_ends_the_owners(world: World) -> None:
    world.put_up()
    world.open()
    ours = "SET application_name = 'twinsite'; BEGIN; SET LOCAL work_mem = '1MB';"
    job = session(world.server, world.name, "postgres", ours)
    owner = session(world.server, world.name, "postgres", "BEGIN; INSERT INTO t (said) VALUES ('held');")
    assert world.gate.close(2)
    assert "goes on" in job.communicate("SELECT 'goes ' || 'on'; COMMIT;\n", timeout=60)[0]
    assert "goes on" not in owner.communicate("SELECT 'goes ' || 'on'; COMMIT;\n", timeout=60)[0]
    assert world.sql("SELECT count(*) FROM t") == "0"


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_a_transaction_that_was_open_commits_soon_after_the_end_or_never(world: World, level: str) -> None:
    world.put_up()
    world.open(3.0)
    begin = f"BEGIN ISOLATION LEVEL {level.upper()}; INSERT INTO t (said) VALUES ('%s');"
    soon, late, idle, early = (
        session(world.server, world.name, "postgres", begin % name) for name in ("soon", "late", "idle", "early")
    )
    assert early.communicate("COMMIT;\n")[0] == ""
    eventually(lambda: not world.writes(), 60, "the lease has ended")
    assert soon.communicate("COMMIT;\n")[0] == "", "within the closing"
    assert "no lease" in idle.communicate("INSERT INTO t (said) VALUES ('more');\n")[0], "a statement after the end"
    eventually(lambda: world.gate.look().until_ms + 2000 < world.gate.look().now_ms, 60, "the closing is over")
    told = late.communicate("COMMIT;\n")[0]
    assert "cannot be committed: the lease of flow crm ended 2 s ago" in told
    assert world.sql("SELECT string_agg(said, ' ' ORDER BY id) FROM t WHERE said <> 'one'") == "soon early"


@pytest.mark.parametrize(
    "within",
    [
        "SAVEPOINT a; INSERT INTO t (said) VALUES ('gone'); ROLLBACK TO a; INSERT INTO t (said) VALUES ('x');",
        "DELETE FROM t; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; DELETE FROM t;",
        "TRUNCATE t;",
    ],
)
def test_whatever_a_transaction_does_it_is_looked_at_when_it_commits(world: World, within: str) -> None:
    world.put_up()
    world.open(3.0)
    one = session(world.server, world.name, "postgres", f"BEGIN; {within}")
    time.sleep(5.2)
    assert "cannot be committed" in one.communicate("COMMIT;\n")[0]


def test_a_lease_that_is_renewed_lets_long_transactions_be(world: World) -> None:
    world.put_up()
    world.open()
    one = session(
        world.server,
        world.name,
        "postgres",
        "BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO t (said) VALUES ('long');",
    )
    for _ in range(5):
        time.sleep(1.5)
        world.open()
    assert one.communicate("INSERT INTO t (said) VALUES ('longer'); COMMIT;\n")[0] == ""
    assert world.sql("SELECT count(*) FROM twinsite.passing") == "1"
    time.sleep(1.1)
    world.open()
    assert world.sql("SELECT count(*) FROM twinsite.passing") == "0", "the agent sweeps"


def test_shutting_ends_what_is_open_and_spares_who_reads_later(world: World) -> None:
    world.put_up()
    world.open()
    world.gate.knows = lambda: Memory("aws", (Heard(2, "gcp"), Heard(), Heard()))
    old = session(world.server, world.name, "postgres", "BEGIN; INSERT INTO t (said) VALUES ('old');")
    began = time.monotonic()
    assert world.gate.close(2)
    assert time.monotonic() - began < 5
    assert not world.writes() and world.gate.until == 0
    reader = session(world.server, world.name, "postgres", "BEGIN; SELECT FROM t;")
    assert world.gate.close(2)
    assert reader.communicate("SELECT 'alive';\n")[0].strip() == "alive"
    assert "terminating connection" in old.communicate("COMMIT;\n")[0]


def test_what_was_prepared_is_never_called_empty(world: World) -> None:
    world.put_up()
    world.open()
    world.sql("BEGIN; INSERT INTO t (said) VALUES ('x'); PREPARE TRANSACTION 'lease'")
    try:
        assert not world.gate.close(2)
    finally:
        world.sql("ROLLBACK PREPARED 'lease'")
    assert world.gate.close(2)


def test_away_from_home_a_gate_asks_for_a_lease_from_its_first_day(servers: tuple[Postgres, Postgres]) -> None:
    world = World(servers[1], home=False)
    assert world.put_up()[-1] == "the gate asks for a lease from now on"
    world.sql("UPDATE twinsite.gate SET writes = true")
    assert not world.writes()
    assert world.put_up() == []


def test_a_table_that_is_made_later_is_behind_the_gate_as_well(world: World) -> None:
    world.put_up()
    world.open(3.0)
    world.sql("CREATE TABLE later ()")
    assert world.put_up() == ["put 1 tables of the database behind it"]
    time.sleep(3)
    with pytest.raises(AssertionError, match="later takes no writes here"):
        world.sql("INSERT INTO later DEFAULT VALUES")


def test_the_first_agent_at_home_writes_the_first_words_and_stops_nobody(world: World) -> None:
    registers = [MemoryRegister() for _ in range(3)]
    said: list[str] = []
    agent = Agent("aws", "aws", list(registers), world.gate, rule=RULE, say=said.append)
    agent.turn(5)
    assert world.writes() and not agent.writes
    assert [one.said for one in registers] == [Said(0, "aws", clear=True)] * 3
    agent.turn(5)
    assert agent.writes and world.writes(), said
    assert agent.known()["role"] == "writer" and agent.known()["problems"] == []
    # All three lost: nobody may take this for the first day.
    for one in registers:
        one.content = b""
    time.sleep(5.1)
    other = Agent("aws", "aws", list(registers), world.gate, rule=RULE, say=said.append)
    for _ in range(2):
        other.turn(5)
    assert [one.said for one in registers] == [None] * 3
    assert not world.writes() and other.known()["why"] == "no register has named a writer"


def test_an_agent_away_from_home_writes_no_first_words(servers: tuple[Postgres, Postgres]) -> None:
    registers = [MemoryRegister() for _ in range(3)]
    agent = Agent("gcp", "aws", list(registers), World(servers[1], home=False).gate, rule=RULE)
    agent.turn(5)
    agent.turn(5)
    assert [one.said for one in registers] == [None] * 3


def test_a_gate_that_is_released_takes_writes_without_a_lease_where_this_site_may_write(world: World) -> None:
    world.put_up()
    world.open()
    world.gate._released = True
    world.open(4.0, epoch=2)
    assert world.gate.until > 0 and not world.gate.look().leased
    world.sql("SELECT pg_sleep(5.2)")
    assert world.writes(), "nobody has to renew it"
    # Another site's word still shuts it.
    world.gate.knows = lambda: Memory("aws", (Heard(3, "gcp"), Heard(), Heard()))
    world.gate.close(3)
    assert not world.writes()
