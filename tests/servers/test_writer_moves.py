"""The verbs that move the writer, with an agent at each end: a write needs what a move says and what registers say."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.writer_registers import FileRegister
from twinsite.guest.logical.config import Config, End
from twinsite.guest.logical.psql import Server
from twinsite.guest.logical.switch import READY
from twinsite.guest.writer.database import DatabaseGate
from twinsite.guest.writer.raising import make_writer

from .load import COLLIDED, Load, missing
from .postgres import Flow, eventually, programs
from .test_logical_moves import flow as flow
from .test_logical_moves import gates
from .test_logical_servers import equal
from .writer_sites import HOME, RULE, Site


@pytest.fixture
def sites(flow: Flow, tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    aws, gcp = (
        Site(name, server, flow.name, tmp_path, flow.name)
        for name, server in ((HOME, flow.source), ("gcp", flow.target))
    )
    try:
        for one in (aws, gcp):
            one.begin()
        eventually(lambda: aws.answers() == 200, 60, f"AWS writes {aws.log()}")
        yield aws, gcp
    finally:
        for one in (aws, gcp):
            one.go_on()
            one.kill()


def claim(folder: Path, site: str) -> int:
    return make_writer([FileRegister(folder / f"register-{at}", "desk") for at in range(3)], site, rule=RULE).epoch


def test_a_switch_there_and_back_between_sites_with_agents_loses_nothing(
    flow: Flow, sites: tuple[Site, Site], tmp_path: Path
) -> None:
    aws, gcp = sites
    assert gates(flow) == ("0 open", "0 shut"), "agents have put the gates up"
    flow.must("prepare")
    with Load((flow.source, flow.target), flow.name) as load:
        load.wait_for(40)
        epoch = claim(tmp_path, "gcp")
        flow.must("switch", "--epoch", str(epoch))
        load.wait_for(40, 60)
        eventually(lambda: (aws.answers(), gcp.answers()) == (503, 200), 60, "/writer follows")
        assert gates(flow) == ("1 shut", "1 open")
        # Databases first, registers afterwards, is as safe: each end waits for both.
        flow.must("switch", "--epoch", "2", "--to", "source")
        assert gates(flow) == ("2 open", "2 shut")
        assert (aws.answers(), gcp.answers()) == (503, 503), "the one has the data, the other the registers"
        assert claim(tmp_path, HOME) == 2
        load.wait_for(40, 60)
        eventually(lambda: (aws.answers(), gcp.answers()) == (200, 503), 60, "/writer follows")
    assert missing(load, flow.source) == []
    assert load.refusals.count(COLLIDED) == 0
    eventually(lambda: equal(flow), 60, "both ends are the same")


WORD = ("--word", "60")


def begun(flow: Flow, epoch: int, to: str = "target", *more: str) -> "subprocess.Popen[str]":
    """A switch that has said that it is ready, and waits."""
    running = flow.begin("switch", "--epoch", str(epoch), "--to", to, *(more or WORD))
    assert running.stderr is not None
    said = []
    for line in running.stderr:
        said.append(line)
        if line.startswith(READY):
            return running
    raise AssertionError(f"it ended before it was ready: {said}")


def ended(running: "subprocess.Popen[str]") -> dict[str, Any]:
    out, said = running.communicate(timeout=120)
    assert out, said
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_a_switch_that_waits_for_the_registers_word_stops_writes_when_they_have_it(
    flow: Flow, sites: tuple[Site, Site], tmp_path: Path
) -> None:
    aws, gcp = sites
    flow.must("prepare")
    with Load((flow.source, flow.target), flow.name) as load:
        load.wait_for(40)
        for epoch, (to, site) in enumerate((("target", "gcp"), ("source", HOME)), 1):
            running = begun(flow, epoch, to)
            load.wait_for(40)
            assert gates(flow)[epoch % 2 == 0].endswith("open"), "ready, and nothing is stopped"
            assert claim(tmp_path, site) == epoch
            found = ended(running)
            assert found["outcome"] == "done", found
            assert found["open"]
            assert 0 < found["closed_seconds"] < 60
            load.wait_for(40, 60)
        eventually(lambda: (aws.answers(), gcp.answers()) == (200, 503), 60, "/writer follows")
    assert missing(load, flow.source) == [] and COLLIDED not in load.refusals
    eventually(lambda: equal(flow), 60, "both ends are the same")


def test_without_the_word_nothing_is_stopped(flow: Flow, sites: tuple[Site, Site], tmp_path: Path) -> None:
    flow.must("prepare")
    found = ended(begun(flow, 1, "target", "--word", "1"))
    assert found["outcome"] == "refused" and "so nothing was stopped" in found["problems"][0]
    assert gates(flow) == ("0 open", "0 shut")
    # Another move that made the source the writer in that epoch is no word for this one.
    running = begun(flow, 1)
    make_writer([FileRegister(tmp_path / f"register-{at}", "desk") for at in range(3)], HOME, above=1, rule=RULE)
    found = ended(running)
    assert found["outcome"] == "refused" and "epoch 2, not this move's" in found["problems"][0]
    eventually(lambda: sites[0].answers() == 200, 60, "aws writes on")
    flow.here("INSERT INTO customers (name) VALUES ('on')")


def test_a_word_that_the_sources_agent_does_not_hear_is_taken_from_the_targets(
    flow: Flow, sites: tuple[Site, Site], tmp_path: Path
) -> None:
    flow.must("prepare")
    aws, gcp = sites
    running = begun(flow, 1)
    aws.kill()
    claim(tmp_path, "gcp")
    found = ended(running)
    assert found["outcome"] == "done", found
    assert gates(flow) == ("1 shut", "1 open")
    eventually(lambda: gcp.answers() == 200, 60, "Google writes once the lease and the closing are over")


@pytest.mark.parametrize("claimed", [False, True], ids=["before the word", "after the word"])
def test_a_switch_that_is_killed_while_it_waits_has_stopped_nothing_and_goes_on(
    flow: Flow, sites: tuple[Site, Site], tmp_path: Path, claimed: bool
) -> None:
    flow.must("prepare")
    running = begun(flow, 1)
    running.kill()
    running.communicate(timeout=60)
    if claimed:
        claim(tmp_path, "gcp")
    assert gates(flow) == ("0 open", "0 shut")
    again = begun(flow, 1)
    claim(tmp_path, "gcp")
    found = ended(again)
    assert found["outcome"] == "done", found
    eventually(lambda: (sites[0].answers(), sites[1].answers()) == (503, 200), 60, "/writer follows")
    assert gates(flow) == ("1 shut", "1 open")


def test_agents_are_in_a_hurry_while_a_move_is_about_to_come(
    flow: Flow, sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{programs(18)}:{os.environ['PATH']}")
    flow.must("prepare")
    for site in sites:
        end = End(str(site.server.folder), flow.name, "postgres", port=site.server.port)
        config = Config(flow.name, end, end, "", "", ("public",), 1, "")
        gate = DatabaseGate(Server("database", end), config, site.name == HOME)
        gate.look()
        assert gate.hurried
        # As it is once the time is over.
        site.server.sql(f"SELECT setval('twinsite.soon_{flow.name}', 1)", flow.name)
        gate.look()
        assert not gate.hurried


def test_a_source_that_comes_back_after_a_promotion_serves_nobody_and_follows(
    flow: Flow, sites: tuple[Site, Site], tmp_path: Path
) -> None:
    aws, gcp = sites
    flow.must("prepare")
    aws.kill()
    flow.source.stop("immediate")
    epoch = claim(tmp_path, "gcp")
    flow.must("promote", "--epoch", str(epoch))
    eventually(lambda: gcp.answers() == 200, 60, f"Google writes {gcp.log()}")
    flow.there("INSERT INTO customers (name) VALUES ('after')")
    flow.source.start()
    aws.begin()
    eventually(lambda: aws.answers() == 503, 60, "its agent answers")
    with pytest.raises(AssertionError, match="customers takes no writes here"):
        flow.here("INSERT INTO customers (name) VALUES ('nowhere')")
    flow.must("rejoin", "--epoch", str(epoch))
    eventually(lambda: equal(flow), 60, "both ends are the same")
