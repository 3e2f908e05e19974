"""The guest role `logical` moves the writer between real servers, PostgreSQL 16 and 18: planned, unplanned, back."""

import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from twinsite.guest.errors import Failed
from twinsite.guest.logical import gate
from twinsite.guest.logical.config import Config, End
from twinsite.guest.logical.psql import Server

from .load import COLLIDED, SHUT, Load, missing
from .postgres import Flow, Postgres, eventually, programs
from .test_logical_servers import SCHEMA, equal

NUMBERS = count(1)
GRANTS = """
GRANT USAGE ON SCHEMA public TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO crm_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO crm_app;
"""
"""Of the application, the same at both ends."""
BACK_GRANTS = """
GRANT USAGE ON SCHEMA public TO repl;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO repl;
"""
BACK = {"back_user": "repl"}


@pytest.fixture
def flow(servers: tuple[Postgres, Postgres], tmp_path: Path) -> Iterator[Flow]:
    """Set up, the application's rights at both ends; no gate yet."""
    name = f"move{next(NUMBERS)}"
    for one in servers:
        one.sql(f"CREATE DATABASE {name}")
    one = Flow(name, *servers, tmp_path, dict(BACK))
    one.here(SCHEMA + GRANTS)
    one.must("set-up")
    one.there(GRANTS + BACK_GRANTS)
    yield one
    for end in servers:
        if not (end.data / "postmaster.pid").exists():
            end.start()
    one.guest("take-away", "--target-writes")
    for end in servers:
        cleared(end, name)


def cleared(end: Postgres, name: str) -> None:
    """Nothing is left that the next test would stumble over."""
    asked = f"SELECT subname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = '{name}'"
    for left in end.sql(asked).split():
        end.sql(f"ALTER SUBSCRIPTION {left} DISABLE", name)
        end.sql(f"ALTER SUBSCRIPTION {left} SET (slot_name = NONE); DROP SUBSCRIPTION {left}", name)
    ours = f"FROM pg_replication_slots WHERE database = '{name}'"
    eventually(lambda: end.sql(f"SELECT count(*) {ours} AND active") == "0", 60, "slots are free")
    end.sql(f"SELECT pg_drop_replication_slot(slot_name) {ours}")


def gates(flow: Flow) -> tuple[str, str]:
    """(source, target): epoch and whether it writes."""
    asked = "SELECT epoch || CASE WHEN writes THEN ' open' ELSE ' shut' END FROM twinsite.gate"
    return flow.here(asked), flow.there(asked)


def active(flow: Flow) -> str:
    return flow.here("SELECT active FROM pg_replication_slots WHERE database = current_database()")


def slots(flow: Flow) -> tuple[str, str]:
    asked = (
        "SELECT coalesce(string_agg(slot_name, ','), '') FROM pg_replication_slots WHERE database = current_database()"
    )
    return flow.here(asked), flow.there(asked)


