"""What holds for any value and any backups: text round-trips, ranges cover, the newest complete backup is chosen."""

import datetime
import itertools
import json
import zlib
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from twinsite.guest.backup import ddl, exact, manifest, retention, rows
from twinsite.guest.backup.manifest import Found
from twinsite.guest.errors import Refused

# Every byte that is special somewhere on the way, more often than chance has it.
special = st.lists(
    st.sampled_from([b"\\", b"N", b"\n", b"\t", b"\0", b"\r", b"\\N", b"NULL", b"n", b"t", b"0", b"\xff"])
)
values = st.one_of(st.binary(max_size=40), special.map(b"".join))


@given(st.lists(st.one_of(st.none(), values), min_size=1, max_size=6))
def test_a_row_comes_back_from_its_line_exactly(row: list[bytes | None]) -> None:
    line = b"\t".join(rows.escaped(value) for value in row)
    assert b"\n" not in line
    assert [rows.field(raw) for raw in line.split(b"\t")] == row


@given(values)
def test_a_null_is_no_value_and_a_value_no_null(value: bytes) -> None:
    assert rows.escaped(value) != rows.escaped(None)
    assert rows.field(rows.escaped(value)) is not None


@given(st.lists(values, max_size=30))
def test_the_mark_of_null_is_in_no_escaped_value_and_is_not_escaped_itself(several: list[bytes]) -> None:
    mark = rows.new_mark()
    assert rows.escaped(mark) == mark
    assert mark not in b"\t".join(rows.escaped(value) for value in several)


@given(st.lists(st.lists(st.one_of(st.none(), values), min_size=2, max_size=2), max_size=6), st.integers(0, 6))
def test_the_sum_is_over_values_whatever_their_text_on_the_way(table: list[list[bytes | None]], cut: int) -> None:
    mark = rows.new_mark()
    lines = [b"\t".join(mark if value is None else rows.escaped(value) for value in row) + b"\n" for row in table]
    null = rows.SUMMED_NULL.encode()
    told = (b"\t".join(null if value is None else value for value in row) for row in table)
    first, second = b"".join(lines[:cut]), b"".join(lines[cut:])
    assert rows.summed(first, mark) + rows.summed(second, mark) == sum(zlib.crc32(row) for row in told)


numbers = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.decimals(-(10**12), 10**12, places=4).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: repr(value).replace("e+", "e")),
)


class Number(Decimal):
    """As it stands in the document."""


def documents(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    )


def printed(value: Any) -> str:
    """As MySQL prints it."""
    if isinstance(value, Number):
        return str(value.text)  # type: ignore[attr-defined]
    if isinstance(value, list):
        return f"[{', '.join(map(printed, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {printed(one)}" for key, one in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def number(text: str) -> Number:
    made = Number(text)
    made.text = text  # type: ignore[attr-defined]
    return made


def at(value: Any, path: bytes) -> Any:
    """What is at a path of MySQL's."""
    left = path.decode().removeprefix("$")
    while left:
        if left.startswith("["):
            leg, _, left = left[1:].partition("]")
            value = value[int(leg)]
        else:
            key, end = json.JSONDecoder().raw_decode(left, 1)
            value, left = value[key], left[end:]
    return value


@given(documents(st.one_of(numbers.map(number), st.text(max_size=20), numbers, st.booleans(), st.none())))
def test_each_number_that_is_not_read_back_is_put_in_its_place_and_no_other(document: Any) -> None:
    text = printed(document).encode()
    found = exact.patches(text)
    for path, literal in found:
        there = at(document, path)
        assert isinstance(there, Number)
        assert there == Decimal(literal)
        assert not exact.read_back(there.text.encode())  # type: ignore[attr-defined]
    assert len(found) == sum(not exact.read_back(one) for one in leaves(document))
    line = b"1\t" + rows.escaped(text) + b"\n"
    assert exact.parted(line, 1) == ((b"", [line]) if found else (line, []))


def leaves(value: Any) -> list[bytes]:
    if isinstance(value, Number):
        return [value.text.encode()]  # type: ignore[attr-defined]
    if isinstance(value, dict):
        value = list(value.values())
    return [found for one in value for found in leaves(one)] if isinstance(value, list) else []


@given(st.integers(-(2**63), 2**64 - 1), st.integers(0, 2**64), st.integers(1, 64))
def test_ranges_cover_every_key_once(low: int, width: int, count: int) -> None:
    found = rows.ranges(low, low + width, count)
    assert 1 <= len(found) <= count
    assert found[0][0] == low
    assert found[-1][1] == low + width
    assert all(first <= last for first, last in found)
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(found))


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=60)), max_size=5))
def test_a_script_comes_back_whatever_is_in_it(several: list[tuple[str, str]]) -> None:
    made = [ddl.Statement("view", name, text, settings={"sql_mode": name}) for name, text in several]
    assert ddl.parse(ddl.render(made)) == made


@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans(), st.booleans()), max_size=8), st.randoms())
def test_the_choice_is_the_newest_complete_one_in_any_order(
    backups: list[tuple[int, bool, bool]], order: object
) -> None:
    base = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    several = [
        Found(
            f"{number}",
            {"began": manifest.stamp(base + datetime.timedelta(minutes=minute)), "scheduled": scheduled},
            () if complete else ("damaged",),
        )
        for number, (minute, complete, scheduled) in enumerate(backups)
    ]
    order.shuffle(several)  # type: ignore[attr-defined]
    for which in ("latest", "latest-scheduled"):
        fit = [minute for minute, complete, scheduled in backups if complete and (scheduled or which == "latest")]
        try:
            chosen = manifest.choose(several, which)
        except Refused:
            assert not fit
        else:
            assert manifest.began(chosen) == base + datetime.timedelta(minutes=max(fit))


@given(
    st.lists(st.tuples(st.integers(0, 200), st.booleans(), st.booleans()), min_size=1, max_size=40),
    st.integers(7, 60),
    st.randoms(),
)
def test_the_newest_complete_ones_and_all_young_ones_outlive_every_deletion(
    backups: list[tuple[int, bool, bool]], keep_days: int, order: object
) -> None:
    base = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    several = []
    for number, (day, complete, scheduled) in enumerate(backups):
        began = base + datetime.timedelta(days=day)
        said = {"began": manifest.stamp(began), "scheduled": scheduled} if complete else None
        several.append(Found(f"{began:%Y%m%dT%H%M%SZ}-{number:08x}", said, () if complete else ("half",)))
    order.shuffle(several)  # type: ignore[attr-defined]
    complete_ones = sorted((one for one in several if one.complete), key=manifest.began)
    if not complete_ones:
        return
    newest = complete_ones[-1]
    gone = retention.outdated(several, newest.backup_id, keep_days)
    left = [one for one in several if one not in gone]
    assert manifest.choose(left, "latest").backup_id == manifest.choose(several, "latest").backup_id
    for one in gone:
        age = manifest.began(newest) - manifest.made_at(one.backup_id)
        assert age > datetime.timedelta(days=keep_days)
    assert sum(one.complete for one in left) >= min(retention.KEEP_NEWEST, len(complete_ones))
    if any(one.manifest and one.manifest["scheduled"] for one in complete_ones):
        assert manifest.choose(left, "latest-scheduled") == manifest.choose(several, "latest-scheduled")
    assert not retention.outdated(left, newest.backup_id, keep_days), "a second deletion finds nothing"
