"""The order in which a restore brings tables in: what is left to do once a table's rows are in decides."""

from typing import Any

from twinsite.guest.backup.ddl import Added
from twinsite.guest.backup.fill import _Table

PLAIN = {"name": "id", "form": "plain", "nullable": False}


def table(name: str, rows: int, keys: int, chunks: list[int]) -> _Table:
    about: dict[str, Any] = {"name": name, "rows": rows, "columns": [PLAIN], "chunks": [{"bytes": n} for n in chunks]}
    made = [Added("keys", name, tuple((f"k{number}", "KEY") for number in range(keys)))] if keys else []
    return _Table(0, about, made, about["chunks"])


def test_the_table_whose_keys_take_longest_comes_first_and_one_without_any_last() -> None:
    tables = [
        table("log", 9000, 0, [900, 900]),
        table("journal", 900, 1, [60, 60]),
        table("owners", 500, 3, [40]),
        table("visits", 1800, 3, [90, 90]),
    ]
    tables.sort(key=lambda one: one.left_behind, reverse=True)
    assert [one.about["name"] for one in tables] == ["visits", "owners", "journal", "log"]


def test_of_tables_without_keys_the_largest_comes_first_by_what_is_not_in_yet() -> None:
    tables = [table("small", 10, 0, [5]), table("large", 10, 0, [5, 5]), table("in", 90, 0, [])]
    tables.sort(key=lambda one: one.left_behind, reverse=True)
    assert [one.about["name"] for one in tables] == ["large", "small", "in"]


def test_a_table_whose_rows_are_in_and_whose_keys_are_not_waits_for_no_other_tables_rows() -> None:
    tables = [table("loading", 500, 1, [90]), table("in", 600, 2, [])]
    tables.sort(key=lambda one: one.left_behind, reverse=True)
    assert [one.about["name"] for one in tables] == ["in", "loading"]
