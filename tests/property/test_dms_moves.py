"""switchover, failover and failback where a task of DMS carries the rows, over all ways in which they can be killed, on
the model of both sites (tests/logical_world.py) with two tasks in it: commands, steps and hands are the real ones."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from operations.journal import lock
from operations.moves.dms.world import TaskWorld
from operations.moves.words import HALF_LOADED, Command, Intent
from operations.unanswered import CouldNotAsk
from tests.logical_world import INVENTORY, End, Model
from tests.property.test_logical_commands import BACK, BACK_ANEW, FAILOVER, HOMEWARD, OVER, REHEARSAL, Desk
from twinsite.inventory import DMS, Flow

OUT = Flow(
    name="out", engine="postgres", kind=DMS, source="crm", target="twinsite", region="ap-northeast-2",
    through=INVENTORY.flows[0].through, lag_alarm_seconds=30.0,
)  # fmt: skip
HOME = replace(OUT, name="home", source="twinsite", target="crm", through="")
TO = {"out": "gcp", "home": "aws"}
GIVEN_UP = replace(FAILOVER, confirmed=frozenset({HALF_LOADED}))
Answer = tuple[int, dict[str, Any]]


class Carried(Model):
    """Tasks instead of a subscription: `follows` is to whom one runs."""

    def __init__(self, back: bool = True) -> None:
        super().__init__(replace(INVENTORY, flows=(OUT, HOME) if back else (OUT,)))
        self.states = {"gcp": "running", "aws": "ready"}
        self.ends["gcp"].gated, self.ends["gcp"].writes = True, False
        self.mark: dict[str, Any] | None = {"since": None, "ended": "2026-12-01T00:00:00Z"}
        self.tables: list[dict[str, Any]] = []
        self.region = True
        """Whether DMS answers."""

    def world(self) -> TaskWorld:
        one = super().world()
        clouds = replace(one.clouds, amazon=lambda region: self)
        return TaskWorld(one.store, self.inventory, clouds, one.worker, one.registers, one.eyes, 0.0)

    # DMS.

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> dict[str, Any]:
        if not self.region:
            raise CouldNotAsk("DMS does not answer", "")
        said = str(given)
        name = next((one for one in TO if f"'{one}'" in said or f"/{one}'" in said), "")
        if operation == "DescribeReplicationTasks":
            one = {"Status": self.states[TO[name]], "ReplicationTaskArn": f"arn/{name}", "ReplicationInstanceArn": "i"}
            return {"ReplicationTasks": [one]}
        if operation == "DescribeReplicationInstances":
            return {
                "ReplicationInstances": [
                    {"ReplicationInstanceStatus": "available", "ReplicationInstanceIdentifier": "i"}
                ]
            }
        if operation == "GetMetricData":
            return {"MetricDataResults": [{"Id": side, "Values": [0.4]} for side in ("source", "target")]}
        if operation == "DescribeTableStatistics":
            return {"TableStatistics": self.tables}
        if operation == "DescribeConnections":
            return {"Connections": [{"Status": "successful"}]}
        if operation == "StopReplicationTask":
            self.set(TO[name], "stopped")
        elif operation == "StartReplicationTask":
            other = "gcp" if TO[name] == "aws" else "aws"
            assert self.states[other] != "running", "a circle"
            assert given["StartReplicationTaskType"] == (
                "start-replication" if self.states[TO[name]] == "ready" else "reload-target"
            )
            assert not self.ends[TO[name]].rows, "a load into a table with rows"
            self.set(TO[name], "running")
        return {}

    def set(self, site: str, state: str) -> None:
        self.tick()
        self.states[site] = state
        running = [one for one, now in self.states.items() if now == "running"]
        self.follows = running[0] if running else None
        if self.follows and self.ends[self.follows].writes:
            self.follows = None  # its gate lets nobody in
        self.tick()

    # The job's verbs that are others.

    def look(self, *given: Any) -> Answer:
        home, away = self.ends["aws"], self.ends["gcp"]
        turned = self.alive and away.gated and away.writes and home.gated and not home.writes
        code, found = super().look(*given)
        ends = {"from": "target", "to": "source"} if turned else {"from": "source", "to": "target"}
        del found["copied"]  # that is a subscription's
        return code, {**found, "subscription": None, "slot": None, "load": self.mark, **ends}

    def switch(self, *given: Any) -> Answer:
        follows, new = self.follows, given[1]
        code, found = super().switch(*given)
        self.follows = None if new.writes else follows
        return code, found

    def promote(self, old: End, new: End, was: str, to: str, epoch: int, words: Any) -> Answer:
        if self.mark and self.mark["since"] and "--although-half-loaded" not in words:
            return self.refused("a load by dms is under way")
        self.follows = to
        return super().promote(old, new, was, to, epoch, words)

    def rejoin(self, old: End, new: End, was: str, to: str, epoch: int, words: Any) -> Answer:
        if not (new.gated and new.writes and new.epoch == epoch):
            return self.refused(f"{to} does not write in epoch {epoch}")
        handed = old.handed == epoch
        old.gated, old.writes, old.epoch = True, False, epoch
        self.two = False
        self.tick()
        alone = old.rows - new.rows
        if alone and not handed and "--anew" not in words:
            return self.refused(f"public.orders is not the same at both ends; {was} is shut")
        self.lost |= alone
        return 0, {"outcome": "done", "changed": [], "problems": []}

    def reseed(self, *_: Any) -> Answer:
        follower = "aws" if self.ends["gcp"].gated and self.ends["gcp"].writes else "gcp"
        assert not self.ends[follower].writes, "the writer is emptied"
        assert "running" not in self.states.values(), "emptied under a task"
        self.tick()
        self.ends[follower].rows = set()
        return 0, {"outcome": "done", "changed": ["emptied"]}

    def state(self) -> Any:
        return super().state(), dict(self.states)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(lock, "gone", lambda _: True)
    yield Desk(monkeypatch)


def over(desk: Desk) -> Carried:
    model = Carried()
    desk.passed(model, OVER)
    return model


def dead(desk: Desk) -> Carried:
    model = Carried()
    model.alive = False
    return model


def back(desk: Desk) -> Carried:
    """AWS is back after a failover, with a row of its own; DMS starts its task again, which the gate ends."""
    model = dead(desk)
    model.ends["aws"].rows.add(999)
    desk.passed(model, FAILOVER)
    model.alive, model.states["gcp"] = True, "failed"
    return model


CASES: dict[str, tuple[Intent, Callable[[Desk], Carried], tuple[str, str]]] = {
    "switchover": (OVER, lambda desk: Carried(), ("stopped", "ready")),
    "failback": (BACK, over, ("running", "stopped")),
    "failover": (FAILOVER, dead, ("running", "ready")),
    "failback --anew": (BACK_ANEW, back, ("running", "stopped")),
}
"""Command, the world before, and the tasks' states after it: of the one away, of the one home."""


