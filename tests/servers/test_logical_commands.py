"""The commands that move the writer, with the job's verbs between two real servers: what tests/logical_world.py says of
SQL is left out, everything else (kubectl, Google, Cloudflare, pages) is its model's."""

import io
import pathlib
import time
from dataclasses import replace
from typing import Any

import pytest

from operations.console import Plain
from operations.journal import lock
from operations.moves import command
from operations.moves.words import Command, Intent
from operations.stack import Stack
from tests.logical_world import INVENTORY, Model, install

from .load import COLLIDED, Load, missing
from .postgres import Flow, eventually
from .test_logical_moves import flow as flow
from .test_logical_moves import gates, killed
from .test_logical_servers import equal

OVER, HOMEWARD = Intent(Command.SWITCHOVER, "gcp"), Intent(Command.SWITCHOVER, "aws")


class Real(Model):
    """Its databases are servers."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.kill_after = ""
        super().__init__(replace(INVENTORY, flows=(replace(INVENTORY.flows[0], name=flow.name),)))

    def tick(self) -> None:
        return

    def verb(self, words: list[str]) -> tuple[int, dict[str, Any]]:
        self.deeds.append(words[0])
        if self.kill_after and words[0] == "switch":
            after, self.kill_after = self.kill_after, ""
            killed(self.flow, after, *words)
            return 137, {}
        found, code = self.flow.guest(*words)
        # The model's own gates, which its pods and pages go by.
        for site, end, asked in (("aws", self.flow.source, self.flow.here), ("gcp", self.flow.target, self.flow.there)):
            if (end.data / "postmaster.pid").exists():
                there = asked("SELECT to_regclass('twinsite.gate') IS NOT NULL") == "t"
                self.ends[site].gated = there
                self.ends[site].writes = not there or asked("SELECT bool_and(writes) FROM twinsite.gate") == "t"
        return code, found


def run(monkeypatch: pytest.MonkeyPatch, model: Real, intent: Intent) -> dict[str, Any]:
    slept = time.sleep
    install(monkeypatch, lambda: model)
    monkeypatch.setattr(time, "sleep", lambda seconds: slept(min(seconds, 0.05)))
    monkeypatch.setattr(lock, "gone", lambda _: True)
    stack = Stack("gcp", model.inventory, pathlib.Path("unused"))
    try:
        return command.run(stack, intent, Plain(io.StringIO()), False, model.world)
    finally:
        monkeypatch.setattr(time, "sleep", slept)


BEHIND = ("was not at the target after", "did not come to the target")
"""What a command says on a machine that has better things to do, and to run it again."""
TRIES = 8


def passed(monkeypatch: pytest.MonkeyPatch, model: Real, intent: Intent) -> dict[str, Any]:
    for _ in range(TRIES):
        found = run(monkeypatch, model, intent)
        if not any(words in one for words in BEHIND for one in found["problems"]):
            break
    assert found["verdict"] == "passed", found["problems"]
    return found


def test_switchovers_there_and_back_under_load_lose_nothing(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Real(flow)
    with Load((flow.source, flow.target), flow.name, sessions=2) as load:
        load.wait_for(10)
        there = passed(monkeypatch, model, OVER)
        load.wait_for(10)
        assert gates(flow) == ("1 shut", "1 open")
        home = passed(monkeypatch, model, HOMEWARD)
        load.wait_for(10)
    assert gates(flow) == ("2 open", "2 shut")
    assert missing(load, flow.source) == [] and COLLIDED not in load.refusals
    assert all(0 < one["figures"]["write_outage_seconds"] < 20 for one in (there, home))
    assert (model.replicas["gcp"], model.nodes, model.roles["gcp"]) == (0, 0, "reader")
    assert run(monkeypatch, model, HOMEWARD)["problems"][0].endswith("there is nothing to move")


@pytest.mark.parametrize(("after", "turns_back"), [("shut the", True), ("handed the", False), ("opened the", False)])
def test_a_verb_that_is_killed_is_turned_back_or_gone_on_with(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, after: str, turns_back: bool
) -> None:
    model = Real(flow)
    model.kill_after = after
    found = run(monkeypatch, model, OVER)
    assert found["verdict"] == "failed"
    if turns_back:
        assert gates(flow) == ("1 open", "0 shut")
    else:
        assert gates(flow)[0] == "1 shut" and "aws was not opened again" in found["problems"][1]
    passed(monkeypatch, model, OVER)
    assert gates(flow)[1].endswith("open") and gates(flow)[0].endswith("shut")
    eventually(lambda: equal(flow), 60, "the old writer follows")
    passed(monkeypatch, model, HOMEWARD)


def test_a_failover_and_the_way_home_count_what_home_alone_has(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Real(flow)
    flow.must("prepare")
    flow.must("look")
    eventually(lambda: equal(flow), 60, "all has come")
    flow.there(f"ALTER SUBSCRIPTION {flow.name} DISABLE")  # the path is cut
    flow.here("INSERT INTO customers (name) VALUES ('alone')")
    flow.source.stop("immediate")
    model.alive = False
    over = passed(monkeypatch, model, Intent(Command.FAILOVER, "gcp"))
    assert 0 < over["figures"]["rpo_seconds"] < 120
    flow.there("INSERT INTO customers (name) VALUES ('after')")
    flow.source.start()
    model.alive = True
    back = run(monkeypatch, model, Intent(Command.FAILBACK, "aws"))
    assert "1 inserted in public.customers" in back["problems"][0]
    assert gates(flow) == ("1 shut", "1 open")
    home = passed(monkeypatch, model, Intent(Command.FAILBACK, "aws", anew=True))
    assert home["figures"]["compared_rows"] > 5 and home["figures"]["divergent_tables"] == 0
    assert gates(flow) == ("2 open", "2 shut")
    assert flow.here("SELECT string_agg(name, ' ') FROM customers WHERE name IN ('alone', 'after')") == "after"
    eventually(lambda: equal(flow), 60, "home again")
