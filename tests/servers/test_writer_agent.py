"""Agents of two sites beside real servers, PostgreSQL 16 and 18: never two that write, and dead ones close (ADR 65).

Leases are a fifth of the real ones (writer_sites.py). Both databases would take writes by what a move says of them, so
that registers and leases alone hold one back.
"""

import json
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from twinsite.guest.writer.registers import packed
from twinsite.guest.writer.rule import Said

from .postgres import Postgres, eventually
from .writer_sites import RULE, TURN_SECONDS, FileRegister, Sites, heal, whole_schedule

NUMBERS = count(1)
SLACK = 2.0
"""What a busy machine takes for a client, or an acknowledgement."""


@pytest.fixture
def sites(servers: tuple[Postgres, Postgres], tmp_path: Path) -> Iterator[Sites]:
    both = Sites(servers, f"sites{next(NUMBERS)}", tmp_path)
    try:
        both.begin()
        yield both
    finally:
        both.end()


def silent(sites: Sites, seconds: float) -> None:
    """Nobody writes for so long."""
    before = [len(one.acknowledged) for one in sites.applications.values()]
    time.sleep(seconds)
    assert [len(one.acknowledged) for one in sites.applications.values()] == before


def test_a_dead_agent_closes_and_never_opens(sites: Sites) -> None:
    killed = time.monotonic()
    sites.aws.kill()
    stops = RULE.lease_seconds + RULE.closing_seconds + SLACK
    time.sleep(stops)
    silent(sites, 2 * RULE.lease_seconds)
    assert killed < sites.last(sites.aws) < killed + stops
    assert sites.turns() == ["aws"]
    sites.aws.begin()
    sites.wait_for(sites.aws)


def test_a_move_is_noticed_and_the_word_of_having_stopped_spares_the_wait(sites: Sites) -> None:
    moved = sites.move(sites.gcp)
    began = sites.wait_for(sites.gcp)
    assert sites.last(sites.aws) < moved + TURN_SECONDS + RULE.closing_seconds + SLACK
    assert sites.turns() == ["aws", "gcp"]
    assert began - moved < RULE.wait_seconds
    eventually(lambda: sites.gcp.answers() == 200 and sites.aws.answers() == 503, 60, "whoever steers users is told")
    eventually(lambda: sites.said() == [Said(1, "gcp", clear=True)] * 3, 60, f"{sites.said()}")
    told = json.loads((sites.folder / "agent-gcp").read_text())
    assert (told["role"], told["epoch"], told["has_data"]) == ("writer", 1, True)


def test_a_site_that_returns_after_a_failover_serves_nobody(sites: Sites) -> None:
    sites.aws.kill()
    moved = sites.move(sites.gcp)
    assert sites.wait_for(sites.gcp) - moved >= RULE.wait_seconds - SLACK, "nobody said that AWS had stopped"
    sites.aws.begin()
    eventually(lambda: sites.aws.answers() == 503, 60, "its agent answers")
    seen = len(sites.applications["aws"].acknowledged)
    time.sleep(2 * RULE.lease_seconds)
    assert len(sites.applications["aws"].acknowledged) == seen
    assert sites.turns() == ["aws", "gcp"]
    sites.move(sites.aws)
    sites.wait_for(sites.aws)
    assert sites.turns() == ["aws", "gcp", "aws"]


def test_an_agent_that_stood_still_through_a_failover_opens_nothing(sites: Sites) -> None:
    sites.aws.stand_still()
    sites.move(sites.gcp)
    sites.wait_for(sites.gcp)
    seen = len(sites.applications["aws"].acknowledged)
    sites.aws.go_on()
    time.sleep(RULE.lease_seconds)
    assert len(sites.applications["aws"].acknowledged) == seen
    assert sites.aws.answers() == 503
    assert sites.turns() == ["aws", "gcp"]


def test_two_agents_of_a_site_go_through_one_gate(sites: Sites) -> None:
    second = sites.aws.begin()
    eventually(lambda: sites.aws.answers() == 200, 60, "the second says the same")
    sites.aws.agents[0].kill()
    sites.aws.agents[0].wait(20)
    time.sleep(RULE.lease_seconds + RULE.closing_seconds)
    sites.wait_for(sites.aws)
    sites.aws.begin()
    second.send_signal(19)  # SIGSTOP: it holds what it was about to say
    sites.move(sites.gcp)
    sites.wait_for(sites.gcp)
    second.send_signal(18)
    time.sleep(RULE.lease_seconds)
    assert sites.turns() == ["aws", "gcp"]


@pytest.mark.parametrize("cut", [1, 2])
def test_one_register_may_be_gone_and_two_stop_who_writes(sites: Sites, cut: int) -> None:
    for at in range(cut):
        FileRegister(sites.folder / f"register-{at}", "aws").cut()
    time.sleep(RULE.lease_seconds + RULE.closing_seconds + SLACK)
    if cut == 1:
        sites.wait_for(sites.aws)
        return
    silent(sites, RULE.lease_seconds)
    heal(sites)
    sites.wait_for(sites.aws)
    assert sites.turns() == ["aws"]


def test_a_failover_that_swapped_one_register_stops_who_reads_it(sites: Sites) -> None:
    one = sites.registers()[2]
    found = one.read()
    assert found and one.swap(packed(Said(1, "gcp"), found[0]), found[1])
    time.sleep(TURN_SECONDS + RULE.closing_seconds + SLACK)
    silent(sites, RULE.lease_seconds)
    sites.move(sites.gcp)
    sites.wait_for(sites.gcp)
    assert sites.turns() == ["aws", "gcp"]


@pytest.mark.parametrize("seed", [2, 5])
def test_in_a_schedule_of_kills_pauses_and_cuts_two_sites_never_write(sites: Sites, seed: int) -> None:
    whole_schedule(sites, seed)
