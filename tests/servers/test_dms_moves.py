"""The writer moves by twinsite's commands where tasks of the lab's DMS carry the rows, PostgreSQL 16 and 18: planned,
unplanned, home; killed amid it. kubectl, Google, Cloudflare and pages are the model's (tests/logical_world.py)."""

from dataclasses import replace
from typing import Any

import pytest

from lab.services.dms.api import Api
from lab.services.dms.task import FRESH
from operations.moves.dms.world import TaskWorld
from operations.moves.words import Command, Intent
from tests.dms_trials import PATIENCE
from tests.dms_world import Asked
from twinsite.inventory import DMS, Inventory
from twinsite.inventory import Flow as Told

from .dms_carried import Carried, carried
from .load import COLLIDED, SHUT, Load, missing
from .postgres import eventually
from .test_logical_commands import HOMEWARD, OVER, Real, passed, run
from .test_logical_moves import gates
from .test_logical_servers import equal

STEPS = ("all of the", "over", "opened the")
"""What a switch says: before it is handed over, then, and after; every moment: tests/property/test_dms_moves.py."""


class Amazon(Asked):
    """Both tasks of one region, each asked for by its name, its ARN, or after a call that did so."""

    def __init__(self, flow: Carried, back: bool) -> None:
        self.apis = {to: Api(flow.task(to)) for to in (("target", "source") if back else ("target",))}
        super().__init__(self.apis["target"])

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Any:
        said = str(given)
        self.api = next((one for one in self.apis.values() if one.task.identifier in said), self.api)
        return super().ask(service, operation, region, **given)


class Moved(Real):
    """With tasks in place of a subscription; `back`: also the one that carries home."""

    def __init__(self, flow: Carried, back: bool = True) -> None:
        super().__init__(flow)
        self.amazon = Amazon(flow, back)
        self.inventory = inventory(self.inventory, flow, back)

    def world(self) -> TaskWorld:
        one = super().world()
        clouds = replace(one.clouds, amazon=lambda region: self.amazon)
        return TaskWorld(one.store, self.inventory, clouds, one.worker, one.registers, one.eyes, 0.05)


def inventory(known: Inventory, flow: Carried, back: bool) -> Inventory:
    """A flow of DMS there, and one home."""
    out = Told(
        name=f"{flow.name}-target", engine="postgres", kind=DMS, source="crm", target="twinsite",
        region="ap-northeast-2", through=known.flows[0].through, lag_alarm_seconds=30.0,
    )  # fmt: skip
    home = replace(out, name=f"{flow.name}-source", source="twinsite", target="crm", through="")
    return replace(known, flows=(out, home) if back else (out,))


flow = carried
FAILOVER, BACK = Intent(Command.FAILOVER, "gcp"), Intent(Command.FAILBACK, "aws")


def states(flow: Carried) -> tuple[str, str]:
    """Of the tasks to the target and to the source."""
    return flow.task().status, flow.task("source").status


def test_a_switchover_and_a_failback_under_load_lose_nothing(flow: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Moved(flow)
    with Load((flow.source, flow.target), flow.name) as load:
        load.wait_for(40)
        there = passed(monkeypatch, model, OVER)
        load.wait_for(40)
        assert (gates(flow), states(flow)) == (("1 shut", "1 open"), ("stopped", "ready"))
        assert run(monkeypatch, model, HOMEWARD)["problems"][0].startswith("aws does not follow gcp")
        home = passed(monkeypatch, model, BACK)
        load.wait_for(40)
    assert gates(flow) == ("2 open", "2 shut")
    eventually(lambda: equal(flow), PATIENCE, "the standby loaded anew")
    assert states(flow) == ("running", "stopped")
    assert missing(load, flow.source) == []
    assert load.refusals.count(COLLIDED) == 0 and SHUT in load.refusals, load.refusals
    # What is promised is less; a machine that has better things to do needs longer, and the old writer writes again.
    assert all(0 < one["figures"]["write_outage_seconds"] < 30 for one in (there, home))
    assert home["figures"]["compared_rows"] > 0
    # The checker sees what is lost.
    lost = sorted(load.acknowledged)[:1]
    flow.here(f"DELETE FROM orders WHERE customer = (SELECT id FROM customers WHERE name = '{lost[0]}')")
    assert missing(load, flow.source) == lost


def test_a_difference_that_nobody_has_seen_opens_the_old_writer_again(flow: Carried) -> None:
    flow.must("prepare")
    flow.there(
        "SET session_replication_role = replica;"
        "UPDATE customers SET name = 'x' WHERE id = (SELECT min(id) FROM customers)"
    )
    found, code = flow.guest("switch", "--epoch", "1")
    assert code == 1 and found["problems"][0].startswith("public.customers is not the same at both ends")
    assert found["problems"][0].endswith("the source writes again") and gates(flow) == ("1 open", "0 shut")


def test_no_task_carries_rows_to_who_writes(flow: Carried) -> None:
    """Two in a circle end by themselves: the gate of the one that writes lets none in."""
    flow.must("prepare")
    back = flow.task("source")
    back.start(FRESH)
    eventually(lambda: back.status == "failed", PATIENCE, "an end of the one that goes to the writer")
    assert "is written here, and no rows are carried to it" in back.describe()["LastFailureMessage"]
    flow.here("INSERT INTO customers (name) VALUES ('after')")
    eventually(lambda: equal(flow), PATIENCE, "the other goes on")


@pytest.mark.parametrize("after", STEPS)
def test_a_switch_that_was_killed_after_any_step_ends_the_same(
    flow: Carried, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    model = Moved(flow)
    model.kill_after = after
    run(monkeypatch, model, OVER)
    found = passed(monkeypatch, model, OVER)
    there = gates(flow)
    assert there[0].endswith("shut") and there[1].endswith("open"), found
    assert states(flow) == ("stopped", "ready")
    assert equal(flow)


def test_a_failover_tells_the_loss_and_a_failback_stops_at_what_home_alone_has(
    flow: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Moved(flow)
    flow.must("prepare")
    eventually(flow.current, PATIENCE, "a heartbeat")
    flow.task().kill()  # its instance dies with the site
    flow.here("INSERT INTO customers (name) VALUES ('alone')")
    flow.source.stop("immediate")
    model.alive = False
    over = passed(monkeypatch, model, FAILOVER)
    assert 0 < over["figures"]["rpo_seconds"] < 240
    flow.there("INSERT INTO customers (name) VALUES ('after')")
    flow.source.start()
    model.alive = True
    # A task that comes back with its site does not get in.
    task = model.amazon.apis["target"].task = flow.revived()
    eventually(lambda: task.status == "failed", PATIENCE, "a task that would bring old rows")
    stopped = run(monkeypatch, model, BACK)
    assert any("public.customers is not the same at both ends" in one for one in stopped["problems"]), stopped
    assert gates(flow) == ("1 shut", "1 open")
    passed(monkeypatch, model, Intent(Command.FAILBACK, "aws", anew=True))
    assert gates(flow) == ("2 open", "2 shut")
    assert flow.here("SELECT string_agg(name, ' ') FROM customers WHERE name IN ('alone', 'after')") == "after"
    eventually(lambda: equal(flow), PATIENCE, "the standby loaded anew")