@pytest.mark.parametrize("case", CASES)
def test_a_command_killed_at_any_moment_and_run_again_ends_in_the_same_state(desk: Desk, case: str) -> None:
    intent, made, tasks = CASES[case]
    one = desk.killed_anywhere(partial(made, desk), intent)
    assert (one.states["gcp"], one.states["aws"]) == tasks


@pytest.mark.parametrize(
    ("intent", "model", "words"),
    [
        (BACK, over, "no task of DMS carries rows to aws"),
        (HOMEWARD, over, "aws does not follow gcp"),
        (Intent(Command.DRILL_SWITCHOVER, live=True), lambda desk: Carried(), "--live would need a load of all rows"),
    ],
)
def test_what_would_leave_no_way_on_is_refused_before_anything(
    desk: Desk, intent: Intent, model: Callable[[Desk], Carried], words: str
) -> None:
    made = model(desk)
    made.inventory = replace(made.inventory, flows=(OUT,))
    before = made.state()
    found = desk.run(made, intent)
    assert found is not None and found["verdict"] == "refused"
    assert any(words in one for one in found["problems"]), found["problems"]
    assert made.state() == before


def test_two_tasks_in_a_circle_are_refused(desk: Desk) -> None:
    model = Carried()
    model.states["aws"] = "running"
    found = desk.run(model, OVER)
    assert found is not None and any("carry rows in a circle" in one for one in found["problems"])


def test_a_failover_asks_nothing_of_the_dead_sites_dms(desk: Desk) -> None:
    found = desk.passed(dead(desk), FAILOVER)
    assert not any("DMS" in str(step["planes"]) for step in found["plan"])
    assert not any("load" in one for one in found["says"]), "the standby's own mark says that one had ended"


LOADING = {
    "since": "2026-12-01T02:10:00Z", "ended": None, "lacks": {"public.orders": [1200, 5000]}, "given_up": ["p.t"],
}  # fmt: skip


@pytest.mark.parametrize("intent", [FAILOVER, REHEARSAL])
def test_a_failover_amid_a_load_is_refused_and_names_what_is_lacking(desk: Desk, intent: Intent) -> None:
    model = dead(desk)
    model.alive, model.mark, model.region = intent is REHEARSAL, LOADING, intent is REHEARSAL
    before = model.state()
    found = desk.run(model, intent)
    assert found is not None and found["verdict"] == "refused"
    assert found["problems"] == [
        "gcp lacks rows of aws's: a load since 2026-12-01T02:10:00Z was not seen to have ended, public.orders (about "
        "1200 rows of 5000), p.t (given up): restore the newest backup instead; if what is lacking may be lost to "
        "users, `twinsite failover --to gcp --confirm half-loaded`"
    ]
    assert model.state() == before


def test_a_failover_amid_a_load_goes_by_a_word_and_promises_no_rpo(desk: Desk) -> None:
    model = dead(desk)
    model.mark, model.region = LOADING, False
    found = desk.passed(model, GIVEN_UP)
    assert any("Given up on your word" in one for one in found["says"])
    assert model.ends["gcp"].writes


def test_a_mark_that_is_not_there_is_judged_by_the_task_where_dms_answers(desk: Desk) -> None:
    model = dead(desk)
    model.mark = None
    model.tables = [
        {"SchemaName": "public", "TableName": name, "TableState": state}
        for name, state in (("orders", "Full load"), ("new", "Before load"), ("customers", "Table completed"))
    ]
    found = desk.run(model, FAILOVER)
    assert found is not None and "DMS is loading public.new, public.orders" in found["problems"][0]
    model.tables = model.tables[-1:]
    desk.passed(model, FAILOVER)


def test_with_no_mark_and_no_dms_a_failover_is_not_stopped_and_says_what_is_not_known(desk: Desk) -> None:
    model = dead(desk)
    model.mark, model.region = None, False
    found = desk.passed(model, FAILOVER)
    assert any("whether a load was going on is not known" in one for one in found["says"])


def test_a_failback_stops_at_what_home_alone_has(desk: Desk) -> None:
    found = desk.run(back(desk), BACK)
    assert found is not None and found["verdict"] == "failed"
    assert any("is not the same at both ends" in one for one in found["problems"]), found["problems"]
