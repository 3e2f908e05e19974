"""`twinsite drill tunnel`: what it refuses, cuts, watches and always mends; Google's router and the job are played."""

import io
import json
import pathlib
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations import cloud_router
from operations.console import Plain
from operations.drill import cloud_tunnel, cloud_tunnel_steps, frame
from operations.drill.cloud_tunnel import Cut, Many, Request, Way, plan
from operations.drill.cloud_tunnel_steps import MARK, Hands, steps_of
from operations.stack import Stack
from operations.steps import Say
from operations.transport import Done
from tests.clouds_world import GOOGLE, ROUTER, TUNNELS
from tests.failover_world import MemoryStore
from tests.logical_world import INVENTORY
from twinsite.guest.logical.watch import judged
from twinsite.modes import DrMode

NAMES = INVENTORY.vpns[0].tunnels
WATCHED = {"outcome": "done", "connections": 500, "lost": 0, "lost_seconds": 0.0, "back_seconds": None,
           "current_seconds": None, "late_seconds": 0.2, "problems": []}  # fmt: skip


class Router:
    """Google's, whose sessions are up as far as they are enabled."""

    def __init__(self) -> None:
        self.peers = [
            {"name": name, "peerAsn": 64512, "enable": "TRUE", "advertisedRoutePriority": 100} for name in NAMES
        ]
        self.patched: list[list[str]] = []
        self.cut: set[str] = set()
        """By somebody else's command."""
        self.asks: Callable[[], None] = lambda: None

    def get(self, service: str, path: str, **query: Any) -> Any:
        self.asks()
        at = f"{service}/{path}"
        if at == TUNNELS:
            return GOOGLE[TUNNELS]
        if at == ROUTER:
            found = json.loads(json.dumps(GOOGLE[ROUTER]))
            for one in found["result"]["bgpPeerStatus"]:
                if one["name"] in {*self.shut, *self.cut}:
                    one |= {"status": "DOWN", "state": "Idle"}
            return found
        return {"name": "twinsite-router", "bgpPeers": json.loads(json.dumps(self.peers))}

    def post(self, service: str, path: str, body: Any) -> Any:
        raise AssertionError("nothing is posted")

    def patch(self, service: str, path: str, body: Any) -> Any:
        plain = [{**one, "enable": ""} for one in body["bgpPeers"]]
        assert plain == [{**one, "enable": ""} for one in self.peers], "what else peers are told stays"
        self.peers = body["bgpPeers"]
        self.patched.append(self.shut)
        return {}

    @property
    def shut(self) -> list[str]:
        return [str(one["name"]) for one in self.peers if one["enable"] == "FALSE"]


class Late(Router):
    """Whose list does not have yet what was asked for a moment ago."""

    def get(self, service: str, path: str, **query: Any) -> Any:
        found = super().get(service, path, **query)
        return {**found, "bgpPeers": [{**one, "enable": "TRUE"} for one in found["bgpPeers"]]}


class Job:
    """The replication's, which watches until all is mended."""

    place, program = "CronJob crm/logical-twinsite", "logical"

    def __init__(self, router: Router, found: dict[str, Any], say: Say) -> None:
        self._router, self._found, self._say = router, found, say

    def run(self, arguments: Any, seconds: float) -> Done:
        assert list(arguments[:2]) == ["watch", "--seconds"]
        if self._found["outcome"] == "done":
            self._say("watching: 3 connections, 0 lost, 1 heartbeats")
            time.sleep(0.3)
        return Done(0, json.dumps(self._found), "")


