"""The operation lock in the hands of an operation: moved on before each step, also in repair and drills; one that a
twinsite of the version before holds on a host is seen."""

import io
import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from operations.console import Plain
from operations.drill import command as drills
from operations.drill import tunnel_cut
from operations.drill.tunnel_cut import Request
from operations.journal import lock
from operations.repair import command as repairs
from operations.stack import Stack
from operations.store import DirectoryStore, Unavailable
from operations.transport import Done, Unreachable
from tests.operations_hosts import FakeTransport, HostWorld
from tests.operations_world import INVENTORY

TREE = pathlib.Path(__file__).parents[2]
OTHER = {"id": "other", "owner": "`repair` by ben", "process": "", "since": 0.0, "expires": 9e9}


class Told(FakeTransport):
    """Hosts on which something happens to the lock when a program is run; and what the lock was at each program."""

    def __init__(self, world: HostWorld) -> None:
        super().__init__(world)
        self.ends: list[tuple[str, float]] = []
        """(program, the lock's end)."""
        self.taken_at = ""
        """A program with which somebody else takes the lock by force."""
        self.dark_from = ""
        """A program from which on the store does not answer."""

    def run(self, host: str, command: Any, stdin: str = "", timeout_seconds: float = 30) -> Done:
        words = " ".join(command)
        if self.world.lock and "store.py" not in words:
            self.ends.append((words, self.world.lock["expires"]))
        if self.taken_at and self.taken_at in words:
            self.world.lock = dict(OTHER)
        if self.dark_from and "store.py" in words and [1 for ran, _ in self.ends if self.dark_from in ran]:
            raise Unreachable(host, "timed out")
        return super().run(host, command, stdin, timeout_seconds)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("WRITE_BEFORE_SECONDS", "WRITE_AFTER_SECONDS", "ROW_SECONDS"):
        monkeypatch.setattr(tunnel_cut, name, 0.05)
    yield


def broken() -> HostWorld:
    """Writable and not received: two steps."""
    world = HostWorld()
    report = world.reports["onprem-database", "database"]
    report["receiver"].update(state="CONNECTING", error="refused", error_number=2003)
    report["super_read_only"] = False
    return world


def repair(hosts: Told, folder: pathlib.Path) -> dict[str, Any]:
    return repairs.run(Stack("dev", INVENTORY, folder), hosts, Plain(io.StringIO()), False, frozenset())


def drill(hosts: Told, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, longest: float) -> dict[str, Any]:
    planned = tunnel_cut.plan

    def short(*arguments: Any) -> tunnel_cut.Plan:
        found = planned(*arguments)
        return replace(found, cut=replace(found.cut, seconds=0.15), longest_seconds=longest)

    monkeypatch.setattr(drills, "plan", short)
    stack = Stack("dev", INVENTORY, folder)
    return drills.run(stack, hosts, Request(settle=0.0), Plain(io.StringIO()))


def test_a_repair_moves_the_end_of_its_lock_on_before_each_step(tmp_path: pathlib.Path) -> None:
    hosts = Told(broken())
    result = repair(hosts, tmp_path)
    assert result["verdict"] == "passed", result
    ends = [end for words, end in hosts.ends if "mysql" in words]
    assert len(ends) == len(set(ends)) == 2 and ends == sorted(ends)
    assert ends[0] > hosts.ends[0][1], "before its first step the looks had their own time"


def test_a_repair_whose_lock_somebody_took_stops_and_says_so(tmp_path: pathlib.Path) -> None:
    hosts = Told(broken())
    hosts.taken_at = "mysql"
    result = repair(hosts, tmp_path)
    assert (result["verdict"], result["refused"]) == ("failed", [])
    assert "is not ours any more (`repair` by ben holds it): stopped here" in result["problems"][0]
    assert len([words for words, _ in hosts.ends if "mysql" in words]) == 1, "the second step was not begun"
    assert hosts.world.lock == OTHER


def test_a_drill_that_lasts_longer_than_its_lock_moves_the_lock_on(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = Told(HostWorld())
    result = drill(hosts, tmp_path, monkeypatch, 0.4)
    assert result["problems"] == []
    assert len({end for _, end in hosts.ends}) > 2
    assert result["figures"]["total_seconds"] > 0.4


def test_a_drill_goes_on_while_its_cut_hides_the_store_and_stops_when_its_time_is_over(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = Told(HostWorld())
    hosts.dark_from = "link-down"
    result = drill(hosts, tmp_path / "one", monkeypatch, 600.0)
    assert [step["name"] for step in result["steps"] if step["outcome"] == "failed"] == ["give the lock back"]
    assert "let it settle" in [step["name"] for step in result["steps"]], "it came to its last step"
    now = [1000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    store = DirectoryStore(tmp_path / "two")
    hold = lock.Hold(store, "d1", "drill tunnel-cut", 100.0, dark=True)
    hold.take()
    monkeypatch.setattr(DirectoryStore, "read", lambda *_: (_ for _ in ()).throw(Unavailable("timed out")))
    for now[0] in (1040.0, 1060.0, 1099.0):
        hold.keep()
    now[0] = 1101.0
    with pytest.raises(Unavailable):
        hold.keep()


def old(place: pathlib.Path, **changes: Any) -> pathlib.Path:
    """A lock as the program of a host's store made it before ADR 36."""
    claim = {
        "id": "d2f00", "owner": "`drill tunnel-cut` by ann@desk (process 7)", "process": "boot/7/1",
        "since": time.time() - 60, "expires": time.time() + 600, **changes,
    }  # fmt: skip
    (place / "lock").mkdir(parents=True)
    (place / "lock" / "owner.json").write_text(json.dumps(claim))
    return place / "lock" / "owner.json"


def test_a_lock_that_a_twinsite_of_the_version_before_holds_is_respected(tmp_path: pathlib.Path) -> None:
    path = old(tmp_path)
    store = DirectoryStore(tmp_path)
    with pytest.raises(lock.Locked, match=r"`drill tunnel-cut` by ann@desk \(process 7\) holds the lock in"):
        lock.take(store, "r1", "repair", 60)
    assert "by ann@desk" in lock.holder(store)
    assert store.read(lock.NAME) is None, "nothing was taken beside it"
    assert "because --break-lock was given" in lock.take(store, "r1", "repair", 60, force=True)
    assert not path.exists() and lock.holder(store, "r1") == ""


def test_an_old_lock_whose_time_is_over_is_taken_over_as_any_other(tmp_path: pathlib.Path) -> None:
    path = old(tmp_path, expires=time.time() - 180)
    assert lock.holder(DirectoryStore(tmp_path)) == ""
    said = lock.take(DirectoryStore(tmp_path), "r1", "repair", 60)
    assert said.startswith("took the lock over from `drill tunnel-cut` by ann@desk")
    assert said.endswith("whose time was over 3 min ago") and not path.exists()


def test_a_host_shows_it_to_the_command(tmp_path: pathlib.Path) -> None:
    """The host's own program of now, on what the one of before has left; then the whole command."""
    path = old(tmp_path)
    program = TREE / "components" / "guest" / "drill" / "store.py"
    done = subprocess.run(
        [sys.executable, program, tmp_path, "read", lock.OLD], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["tag"]
    world = broken()
    world.store[lock.OLD] = path.read_text()
    result = repair(Told(world), tmp_path / "desk")
    assert result["verdict"] == "refused"
    assert "`drill tunnel-cut` by ann@desk (process 7) holds the lock in ssh://onprem-database" in result["refused"][0]
    assert not [call for call in world.calls if "mysql" in call]
