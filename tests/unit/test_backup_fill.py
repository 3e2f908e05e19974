"""The order in which a restore brings tables in: what is left to do once a table's rows are in decides."""

from typing import Any

import pytest

from twinsite.guest.backup.ddl import Added
from twinsite.guest.backup.fill import _Table, no_space
from twinsite.guest.errors import SqlError

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


@pytest.mark.parametrize(
    "said",
    [
        "ERROR 1114 (HY000) at line 2: The table 'bulk' is full",
        "ERROR 3675 (HY000) at line 1: Create table/tablespace '#sql-cac_d' failed, as disk is full",
        "ERROR 1030 (HY000) at line 1: Got error 28 - 'No space left on device' from storage engine",
    ],
)
def test_a_full_disk_is_told_with_what_to_do_whether_rows_or_keys_have_met_it(said: str) -> None:
    assert "give it more and run restore again" in no_space(SqlError.of(said))
    assert no_space(SqlError.of("ERROR 1146 (42S02) at line 1: Table 'a.b' doesn't exist")) == ""
