"""The pure parts of the guest role `logical`: words for libpq, refusals, differences, sequences."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.errors import Refused
from twinsite.guest.logical import check, difference
from twinsite.guest.logical.config import CHANNEL_BINDING, Config, End, read
from twinsite.guest.logical.facts import Facts
from twinsite.guest.logical.psql import PgError, conninfo, identifier, literal
from twinsite.guest.logical.sequences import ahead, behind

END = End("db.example.com", "crm", "crm_owner", "it's \\ secret")
CONFIG = Config(
    name="crm",
    source=END,
    target=END,
    replication_user="repl",
    replication_password="",
    schemas=("public",),
    slot_wal_keep_mib=1024,
    authority_at_target="system",
)


def facts(version: int = 17, settings: dict[str, str] | None = None, **server: Any) -> Facts:
    """An end without a problem, but for what is given."""
    good = {
        "wal_level": "logical",
        "max_replication_slots": "10",
        "max_wal_senders": "10",
        "max_slot_wal_keep_size": "1024",
        "wal_sender_timeout": "10000",
        "wal_receiver_timeout": "10000",
        "max_logical_replication_workers": "4",
        "log_statement": "none",
    }
    about = {
        "version": version,
        "standby": False,
        "encoding": "UTF8",
        "creates": True,
        "super": True,
        "replicates": True,
        "roles": [],
        "settings": good | (settings or {}),
        "slots": 0,
        "senders": 0,
        "large_objects": 0,
        "extensions": None,
    }
    nothing: frozenset[Any] = frozenset()
    role = {"logs_in": True, "replicates": True, "overrides": []}
    return Facts(about | server, (), None, None, None, {}, role, nothing, nothing)


def problems(source: Facts, target: Facts, client: int = 18) -> list[str]:
    """Without the one about tables, of which these ends have none."""
    found = check.problems(CONFIG, source, target, client)
    return [one for one in found if "have no tables" not in one]


def test_good_ends_are_not_refused() -> None:
    assert problems(facts(), facts()) == []


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (facts(12, {"max_slot_wal_keep_size": ""}), facts(), "upgrade it to 13 or later"),
        (facts(15), facts(15), "which PostgreSQL 15 does not know"),
        (facts(17), facts(16), "make the target's version the source's or a later one"),
        (facts(settings={"wal_level": "replica"}), facts(), "rds.logical_replication=1"),
        (facts(settings={"max_slot_wal_keep_size": "512"}), facts(), "set it to 1024"),
        (facts(slots=8), facts(), "raise max_replication_slots by 1"),
        (facts(senders=10), facts(), "raise max_wal_senders by 3"),
        (facts(replicates=False), facts(), "GRANT rds_replication TO crm_owner"),
        (facts(creates=False), facts(), "GRANT CREATE ON DATABASE crm TO crm_owner"),
        (facts(standby=True), facts(), "name its primary, where publication"),
        (facts(extensions={"postgis": "public"}), facts(), "lacks the extensions postgis"),
        (facts(), facts(settings={"max_logical_replication_workers": "1"}), "set it to 4 or more"),
        (facts(), facts(super=False), "GRANT pg_create_subscription"),
        (facts(), facts(encoding="LATIN1"), "make the target's with ENCODING 'UTF8'"),
        (facts(), facts(settings={"wal_receiver_timeout": "120000"}), "(K42)"),
    ],
)
def test_what_only_a_server_knows_is_refused(source: Facts, target: Facts, words: str) -> None:
    (problem,) = problems(source, target)
    assert words in problem


def test_an_old_client_is_refused() -> None:
    (problem,) = problems(facts(), facts(), client=16)
    assert "which its pg_dump refuses" in problem


def test_a_roles_own_timeout_wins_over_the_servers() -> None:
    dms = facts(settings={"wal_sender_timeout": "0"})
    own = Facts(**{**vars(dms), "role": {"logs_in": True, "replicates": True, "overrides": ["wal_sender_timeout=10s"]}})
    assert any("is 0" in one for one in problems(dms, facts())) and problems(own, facts()) == []


@pytest.mark.parametrize(("text", "found"), [("10s", 10_000), ("10000", 10_000), ("1min", 60_000), ("0", 0), ("x", 0)])
def test_a_timeout_is_read_as_a_role_has_it(text: str, found: int) -> None:
    assert check.milliseconds(text) == found


def test_every_connection_verifies_the_server_and_sees_a_dead_one() -> None:
    words = END.where("/ca.pem")
    assert (words["sslmode"], words["sslrootcert"]) == (
        "verify-full",
        "/ca.pem",
    )  # upstream: prefer, which verifies nothing
    named = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "connect_timeout")
    assert [words[name] for name in named] == ["5", "2", "3", "10000", "5"]  # upstream: the kernel's two hours
    other = End("10.31.0.3", "crm", "u", certificate_name="p:crm-1").where("system")
    assert (other["host"], other["hostaddr"]) == ("p:crm-1", "10.31.0.3")
    proven = END.where(CHANNEL_BINDING)
    assert (proven["sslmode"], proven["channel_binding"], "sslrootcert" in proven) == ("require", "require", False)


def test_words_are_quoted_for_libpq_and_for_sql() -> None:
    assert conninfo({"password": END.password}) == r"password='it\'s \\ secret'"
    assert literal("it's") == "'it''s'" and identifier("a", 'b"c') == '"a"."b""c"'


def test_a_servers_words_are_kept_and_a_statement_of_it_is_not() -> None:
    said = (
        "psql:<stdin>:1: ERROR:  42601: syntax error\nLINE 1: CREATE SUBSCRIPTION … password='x'\n   ^\nLOCATION:  "
        "scanner.l"
    )
    error = PgError.of("target", said)
    assert (error.state, error.words) == ("42601", "syntax error") and not error.unreachable
    assert PgError.of("source", "psql: error: connection refused").unreachable


def columns(**change: Any) -> dict[str, Any]:
    one = {
        "schema": "s",
        "name": "t",
        "column": "c",
        "type": "text",
        "required": False,
        "filled": False,
        "computed": False,
    }
    return one | change


@pytest.mark.parametrize(
    ("source", "target", "words", "stops"),
    [
        ([columns(), columns(column="d")], [columns()], "column d text at the source only", True),
        ([columns()], [columns(), columns(column="d")], "column d text at the target only", False),
        ([columns()], [columns(), columns(column="d", required=True)], "where no row fills it", True),
        ([columns()], [columns(type="integer")], "is text at the source and integer at the target", True),
        ([columns()], [columns(required=True)], "DROP NOT NULL", True),
        ([columns(required=True)], [columns()], "SET NOT NULL", False),
        ([columns(computed=True)], [columns()], "is computed at one end only", True),
        ([columns()], [], "s.t is missing at the target", True),
        ([], [columns()], "s.t is at the target only", False),
    ],
)
def test_a_difference_is_named_by_table(source: Any, target: Any, words: str, stops: bool) -> None:
    (found,) = difference.tables(source, target)
    assert words in found.words and found.stops == stops and found.object == "s.t"
    assert difference.tables(source, source) == []


def test_a_views_text_is_compared_between_equal_versions_only() -> None:
    def view(says: str, version: int) -> list[dict[str, Any]]:
        return [{"kind": "view", "schema": "s", "name": "v", "says": says, "version": version}]

    assert difference.objects(view("a", 16), view("b", 18)) == []
    (found,) = difference.objects(view("a", 18), view("b", 18))
    assert found.object == "view s.v"


def row(last: int | None, step: int = 1, least: int = 1, most: int = 2000) -> dict[str, Any]:
    return {"last": last, "step": step, "least": least, "most": most}


def test_a_sequence_goes_ahead_within_its_bounds_and_never_back() -> None:
    assert ahead(row(None), 100) is None
    assert (ahead(row(5), 100), ahead(row(1990), 100), ahead(row(-5, -2, -50, -1), 100)) == (105, 2000, -50)
    assert behind(row(None), 105) and behind(row(104), 105) and not behind(row(105), 105)
    assert behind(row(-5, -1), -20) and not behind(row(-30, -1), -20)


def test_every_problem_of_a_document_is_said_at_once(tmp_path: Path) -> None:
    told, words = tmp_path / "logical.json", tmp_path / "words.json"
    told.write_text(json.dumps({"name": "C", "source": {"address": "a"}, "schemas": ["twinsite"]}))
    words.write_text("{}")
    with pytest.raises(Refused) as refused:
        read(str(told), str(words))
    assert len(refused.value.problems) == 11
