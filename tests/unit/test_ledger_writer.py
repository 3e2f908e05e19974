"""The ledger's writer against a client that misbehaves: only what was answered counts as acknowledged."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.drill import ledger_command, ledger_writer
from twinsite.guest.drill.ledger_writer import Book, Session, transaction
from twinsite.guest.errors import Failed

# Answers like the mysql client with --unbuffered: a line for each SELECT. The third transaction of a connection fails.
CLIENT = """#!/bin/sh
n=0
while read -r line; do
  n=$((n + 1))
  seq=$(echo "$line" | sed "s/.*'ack \\([0-9]*\\)'.*/\\1/")
  case $BEHAVIOUR in
    dies) [ $n -eq 3 ] && { echo 'ERROR 2013 (HY000): Lost connection' >&2; exit 1; } ;;
    lies) [ $n -eq 3 ] && { echo "ack 999"; continue; } ;;
    hangs) [ $n -eq 3 ] && exec sleep 60 ;;
  esac
  echo "ack $seq"
done
"""


@pytest.fixture
def behave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts the fake client first on PATH; call it with what it shall do."""
    client = tmp_path / "mysql"
    client.write_text(CLIENT)
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return lambda how: monkeypatch.setenv("BEHAVIOUR", how)


def outcomes(path: Path) -> list[tuple[int, str]]:
    return [(entry["seq"], entry["outcome"]) for entry in map(json.loads, path.read_text().splitlines())]


def driven(tmp_path: Path, transactions: int) -> tuple[list[bool], list[tuple[int, str]]]:
    book = Book(str(tmp_path / "acked.jsonl"))
    session = Session(1, book)
    answers = [session.commit(seq) for seq in range(1, transactions + 1)]
    session.close()
    book.close()
    return answers, outcomes(tmp_path / "acked.jsonl")


def test_every_answered_commit_is_acknowledged(tmp_path: Path, behave: Any) -> None:
    behave("well")
    answers, found = driven(tmp_path, 4)
    assert answers == [True] * 4
    assert found == [(seq, "acked") for seq in (1, 2, 3, 4)]


@pytest.mark.parametrize("how", ["dies", "lies", "hangs"])
def test_a_commit_without_its_own_answer_is_in_doubt_and_the_session_goes_on(
    how: str, tmp_path: Path, behave: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_writer, "_ANSWER_SECONDS", 0.5)
    behave(how)
    answers, found = driven(tmp_path, 5)
    assert answers == [True, True, False, True, True]
    assert found == [(1, "acked"), (2, "acked"), (3, "in-doubt"), (4, "acked"), (5, "acked")]


def test_no_client_means_in_doubt_and_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answers, found = driven(tmp_path, 1)
    assert answers == [False]
    assert found == [(1, "in-doubt")]


def test_a_number_is_never_used_twice_after_doubt(tmp_path: Path, behave: Any) -> None:
    """A repeat of a commit in doubt would itself make the duplicate that the ledger looks for."""
    behave("dies")
    _, found = driven(tmp_path, 9)
    assert [seq for seq, _ in found] == list(range(1, 10))


def test_a_transaction_writes_rows_children_and_its_session() -> None:
    text = transaction(3, 7)
    assert text.count("(3, 7, ") == 3
    assert text.index("INSERT INTO entries") < text.index("INSERT INTO details") < text.index("UPDATE sessions")
    assert text.endswith("COMMIT; SELECT 'ack 7';\n")
    assert text.count("\n") == 1


def test_all_sessions_write_until_they_are_told_to_stop(tmp_path: Path, behave: Any) -> None:
    behave("well")
    book = Book(str(tmp_path / "acked.jsonl"))
    ledger_writer.write(4, 400, lambda: book.counts["acked"] >= 40, book)
    book.close()
    entries = [json.loads(line) for line in (tmp_path / "acked.jsonl").read_text().splitlines()]
    assert {entry["session"] for entry in entries} == {1, 2, 3, 4}
    for session in (1, 2, 3, 4):
        numbers = [entry["seq"] for entry in entries if entry["session"] == session]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_ping_is_words_and_no_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_command, "sql", lambda *_: pytest.fail("it reached MySQL"))
    for message in ("", "x'); DROP TABLE t; --", "y" * 51):
        with pytest.raises(Failed):
            ledger_command.ping(message)
