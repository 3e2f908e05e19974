"""The verbs that move the writer, with an agent at each end: a write needs what a move says and what registers say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.writer_registers import FileRegister
from twinsite.guest.writer.raising import make_writer

from .load import COLLIDED, Load, missing
from .postgres import Flow, eventually
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
        eventually(lambda: (aws.answers(), gcp.answers()) == (503, 200), 20, "/writer follows")
        assert gates(flow) == ("1 shut", "1 open")
        # Databases first, registers afterwards, is as safe: each end waits for both.
        flow.must("switch", "--epoch", "2", "--to", "source")
        assert gates(flow) == ("2 open", "2 shut")
        assert (aws.answers(), gcp.answers()) == (503, 503), "the one has the data, the other the registers"
        assert claim(tmp_path, HOME) == 2
        load.wait_for(40, 60)
        eventually(lambda: (aws.answers(), gcp.answers()) == (200, 503), 20, "/writer follows")
    assert missing(load, flow.source) == []
    assert load.refusals.count(COLLIDED) == 0
    eventually(lambda: equal(flow), 20, "both ends are the same")


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
    eventually(lambda: equal(flow), 30, "both ends are the same")
