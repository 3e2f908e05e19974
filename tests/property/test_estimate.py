"""The arithmetic of an estimate over random paths and settings: more never takes less, and unknown is never nothing."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from twinsite.estimate import rates
from twinsite.estimate.figures import SECONDS, Basis, Item, Kind, at_least, step, total, unknown
from twinsite.estimate.path import Parallel, Path, Serial, beside, critical, parallel, serial, steps
from twinsite.estimate.prices import EVERYWHERE, Prices
from twinsite.rules.traffic import latch_seconds, route_seconds

seconds = st.floats(0, 1e5)
known = seconds.map(lambda value: step("s", Kind.CREATION, value, Basis.ASSUMPTION, "random"))
lacking = st.just(None).map(lambda _: unknown("u", SECONDS, "random", Kind.CREATION))


def paths(leaves: st.SearchStrategy[Item]) -> st.SearchStrategy[Path]:
    def grown(part: st.SearchStrategy[Path]) -> st.SearchStrategy[Path]:
        several = st.lists(part, max_size=4).map(tuple)
        return several.map(Serial) | several.map(Parallel)

    return st.recursive(leaves, grown, max_leaves=12)


def longest(path: Path) -> float:
    """By definition, on steps that are all known."""
    if isinstance(path, Item):
        return path.value or 0.0
    lengths = [longest(part) for part in (path.parts if isinstance(path, Serial) else path.branches)]
    return sum(lengths) if isinstance(path, Serial) else max(lengths, default=0.0)


def close(one: float | None, other: float) -> bool:
    return one is not None and abs(one - other) <= 1e-6 * max(1.0, other)


@given(paths(known))
def test_the_critical_path_is_the_longest_way(path: Path) -> None:
    assert close(total(critical(path)), longest(path))


@given(paths(known | lacking))
def test_every_step_is_on_the_critical_path_or_beside_it(path: Path) -> None:
    assert len(critical(path)) + len(beside(path)) == len(list(steps(path)))


@given(paths(known), paths(known))
def test_a_parallel_step_never_shortens_and_a_serial_one_adds_its_own(path: Path, more: Path) -> None:
    before = at_least(critical(path))
    assert at_least(critical(parallel(path, more))) >= before
    assert close(total(critical(serial(path, more))), before + at_least(critical(more)))


@given(paths(known), paths(known | lacking))
def test_a_step_that_nobody_knows_never_becomes_a_number(path: Path, other: Path) -> None:
    nobody = unknown("u", SECONDS, "random")
    assert total(critical(serial(path, nobody))) is None
    assert total(critical(parallel(path, other, nobody))) is None


def longer(path: Path, by: float) -> Path:
    """With each step longer."""
    if isinstance(path, Item):
        return step("s", Kind.CREATION, (path.value or 0.0) + by, Basis.ASSUMPTION, "random")
    parts = tuple(longer(part, by) for part in (path.parts if isinstance(path, Serial) else path.branches))
    return Serial(parts) if isinstance(path, Serial) else Parallel(parts)


@given(paths(known), st.floats(0, 1e4))
def test_longer_steps_never_shorten_the_path(path: Path, by: float) -> None:
    assert at_least(critical(longer(path, by))) >= at_least(critical(path)) - 1e-6


counts = st.integers(1, 3600)
sizes = st.floats(0, 1e5)
database_sizes = st.sampled_from([*rates.FLEXIBLE_IOPS, "Standard_Z9"])


@given(counts, counts, st.integers(1, 10), counts)
def test_more_ttl_or_interval_never_moves_users_sooner(ttl: int, interval: int, failures: int, more: int) -> None:
    assert latch_seconds(ttl + more) > latch_seconds(ttl)
    now = route_seconds(interval, failures, ttl)
    assert route_seconds(interval + more, failures, ttl) > now
    assert route_seconds(interval, failures + more, ttl) > now
    assert route_seconds(interval, failures, ttl + more) > now


def value(item: Item) -> float:
    assert item.value is not None
    return item.value


@given(sizes, st.floats(1e-3, 1e5), database_sizes, st.booleans())
def test_a_larger_database_never_takes_less(size: float, more: float, database_size: str, managed: bool) -> None:
    for takes in (
        rates.fetch,
        rates.backup_itself,
        lambda gib: rates.restore(gib, database_size, managed),
        lambda gib: step("t", Kind.TRANSFER, rates.transfer_seconds(gib, 12.0), Basis.COMPUTED, "size ÷ rate"),
    ):
        assert value(takes(size + more)) >= value(takes(size))


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_longer_gap_between_backups_never_loses_less(gap: float, more: float) -> None:
    assert value(rates.between_backups(gap + more)) >= value(rates.between_backups(gap))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "sku": st.sampled_from(["a", "b", "c"]),
            "region": st.sampled_from(["here", "there", EVERYWHERE]),
            "unit": st.just("hour"),
            "usd": st.floats(1e-6, 1e4),
            "date": st.just("2026-11-29"),
            "source": st.sampled_from(["remembered", "https://prices.example.com"]),
        }
    ),
    unique_by=lambda row: (row["sku"], row["region"]),
)


@given(ROWS, st.sampled_from(["a", "b", "c"]), st.sampled_from(["here", "there"]), st.floats(0, 1e4))
def test_what_the_table_has_not_is_unknown_and_what_it_has_is_computed(
    rows: list[dict[str, Any]], sku: str, region: str, quantity: float
) -> None:
    found = Prices(rows).cost("x", sku, region, quantity)
    fitting = [row for place in (region, EVERYWHERE) for row in rows if (row["sku"], row["region"]) == (sku, place)]
    if not fitting:
        assert found.value is None and found.basis is Basis.UNKNOWN and sku in found.source
        return
    assert close(found.value, quantity * fitting[0]["usd"])
    assert (found.basis is Basis.REMEMBERED) == (fitting[0]["source"] == "remembered")
