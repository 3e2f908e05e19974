"""Subjects: found by what the inventory holds; a new kind is one row; what nobody can look at is said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from operations import host_facts, status
from operations.guest import Reports
from operations.once import Once
from operations.store import Unavailable
from operations.subjects import KINDS, flow
from operations.subjects.sources import Sources
from operations.subjects.subject import Subject, line
from tests import failover_world
from tests.operations_world import INVENTORY, of_hosts, reports
from twinsite.inventory import Flow, RecordSwitch

from .test_failover_edge import quiet, told

NONE = {"verdict": None, "reason": "no drill was run"}
ORDERS = Flow("orders", "postgres", "postgres-logical", "aws-source", "onprem-database")


@dataclass(frozen=True)
class Slot:
    """A subject that somebody adds."""

    name: str
    lag_mib: int

    def problems(self) -> Iterator[str]:
        if self.lag_mib > 100:
            yield f"{self.name}: its slot holds {self.lag_mib} MiB: look at the subscriber"

    def shown(self) -> Mapping[str, Any]:
        return {"slots": [{"name": self.name, "lag_mib": self.lag_mib}]}

    def lines(self) -> Iterator[str]:
        yield line("slot", self.name, f"{self.lag_mib} MiB behind")


def slots(sources: Sources) -> Sequence[Subject]:
    return [Slot(one.name, 512) for one in sources.inventory.flows_of("postgres-logical")]


def test_a_new_kind_of_flow_is_one_row_and_gets_problems_json_and_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(flow.KINDS, "postgres-logical", slots)
    found = host_facts.read(replace(INVENTORY, flows=(*INVENTORY.flows, ORDERS)), Reports(reports()))
    shown = status.status(of_hosts(found), NONE)
    assert shown.problems() == ["orders: its slot holds 512 MiB: look at the subscriber"]
    assert shown.shown()["slots"] == [{"name": "orders", "lag_mib": 512}]
    assert [one["name"] for one in shown.shown()["replicas"]] == ["onprem-aws"], "the other kind is there as before"
    assert "  slot     orders           512 MiB behind" in shown.text().splitlines()


def test_a_name_that_something_else_steers_is_not_held_against_a_latch() -> None:
    names = tuple(replace(name, steering=RecordSwitch("route53://Z")) for name in failover_world.INVENTORY.names)
    known = replace(quiet(), inventory=replace(failover_world.INVENTORY, names=names), latch=())
    problems = told(known).problems()
    assert [words.partition(":")[0] for words in problems] == ["www.example.com", "dr.example.com"]
    assert all("cannot look at what steers it (record-switch)" in words for words in problems)
    assert told(known).shown()["latch"] is None


def test_a_source_is_asked_once_also_when_it_does_not_answer() -> None:
    asked: list[int] = []

    def dead() -> Any:
        asked.append(1)
        raise Unavailable("timed out")

    source = Once(dead)
    for _ in range(2):
        with pytest.raises(Unavailable, match="timed out"):
            source()
    assert asked == [1]


def test_nothing_is_asked_for_what_the_inventory_has_not() -> None:
    def never() -> Any:
        raise AssertionError("asked")

    empty = replace(INVENTORY, hosts=(), tunnels=(), flows=())
    assert [one for read in KINDS.values() for one in read(Sources(empty, never, never, never))] == []
