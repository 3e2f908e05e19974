"""A status that does not lie, on two machines: each silent breakage is named with its cause and mended as it says."""

from collections.abc import Iterator

import pytest

from benchmarks.breakages import run
from benchmarks.breakages.database import DATABASE, NEEDS_A_VOLUME, SAMPLE
from benchmarks.breakages.table import Breakage

from .database_pair import LEDGER, REPLICA, SOURCE, Pair, eventually, running_pair
from .pair_desk import PairDesk
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside]

BY_NAME = {row.name: row for row in DATABASE if row.name not in NEEDS_A_VOLUME}
REST = sorted(BY_NAME.keys() - set(SAMPLE))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PairDesk]:
    with running_pair(tmp_path_factory.mktemp("pair"), "tb") as pair:
        for host in (SOURCE, REPLICA):
            pair.apply(host)
        pair.gate()
        made = PairDesk(pair, tmp_path_factory.mktemp("desk"))
        eventually(lambda: made.status()["healthy"], 20, lambda: made.status()["problems"])
        yield made


def holds(desk: PairDesk, row: Breakage) -> None:
    found = run.one(desk, row)
    assert found.seconds is not None, str(found)
    assert found.mended, str(found)
    assert found.wrong == "", str(found)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_breakage_is_named_with_its_cause_and_mended_as_status_says(desk: PairDesk, name: str) -> None:
    holds(desk, BY_NAME[name])


def writing(pair: Pair) -> Iterator[None]:
    pair.must(SOURCE, f"{LEDGER} prepare")
    running = pair.start(SOURCE, f"{LEDGER} run --seconds 600 --rate 120")
    yield
    pair.must(SOURCE, f"{LEDGER} stop; {LEDGER} cleanup")
    running.wait(timeout=30)


@pytest.fixture
def load(desk: PairDesk) -> Iterator[None]:
    yield from writing(desk.pair)


def test_a_healthy_pair_under_load_raises_no_alarm(desk: PairDesk, load: None) -> None:
    looks = list(run.alarms(desk, 10))
    assert len(looks) >= 3
    assert [problems for problems in looks if problems] == []


@pytest.mark.long
@pytest.mark.parametrize("name", REST)
def test_every_other_breakage_too(desk: PairDesk, name: str) -> None:
    holds(desk, BY_NAME[name])