class Desk:
    """One who runs the drill."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.router, self.store = folder, Router(), MemoryStore(lambda: None)
        self.found = WATCHED

    def cut(self, **asked: Any) -> Cut:
        made, problems = plan(INVENTORY, Request(**asked))
        assert made is not None, problems
        return replace(made, seconds=0.2)

    def run(self, cut: Cut) -> dict[str, Any]:
        hands = Hands(cut, self.router, self.store, lambda say: Job(self.router, self.found, say))
        drill = frame.Drill("drill tunnel", "tunnel", steps_of(cut), 3, 900.0, "mended", {})
        stack, console = Stack("gcp", INVENTORY, self.folder), Plain(io.StringIO())
        judge = lambda: (hands.seen.figures, hands.seen.checks)  # noqa: E731
        return frame.run(stack, self.store, drill, hands, console, judge)


@pytest.fixture
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(cloud_tunnel_steps, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(cloud_tunnel_steps, "LATE_SECONDS", 0.2)
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, NAMES[:1]),
        ({"first": NAMES[2]}, (NAMES[2],)),
        ({"many": Many.THREE, "first": NAMES[3]}, (NAMES[3], NAMES[0], NAMES[1])),
        ({"many": Many.ALL}, NAMES),
    ],
)
def test_what_is_cut_was_seen_down_and_nothing_else_and_is_enabled_again(
    desk: Desk, asked: dict[str, Any], names: tuple[str, ...]
) -> None:
    if asked.get("many") == Many.ALL:
        desk.found = WATCHED | {"lost": 9, "lost_seconds": 3.0, "current_seconds": 0.4}
    found = desk.run(desk.cut(**asked))
    assert (found["verdict"], found["problems"]) == ("passed", []), found["checks"]
    assert desk.router.patched == [[name for name in NAMES if name in names], []]
    assert MARK not in desk.store.objects
    assert found["figures"]["tunnel_back_seconds"] is not None
    written = json.loads(pathlib.Path(found["evidence"]).read_text())
    assert (written["command"], written["verdict"]) == ("drill tunnel", "passed")


def test_interrupted_it_mends(desk: Desk) -> None:
    def stop() -> None:
        if desk.router.shut:
            desk.router.asks = lambda: None
            raise KeyboardInterrupt

    desk.router.asks = stop
    found = desk.run(desk.cut(many=Many.ALL))
    assert (found["verdict"], found["problems"]) == ("failed", ["interrupted: mended"])
    assert (desk.router.shut, MARK in desk.store.objects) == ([], False)


def test_a_change_that_is_not_in_the_list_yet_is_taken_back_all_the_same() -> None:
    late = Late()
    assert cloud_router.enable(INVENTORY.vpns[0], NAMES[:1], False, late) and late.shut == [NAMES[0]]
    assert cloud_router.enable(INVENTORY.vpns[0], NAMES[:1], True, late) and late.shut == []


def test_what_a_killed_one_left_the_next_one_mends_and_what_it_did_not_it_names(desk: Desk) -> None:
    cloud_router.enable(INVENTORY.vpns[0], NAMES[:2], False, desk.router)
    found = desk.run(desk.cut())
    assert (found["verdict"], desk.router.shut) == ("refused", list(NAMES[:2]))
    assert f"--peer-name {NAMES[1]} --enabled`" in found["problems"][0]
    desk.store.write(MARK, json.dumps({"tunnels": NAMES[:2], "command": ""}).encode())
    assert desk.run(desk.cut())["verdict"] == "passed"
    assert desk.router.shut == []


def test_a_path_that_is_ill_already_is_not_cut(desk: Desk) -> None:
    desk.router.cut = {NAMES[1]}
    found = desk.run(desk.cut())
    assert (found["verdict"], desk.router.patched) == ("refused", [])
    assert f"down: {NAMES[1]}" in found["problems"][0]
    desk.router.cut = set()
    desk.found = {"outcome": "failed", "problems": ["nothing came within 30 s"]}
    found = desk.run(desk.cut())
    assert (found["verdict"], desk.router.patched) == ("refused", [])
    assert "nothing came within 30 s" in found["problems"][0]


def test_a_command_of_the_operators_is_run_for_each_tunnel_and_taken_back_for_all(
    desk: Desk, tmp_path: pathlib.Path
) -> None:
    told = tmp_path / "told"
    program = tmp_path / "cut.py"
    program.write_text(
        "import pathlib, sys\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "told.open('a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "sys.exit('no such link' if sys.argv[1:] == [sys.argv[1], 'on'] and '-2' in sys.argv[1] else 0)\n"
    )
    cut = desk.cut(many=Many.THREE, one_way=Way.OUT, fault_command=f"{sys.executable} {program}")
    found = desk.run(cut)
    assert found["verdict"] == "failed"
    assert "tunnel-2:out on` failed with exit code 1: no such link" in found["problems"][0]
    links = [f"{name}:out" for name in NAMES[:3]]
    assert told.read_text().splitlines() == [f"{one} {state}" for state in ("on", "off") for one in links]
    assert desk.router.patched == []


def test_a_cut_that_nobody_saw_proves_nothing(desk: Desk) -> None:
    cut = replace(desk.cut(fault_command="true"))
    found = desk.run(cut)
    assert [one["name"] for one in found["checks"] if not one["passed"]] == ["the cut was one"]
    assert found["verdict"] == "failed"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"first": "twinsite-tunnel-9"}, "its tunnels are twinsite-tunnel-1"),
        ({"seconds": 20.0}, "--seconds 20: give 45 to 900"),
        ({"seconds": 1000.0}, "--seconds 1000: give 45 to 900"),
        ({"one_way": Way.OUT}, "give --fault-command"),
    ],
)
def test_what_it_refuses(asked: dict[str, Any], words: str) -> None:
    cut, problems = plan(INVENTORY, Request(**asked))
    assert cut is None and words in problems[0]


def test_cold_has_no_tunnels_to_cut() -> None:
    cold = replace(INVENTORY, dr_mode=DrMode.COLD.value, vpns=(replace(INVENTORY.vpns[0], tunnels=()),))
    cut, problems = plan(cold, Request())
    assert cut is None and "no tunnels between AWS and Google" in problems[0]


@pytest.mark.parametrize(
    ("watched", "failed"),
    [
        ({}, []),
        ({"lost": 9, "lost_seconds": 31.0, "current_seconds": 1.0}, []),
        ({"lost": 9, "lost_seconds": 33.0, "current_seconds": 1.0}, ["traffic lost"]),
        ({"lost": 9, "lost_seconds": None, "current_seconds": None},
         ["traffic lost", "replica current once there is a path"]),
        ({"late_seconds": 11.0}, ["slowest heartbeat, nothing having been lost"]),
    ],
)  # fmt: skip
def test_what_the_watch_saw_is_judged(watched: dict[str, Any], failed: list[str]) -> None:
    cut, _ = plan(INVENTORY, Request())
    assert cut is not None
    seen = cloud_tunnel.Seen(cut, frozenset(cut.tunnels), 30.0, 4.0, WATCHED | watched)
    assert [one.name for one in seen.checks if not one.passed] == failed


LOOKS = [(0.0, True), (1.0, False), (2.0, True), (3.0, False), (4.0, True)]


@pytest.mark.parametrize(
    ("looks", "beats", "lost", "current"),
    [
        ([(0.0, True)], [(0.0, 0.5)], 0.0, None),
        (LOOKS, [(0.5, 5.0), (4.5, 4.8)], 3.0, 0.8),
        (LOOKS, [(0.5, 5.0)], 3.0, None),
        (LOOKS[:4], [(4.5, 4.8)], None, None),
    ],
)
def test_a_watch_counts_from_the_first_loss_to_the_last(
    looks: list[tuple[float, bool]], beats: list[tuple[float, float]], lost: float | None, current: float | None
) -> None:
    found = judged(looks, beats, 0.0)
    assert (found["lost_seconds"], found["current_seconds"]) == (lost, current)
    assert bool(found["problems"]) is (found["lost"] > 0 and current is None)