def subscriptions(flow: Flow) -> tuple[str, str]:
    asked = (
        "SELECT coalesce(string_agg(subname || CASE WHEN subenabled THEN '' ELSE ' disabled' END, ','), '') "
        "FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return flow.here(asked), flow.there(asked)


def session(server: Postgres, database: str, user: str, sql: str) -> "subprocess.Popen[str]":
    """A client that has said that, and stays."""
    command = [str(programs(18) / "psql"), "-X", "-q", "-A", "-t", "-h", str(server.folder), "-p", str(server.port)]
    client = subprocess.Popen(
        [*command, "-U", user, "-d", database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert client.stdin and client.stdout
    client.stdin.write(f"{sql}\n\\echo said\n")
    client.stdin.flush()
    assert client.stdout.readline().strip() == "said"
    return client


def test_writers_move_there_and_back_under_load_and_nothing_is_lost(flow: Flow) -> None:
    assert flow.must("prepare")["changed"][0] == "made a gate at the source, open"
    assert flow.must("prepare")["changed"] == []
    with Load((flow.source, flow.target), flow.name) as load:
        load.wait_for(40)
        there = flow.must("switch", "--epoch", "1")
        load.wait_for(40)
        assert gates(flow) == ("1 shut", "1 open")
        home = flow.must("switch", "--epoch", "2", "--to", "source")
        load.wait_for(40)
    assert gates(flow) == ("2 open", "2 shut")
    assert (slots(flow), subscriptions(flow)) == ((flow.name, ""), ("", flow.name))
    assert missing(load, flow.source) == []
    assert load.refusals.count(COLLIDED) == 0 and SHUT in load.refusals, load.refusals
    # What is promised is less; a machine that has better things to do needs longer, and the source then writes again.
    assert there["closed_seconds"] < 20 and home["closed_seconds"] < 20
    eventually(lambda: equal(flow), 60, "both ends are the same")
    assert flow.must("look")["problems"] == []
    # The checker sees what is lost, and what is left of it.
    lost = sorted(load.acknowledged)[:2]
    flow.here(f"DELETE FROM orders WHERE customer = (SELECT id FROM customers WHERE name = '{lost[0]}')")
    last = f"SELECT max(o.id) FROM orders o JOIN customers c ON c.id = customer AND name = '{lost[1]}'"
    flow.here(f"DELETE FROM orders WHERE id = ({last})")
    assert missing(load, flow.source) == lost


MANAGED = """
CREATE ROLE managed LOGIN REPLICATION;
GRANT pg_create_subscription, pg_signal_backend, pg_read_all_stats TO managed;
CREATE ROLE managed_repl LOGIN REPLICATION PASSWORD 'word';
"""
"""An administrator as managed services have one: no superuser, who owns what the application uses."""


def test_an_administrator_who_is_no_superuser_moves_the_writer(
    servers: tuple[Postgres, Postgres], tmp_path: Path
) -> None:
    name = f"managed{next(NUMBERS)}"
    told = {"back_user": "managed_repl", "replication_user": "managed_repl"}
    words = {"replication_password": "word", "back_password": "word"}
    flow = Flow(name, *servers, tmp_path, told, words, "managed")
    for one in servers:
        one.sql(MANAGED)
        one.sql(f"CREATE DATABASE {name} OWNER managed")
        one.sql("ALTER SCHEMA public OWNER TO managed", name)
    readable = BACK_GRANTS.replace("repl", "managed_repl")
    flow.here(f"SET ROLE managed; {SCHEMA} {GRANTS} {readable}")
    try:
        flow.must("set-up")
        flow.there(f"SET ROLE managed; {GRANTS} {readable}")
        with Load(servers, name, sessions=2) as load:
            load.wait_for(10)
            flow.must("switch", "--epoch", "1")
            load.wait_for(10)
            flow.must("switch", "--epoch", "2", "--to", "source")
            load.wait_for(10)
        assert missing(load, flow.source) == [] and COLLIDED not in load.refusals
        eventually(lambda: equal(flow), 60, "both ends are the same")
        # What it may not see of a place, it says, and then counts at most.
        found = flow.must("promote", "--epoch", "3", "--although-it-answers")
        assert any("an unknown place" in words for words in found["changed"])
        problems = flow.refused("rejoin", "--epoch", "3") if flow.guest("rejoin", "--epoch", "3")[1] else []
        assert all(" at most " in one for one in problems)
        assert flow.must("rejoin", "--epoch", "3", "--anew")["problems"] == []
        eventually(lambda: equal(flow), 60, "the source follows")
    finally:
        for one in servers:
            cleared(one, name)
            one.sql(f"DROP DATABASE {name} WITH (FORCE)")
            one.sql("DROP ROLE managed; DROP ROLE managed_repl")


STEPS = (
    "shut the",
    "transactions at the",
    "all of the",
    "sequences ahead at",
    "made slot",
    "over",
    "dropped subscription",
    "opened the",
    "made subscription",
    "dropped slot",
)


def killed(flow: Flow, after: str, *verb: str) -> None:
    _, said = flow.begin(*verb, killed_after=after).communicate(timeout=300)
    assert after in said.splitlines()[-1], f"{after} was never said: {said}"


def test_a_switch_that_was_killed_after_any_step_goes_on_to_the_same_end(flow: Flow) -> None:
    flow.must("prepare")
    ends, write = ("source", "target"), (flow.here, flow.there)
    for epoch, after in enumerate(STEPS, 1):
        old, new = (epoch - 1) % 2, epoch % 2
        write[old](f"INSERT INTO customers (name) VALUES ('before {after}')")
        verb = ("switch", "--to", ends[new], "--epoch", str(epoch))
        killed(flow, after, *verb)
        opened = after in STEPS[STEPS.index("opened the") :]
        assert gates(flow)[new].endswith("open") == opened, after
        assert gates(flow)[old].endswith("shut"), after
        with pytest.raises(AssertionError, match="takes no writes here"):
            write[old]("INSERT INTO customers (name) VALUES ('late')")
        flow.must(*verb)
        assert flow.must(*verb)["changed"] == [], "a second run changes nothing"
        assert gates(flow)[new] == f"{epoch} open" and gates(flow)[old] == f"{epoch} shut"
        assert slots(flow)[new] == flow.name and slots(flow)[old] == ""
        assert subscriptions(flow)[old] == flow.name and subscriptions(flow)[new] == ""
        assert write[new](f"INSERT INTO customers (name) VALUES ('after {after}') RETURNING id")
    eventually(lambda: equal(flow), 60, "both ends are the same")
    assert flow.here("SELECT count(*) FROM customers WHERE name ~ '^(before|after)'") == str(2 * len(STEPS))


def test_a_switch_that_was_killed_before_the_handing_over_can_be_backed_out_of(flow: Flow) -> None:
    flow.must("prepare")
    killed(flow, "made slot", "switch", "--epoch", "1")
    assert any(
        one.startswith("neither end takes writes: a move in epoch 1") for one in flow.guest("look")[0]["problems"]
    )
    assert flow.must("back-out", "--epoch", "2")["changed"] == ["opened the source again"]
    assert flow.must("back-out", "--epoch", "2")["changed"] == []
    assert gates(flow) == ("2 open", "0 shut") and slots(flow) == (flow.name, "")
    flow.here("INSERT INTO customers (name) VALUES ('goes on')")
    eventually(lambda: equal(flow), 60, "the flow goes on")
    # The order of before is late now, and the next one is not.
    assert "epoch 1 is late" in flow.refused("switch", "--epoch", "1")[0]
    killed(flow, "over", "switch", "--epoch", "3")
    assert "was handed over in epoch 3" in flow.refused("back-out", "--epoch", "4")[0]
    # The registers may have gone on meanwhile.
    assert "opened the target" in flow.must("switch", "--epoch", "4")["changed"]
    assert flow.must("switch", "--epoch", "4")["changed"] == [] and gates(flow) == ("4 shut", "4 open")
    assert "the target writes (epoch 4)" in flow.refused("back-out", "--epoch", "5")[0]


def test_a_target_that_does_not_get_all_of_it_leaves_the_source_writing(flow: Flow) -> None:
    flow.must("prepare")
    # The first beat is the one before anything is stopped; the second one comes too late.
    flow.there(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NEW; END'; "
        "CREATE TRIGGER slow BEFORE UPDATE ON twinsite.heartbeat FOR EACH ROW EXECUTE FUNCTION slow(); "
        "ALTER TABLE twinsite.heartbeat ENABLE ALWAYS TRIGGER slow"
    )
    with Load((flow.source, flow.source), flow.name) as load:
        load.wait_for(10)
        found, code = flow.guest("switch", "--epoch", "1", "--within", "0.5")
        assert code == 1 and "the target has not confirmed" in found["problems"][0], found
        assert found["problems"][0].endswith("; the source writes again")
        load.wait_for(20)
    assert SHUT in load.refusals, "it was shut"
    assert gates(flow) == ("1 open", "0 shut") and slots(flow) == (flow.name, "")
    flow.there("DROP TRIGGER slow ON twinsite.heartbeat")
    eventually(lambda: equal(flow), 60, "the flow goes on")
    assert missing(load, flow.target) == []


def test_whoever_owns_the_tables_is_held_too(flow: Flow) -> None:
    """What grants do not do (K44)."""
    flow.must("prepare")
    for user, sql in (
        ("postgres", "INSERT INTO customers (name) VALUES ('owner')"),
        ("postgres", "TRUNCATE orders"),
        ("postgres", "COPY orders (customer, cents) FROM stdin;\n1\t1\n\\."),
        ("crm_app", "UPDATE orders SET cents = 0"),
        ("crm_app", "DELETE FROM orders WHERE false"),
    ):
        client = session(flow.target, flow.name, user, "SET work_mem = 64;")
        said, _ = client.communicate(f"{sql};\n")
        assert "takes no writes here" in said, (sql, said)
    assert equal(flow), "and rows that come are not"


def test_transactions_that_were_open_are_ended_and_not_half_there(flow: Flow) -> None:
    flow.must("prepare")
    rows = "INSERT INTO customers (name) VALUES ('half')"
    writer = session(flow.source, flow.name, "crm_app", f"BEGIN; {rows};")
    looked = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM twinsite.gate \\g /dev/null"
    early = session(flow.source, flow.name, "crm_app", looked.replace("twinsite.gate", "orders"))
    assert flow.must("switch", "--epoch", "1")["ended"] == 2
    for client, more in ((writer, "COMMIT;"), (early, f"{rows}; COMMIT;")):
        said, _ = client.communicate(more + "\n")
        assert "terminating connection" in said or "server closed the connection" in said, said
    assert flow.there("SELECT count(*) FROM customers WHERE name = 'half'") == "0"


def test_everything_in_the_way_of_a_switch_is_named_before_anything_is_changed(flow: Flow) -> None:
    flow.more.pop("back_user")
    flow.there("REVOKE INSERT ON orders FROM crm_app; ALTER TABLE customers ADD COLUMN more int NOT NULL DEFAULT 0")
    flow.there("ALTER TABLE customers ALTER COLUMN more DROP DEFAULT")
    other = f"other{flow.name}"
    flow.there(f"CREATE SUBSCRIPTION {other} CONNECTION 'host=x' PUBLICATION p WITH (connect = false)")
    ours = f"SELECT oid, 'orders'::regclass, 'r', NULL FROM pg_subscription WHERE subname = '{other}'"
    flow.there(f"INSERT INTO pg_subscription_rel {ours}")
    flow.here("BEGIN; INSERT INTO customers (name) VALUES ('two'); PREPARE TRANSACTION 'two'")
    owner = session(flow.source, flow.name, "postgres", "BEGIN; INSERT INTO customers (name) VALUES ('batch');")
    try:
        problems = flow.refused("switch", "--epoch", "1")
    finally:
        owner.communicate("ROLLBACK;\n")
        flow.here("ROLLBACK PREPARED 'two'")
        flow.there(f"ALTER SUBSCRIPTION {other} SET (slot_name = NONE); DROP SUBSCRIPTION {other}")
    wanted = (
        "public.customers has the column more integer at the target only",
        f"in another subscription, {other}",
        "the source has 1 prepared transactions",
        "of postgres, who owns tables, has been writing at the source",
        "crm_app may write at the source and not at the target (INSERT on public.orders)",
        "back_user is missing",
    )
    assert len(problems) == len(wanted), problems
    for one in wanted:
        assert any(one in problem for problem in problems), (one, problems)
    assert flow.here("SELECT to_regclass('twinsite.gate') IS NULL") == "t"
    assert flow.there("SELECT to_regclass('twinsite.gate') IS NULL") == "t"


def test_a_flow_that_does_not_run_is_not_switched(flow: Flow) -> None:
    flow.must("prepare")
    flow.there(f"ALTER SUBSCRIPTION {flow.name} DISABLE")
    eventually(lambda: active(flow) == "f", 60, "the slot is free")
    problems = flow.refused("switch", "--epoch", "1")
    assert [one.split(":")[0] for one in problems] == [
        f"subscription {flow.name} at the target is disabled",
        f"nobody reads slot {flow.name} of the source",
    ]
    assert "epoch 0 is none" in flow.refused("switch")[0]
    flow.there(f"ALTER SUBSCRIPTION {flow.name} ENABLE")
    blocker = session(flow.target, flow.name, "postgres", "BEGIN; LOCK TABLE customers IN SHARE MODE;")
    eventually(lambda: active(flow) == "t", 60, "the flow runs")
    flow.here("INSERT INTO customers (name) VALUES ('waits')")
    (problem,) = flow.refused("switch", "--epoch", "1")
    blocker.communicate("COMMIT;\n")
    assert "a row of the source was not at the target after 5 s" in problem
    assert gates(flow) == ("0 open", "0 shut"), "nothing was stopped"


def test_a_way_back_that_cannot_be_gone_is_refused(flow: Flow) -> None:
    flow.more["target_as_seen_by_source"] = "/nowhere"
    (problem,) = flow.refused("switch", "--epoch", "1")
    assert problem.startswith("the server of the source does not get to the target for the way back")
    assert gates(flow) == ("0 open", "0 shut"), "nothing was stopped"


def test_where_a_server_has_no_bound_for_slots_a_look_keeps_it(flow: Flow) -> None:
    flow.target.configure(max_slot_wal_keep_size="-1")
    try:
        found, code = flow.guest("prepare")
        assert code == 2 and any("max_slot_wal_keep_size of the source is -1" in one for one in found["problems"])
        flow.more |= {"target_bounds_slots": False, "slot_wal_keep_mib": 1}
        flow.must("prepare")
        flow.must("switch", "--epoch", "1")
        flow.here(f"ALTER SUBSCRIPTION {flow.name} DISABLE")
        flow.there("CREATE TABLE noise (id int PRIMARY KEY, x text)")
        flow.there("INSERT INTO noise SELECT i, repeat('x', 400) FROM generate_series(1, 20000) i")
        kept = f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{flow.name}'"
        unread = f"{kept} AND NOT active"
        eventually(lambda: flow.there(unread) == "1", 60, "a slot that nobody reads")
        found, code = flow.guest("look")
        assert code == 1 and any("at the target was dropped: nobody read it" in one for one in found["problems"]), found
        assert flow.there(kept) == "0"
    finally:
        flow.target.configure(max_slot_wal_keep_size="")


def test_a_source_that_is_gone_is_replaced_and_comes_back_with_nothing_lost(flow: Flow) -> None:
    flow.must("prepare")
    assert "the source answers: `switch` loses nothing" in flow.refused("promote", "--epoch", "1")[0]
    flow.here("INSERT INTO customers (name) VALUES ('arrived')")
    assert flow.must("look")["lag"]["seconds"] is not None
    eventually(lambda: equal(flow), 60, "all has come")
    flow.source.stop("immediate")
    killed(flow, "dropped subscription", "promote", "--epoch", "1")
    found = flow.must("promote", "--epoch", "1")
    assert 0 < found["newest"]["age_seconds"] < 120
    assert "opened the target" in found["changed"]
    assert flow.must("promote", "--epoch", "1")["changed"] == []
    assert int(flow.there("INSERT INTO customers (name) VALUES ('after') RETURNING id")) > 1500
    flow.source.start()
    assert flow.must("rejoin", "--epoch", "1")["problems"] == []
    assert flow.must("rejoin", "--epoch", "1")["changed"] == []
    eventually(lambda: equal(flow), 60, "the source follows")
    assert gates(flow) == ("1 shut", "1 open") and slots(flow) == ("", flow.name)
    flow.must("switch", "--to", "source", "--epoch", "2")
    eventually(lambda: equal(flow), 60, "home again")
    assert flow.must("look")["problems"] == []


def test_rows_that_only_the_lost_source_has_are_counted_and_go_on_a_word_only(flow: Flow) -> None:
    flow.must("prepare")
    eventually(lambda: equal(flow), 60, "all has come")
    flow.there(f"ALTER SUBSCRIPTION {flow.name} DISABLE")  # the path is cut
    flow.here("INSERT INTO customers (name) VALUES ('alone'), ('too'); UPDATE orders SET cents = 5 WHERE id <= 3")
    flow.must("promote", "--epoch", "1", "--although-it-answers")
    assert any(one.startswith("both ends take writes") for one in flow.guest("look")[0]["problems"])
    flow.here("DELETE FROM events WHERE id = 1")  # nobody has shut it yet
    flow.there("INSERT INTO customers (name) VALUES ('after')")
    (problem,) = flow.refused("rejoin", "--epoch", "1")
    assert "2 inserted in public.customers, 1 deleted in public.events_2026, 3 updated in public.orders" in problem
    assert gates(flow) == ("1 shut", "1 open")
    assert flow.here("SELECT count(*) FROM customers WHERE name IN ('alone', 'too')") == "2", "they can still be read"
    killed(flow, "emptied", "rejoin", "--epoch", "1", "--anew")
    assert "nobody can say what" in flow.refused("rejoin", "--epoch", "1")[0]
    assert flow.must("rejoin", "--epoch", "1", "--anew")["copied"]
    eventually(lambda: equal(flow), 60, "the source is the target's copy")
    assert flow.here("SELECT count(*) FROM customers WHERE name = 'alone'") == "0"
    with pytest.raises(AssertionError, match="takes no writes here"):
        flow.here("INSERT INTO customers (name) VALUES ('late')")
    flow.must("switch", "--to", "source", "--epoch", "2")


def test_numbers_collide_where_sequences_were_left_behind(flow: Flow) -> None:
    """The harm that a move's step of sequences keeps away, and that the load would see."""
    flow.must("prepare")
    flow.must("switch", "--epoch", "1")
    flow.there("SELECT setval('customers_id_seq', 1)")
    with pytest.raises(AssertionError, match="duplicate key"):
        flow.there("INSERT INTO customers (name) VALUES ('again')")


def test_a_look_says_what_a_move_would_be_refused_for_and_is_well(flow: Flow) -> None:
    assert flow.must("look")["in_the_way"] == []
    flow.there("ALTER ROLE repl NOLOGIN")
    try:
        found = flow.must("look")
        assert (found["healthy"], found["problems"]) == (True, [])
        (said,) = found["in_the_way"]
        assert "on the way back" in said and "has no role repl that logs in" in said
        assert flow.refused("prepare") == [said]
    finally:
        flow.there("ALTER ROLE repl LOGIN")


def test_what_pulumi_runs_again_leaves_a_flow_that_was_moved_as_it_runs(flow: Flow) -> None:
    flow.must("switch", "--epoch", "1")
    assert flow.must("set-up")["changed"] == []
    found = flow.must("look")
    assert (found["from"], found["to"], found["problems"]) == ("target", "source", [])
    (said,) = flow.refused("take-away")
    assert said.startswith("the target takes writes since epoch 1, so that it has the newest data")
    assert flow.must("look")["problems"] == [], "nothing was taken away"
    (left,) = flow.must("take-away", "--target-writes")["left"]
    assert left.startswith("the gate at the source, which is shut")
    assert flow.there("SELECT to_regclass('twinsite.gate') IS NULL") == "t"


def test_a_run_that_was_overtaken_hands_nothing_over_and_opens_nothing_that_was(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of one move at once, as a job that outlives the desk that deleted it: neither undoes what the other rests
    on."""
    flow.must("prepare")
    monkeypatch.setenv("PATH", f"{programs(18)}:{os.environ['PATH']}")
    end = End(str(flow.source.folder), flow.name, "postgres", port=flow.source.port)
    server, config = Server("source", end), Config(flow.name, end, end, "", "", ("public",), 1, "")
    gate.order(server, config, 1, False)
    gate.reopen(server, config, 1)
    with pytest.raises(Failed, match="another run has opened it"):
        gate.hand(server, config, 1)
    assert gates(flow)[0] == "1 open"
    gate.order(server, config, 1, False)
    gate.hand(server, config, 1)
    with pytest.raises(Failed, match="was handed over"):
        gate.reopen(server, config, 1)
    assert gates(flow)[0] == "1 shut"
