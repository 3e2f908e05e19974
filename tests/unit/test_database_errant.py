"""What mysqlbinlog prints of a replica's own transactions, and which of them change nothing."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsite.guest.database import command, errant, server
from twinsite.guest.database.errant import Transaction, decoded
from twinsite.guest.database.gtid import parse

PRINTED = (Path(__file__).parent / "mysqlbinlog-9.7.txt").read_text(encoding="utf-8")
"""Two logs of MySQL 9.7.4: rows, also compressed ones, DDL, FLUSH of several kinds, empty transactions, tags."""
UUID = "b1f5dbf9-eb7b-11f1-90f7-02fc00000001"
OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
IDLE = {
    f"{UUID}:4": "flush tables",
    f"{UUID}:5": "flush privileges",
    f"{UUID}:6": "flush status",
    f"{UUID}:7": "flush tables t",
    f"{UUID}:8": "analyze table t update histogram on a",
    f"{UUID}:9": "flush user_resources",
    f"{UUID}:10": "flush optimizer_costs",
    f"{UUID}:11": "flush relay logs",
    f"{UUID}:12": "flush engine logs",
    f"{OTHER}:9": "",
    f"{OTHER}:tag1:9": "",
}
ROWS, TABLE = "an event Table_map, rows (Write_rows)", "create table app.t (a int primary key, b json)"
HOLDING = {
    f"{UUID}:1": "`create database app`",
    f"{UUID}:2": f"`{TABLE}`",
    f"{UUID}:3": ROWS,
    f"{UUID}:13": ROWS,
    f"{UUID}:14": "`create table app.z (a int)`",
    f"{UUID}:15": ROWS,
    f"{UUID}:tag2:1": ROWS,
}


def test_what_changes_nothing_and_what_does_are_told_apart() -> None:
    found = decoded(PRINTED)
    assert {gtid: one.says for gtid, one in found.items() if not one.holds} == IDLE
    assert {gtid: one.holds for gtid, one in found.items() if one.holds} == HOLDING


def printed(*events: tuple[str, str], gtid: str = f"{UUID}:7") -> str:
    """mysqlbinlog's print of one transaction: (kind, text) of each event after the first."""
    head = "#261128 22:33:22 server id 2  end_log_pos 340 CRC32 0x2f7b2e22 \t"
    text = f"# at 4\n{head}GTID\tlast_committed=0\nSET @@SESSION.GTID_NEXT= '{gtid}'/*!*/;\n"
    return text + "".join(f"# at 99\n{head}{kind}\n{body}" for kind, body in events)


def test_the_print_is_read_as_the_test_writes_it() -> None:
    assert decoded(printed(("Query\tthread_id=9", "SET TIMESTAMP=1/*!*/;\nFLUSH TABLES\n/*!*/;\n"))) == {
        f"{UUID}:7": Transaction(f"{UUID}:7", "FLUSH TABLES", "")
    }


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE app.t",
        "FLUSH TABLES\n/*!*/;\nDROP TABLE app.t",
        "FLUSH TABLES; DROP TABLE app.t",
        "/* FLUSH TABLES */ DROP TABLE app.t",
        "SET PASSWORD FOR x = 'y'",
        "ALTER TABLE t ANALYZE PARTITION p",
        "FLUSHED",
        "XA START 'x'",
        "CREATE TABLE app.x (\n# FLUSH TABLES\na INT)",
        "INSERT INTO app.t VALUES (1)",
    ],
)
def test_a_statement_that_is_not_on_the_list_is_a_change(statement: str) -> None:
    (one,) = decoded(printed(("Query\tthread_id=9", f"SET TIMESTAMP=1/*!*/;\n{statement}\n/*!*/;\n"))).values()
    assert one.holds


@pytest.mark.parametrize("kind", ["Write_rows: table id 1", "Table_map: `a`.`b`", "Intvar", "Incident", "Rows_query"])
def test_an_event_that_is_not_on_the_list_is_a_change(kind: str) -> None:
    around = ("Query\tthread_id=9", "BEGIN\n/*!*/;\n"), (kind, ""), ("Xid = 9", "COMMIT/*!*/;\n")
    (one,) = decoded(printed(*around)).values()
    assert one.holds


def test_a_compressed_transaction_that_was_not_unpacked_is_a_change() -> None:
    (one,) = decoded(printed(("Transaction_Payload\tpayload_size=9", ""))).values()
    assert one.holds == "something unreadable"


def test_a_text_that_pretends_to_be_another_transaction_forgives_nothing() -> None:
    """A comment in a DDL statement holds what mysqlbinlog prints of a FLUSH, under the number of the DDL itself."""
    fake = printed(("Query\tthread_id=9", "FLUSH TABLES\n/*!*/;\n"))
    (one,) = decoded(printed(("Query\tthread_id=9", f"CREATE TABLE x (a INT) /*\n{fake}*/\n/*!*/;\n"))).values()
    assert one.holds


@given(st.text(alphabet="#/*!;'\n FLUSHabc`", max_size=60))
def test_no_text_of_a_ddl_statement_makes_it_idle(text: str) -> None:
    found = decoded(printed(("Query\tthread_id=9", f"DROP TABLE {text}\n/*!*/;\n")))
    assert all(one.holds for one in found.values())


LOGS = {"binlog.000001": "", "binlog.000002": f"{UUID}:1-10", "binlog.000003": f"{UUID}:1-15"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A server with three logs, and which of them were printed."""
    files: list[list[str]] = []

    def sql(statement: str) -> list[list[dict[str, Any]]]:
        if statement == "SHOW BINARY LOGS":
            return [[{"Log_name": name} for name in LOGS]]
        (name,) = (name for name in LOGS if f"'{name}'" in statement)
        return [[{"Event_type": "Format_desc", "Info": ""}, {"Event_type": "Previous_gtids", "Info": LOGS[name]}]]

    def print_out(names: list[str], _: object) -> str:
        files.append(names)
        return PRINTED

    monkeypatch.setattr(server, "sql", sql)
    monkeypatch.setattr(server, "value", lambda _: f"{UUID}:1-20")
    monkeypatch.setattr(errant, "_printed", print_out)
    return files


def test_only_the_logs_that_hold_them_are_read(asked: list[list[str]]) -> None:
    found = errant.look(parse(f"{UUID}:9-11"))
    assert asked == [["binlog.000001", "binlog.000002"]]
    assert [(one["gtid"], one["holds"]) for one in found["transactions"]] == [
        (f"{UUID}:9", ""),
        (f"{UUID}:10", ""),
        (f"{UUID}:11", ""),
    ]


def test_one_whose_log_is_gone_is_not_forgiven(asked: list[list[str]]) -> None:
    (one,) = errant.look(parse(f"{OTHER}:77"))["transactions"]
    assert "its binary log is gone" in one["holds"]
    assert asked == []


def test_many_are_no_stray_statements(asked: list[list[str]]) -> None:
    assert "they are 101" in errant.look(parse(f"{OTHER}:1-101"))["problem"]
    assert asked == []


def test_the_verb_prints_what_operations_read(asked: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["decode", "--gtids", f"{UUID}:4"]) == 0
    told = dataclasses.asdict(Transaction(f"{UUID}:4", "flush tables", ""))
    assert json.loads(capsys.readouterr().out) == {"transactions": [told], "problem": ""}


def test_a_text_that_is_no_gtid_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["decode", "--gtids", "x'; DROP"]) == 2
    assert "is no GTID" in capsys.readouterr().err
