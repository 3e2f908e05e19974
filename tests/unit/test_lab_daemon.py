"""The daemon's protocol and memory, with a small fake in the place of the machines."""

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.client import Client, LabError
from lab.daemon import Server
from lab.methods import Methods, wait_until
from lab.model import Machine, Rule, World
from lab.state import State


class FakeBox:
    """Remembers what it was asked; `gate` holds an apply until it is set."""

    def __init__(self) -> None:
        self.worlds: list[World] = []
        self.asked: list[tuple[Any, ...]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error = ""
        self.site: tuple[str, ...] = ("onprem-gateway",)

    def apply(self, world: World) -> None:
        self.worlds.append(world)
        assert self.gate.wait(10)
        if self.error:
            raise LabError(self.error)

    def machine_state(self, identity: str) -> dict[str, Any]:
        return {"running": True, "booted": True, "leader_pid": 1, "address": ""}

    def site_machines(self) -> tuple[str, ...]:
        return self.site

    def links(self) -> tuple[str, ...]:
        return ("onprem-wan",)

    def crash(self, identity: str) -> None:
        self.asked.append(("crash", identity))

    def cut(self, link: str, down: bool) -> None:
        self.asked.append(("cut", link, down))


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box = FakeBox()
        self.state = State(folder / "state.json", "box-1")
        self.order: list[str] = []
        methods = Methods(
            self.state,
            self.box,  # type: ignore[arg-type]
            applying=lambda world: self.order.append("applying"),
            applied=lambda world: self.order.append("applied"),
        )
        self.server = Server(folder / "box.sock", methods)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.client = Client(folder / "box.sock")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


def put_vpc(client: Client, number: int) -> None:
    client.call("world_put", kind="vpcs", record={"id": f"vpc-{number}", "cidr": f"10.{number}.0.0/16"})


def test_a_record_comes_back_and_survives_a_restart(running: Running) -> None:
    machine = {"id": "i-1", "interface": "eni-1", "volumes": [["/dev/sdf", "vol-1"]], "metadata_hop_limit": 2.0}
    running.client.call("world_put", kind="machines", record=machine)
    rule = {"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "203.0.113.10/32"}
    running.client.call("world_put", kind="groups", record={"id": "sg-1", "vpc": "vpc-1", "ingress": [rule]})
    running.client.call("world_put", kind="names", record={"id": "DB.internal.", "address": "10.20.1.20"})
    running.client.call("records_put", token="aws:s3/bucket:Bucket", id="b", record={"arn": "x"})
    running.client.call("role_put", name="r", policies=['{"Statement": []}'])
    read = State.load(running.folder / "state.json")
    world, _ = read.world()
    assert world.machines == (Machine("i-1", "eni-1", volumes=(("/dev/sdf", "vol-1"),), metadata_hop_limit=2),)
    assert world.groups[0].ingress == (Rule("tcp", 22, 22, "203.0.113.10/32"),)
    assert world.names == {"db.internal": "10.20.1.20"}
    assert read.records_get("aws:s3/bucket:Bucket", "b") == {"arn": "x"}
    assert read.role("r") == [{"Statement": []}]


def test_the_state_file_is_for_its_owner_only(running: Running) -> None:
    running.client.call("records_put", token="t", id="i", record={"password": "x"})
    assert (running.folder / "state.json").stat().st_mode & 0o777 == 0o600
    assert (running.folder / "box.sock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("method", "params", "sentence"),
    [
        ("fly", {}, "the box has no method 'fly'"),
        ("world_put", {"kind": "vpcs"}, "missing a required argument: 'record'"),
        ("world_put", {"kind": "moons", "record": {}}, "the world has no 'moons'; it has vpcs"),
        ("world_put", {"kind": "vpcs", "record": {"id": "v", "cidr": "c", "color": 1}}, "unknown field 'color'"),
        ("world_put", {"kind": "vpcs", "record": {"id": "v"}}, "vpcs.cidr is missing"),
        ("world_put", {"kind": "volumes", "record": {"id": "v", "gib": "8"}}, "volumes.gib must be int, found '8'"),
        ("world_put", {"kind": "volumes", "record": {"id": "v", "gib": True}}, "must be int, found True"),
        ("crash", {"id": "i-404"}, "there is no machine 'i-404'; there are: onprem-gateway"),
        ("loss", {"percent": 101}, "a percentage from 0 to 100, found 101"),
        ("role_put", {"name": "r", "policies": ["{"]}, "not JSON"),
    ],
)
def test_wrong_calls_are_answered_with_a_sentence(
    running: Running, method: str, params: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(LabError) as caught:
        running.client.call(method, **params)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("method", "params"), [("loss", {"percent": 5}), ("expire_nat", {})])
def test_what_happens_to_an_onprem_site_is_refused_where_there_is_none(
    running: Running, method: str, params: dict[str, Any]
) -> None:
    running.box.site = ()
    with pytest.raises(LabError, match="no on-prem site: take another away with"):
        running.client.call(method, **params)


def test_a_client_without_a_daemon_says_what_to_do(tmp_path: Path) -> None:
    client = Client(tmp_path / "nothing.sock")
    assert not client.available()
    with pytest.raises(LabError, match=r"does not answer .* `\./scripts/lab up`"):
        client.call("ping")


def test_apply_makes_the_latest_world_real_once_for_callers_that_wait_together(running: Running) -> None:
    running.box.gate.clear()
    put_vpc(running.client, 1)
    first = threading.Thread(target=running.client.call, args=("apply",))
    first.start()
    wait_until(lambda: len(running.box.worlds) == 1, 60, "the first apply")
    others = []
    for number in range(2, 6):
        put_vpc(running.client, number)
        others.append(threading.Thread(target=running.client.call, args=("apply",)))
        others[-1].start()
    running.box.gate.set()
    for thread in [first, *others]:
        thread.join(10)
    assert [len(world.vpcs) for world in running.box.worlds] == [1, 5]
    assert running.order == ["applying", "applied"] * 2
    running.client.call("apply")
    assert len(running.box.worlds) == 2, "nothing changed, nothing to do"


def test_a_failed_apply_is_told_and_tried_again_by_the_next(running: Running) -> None:
    put_vpc(running.client, 1)
    running.box.error = "the range is taken"
    with pytest.raises(LabError, match="the range is taken"):
        running.client.call("apply")
    running.box.error = ""
    running.client.call("apply")
    assert (len(running.box.worlds), running.order) == (2, ["applying", "applying", "applied"])


def test_deleting_twice_is_fine(running: Running) -> None:
    put_vpc(running.client, 1)
    assert running.client.call("world_delete", kind="vpcs", id="vpc-1") is True
    assert running.client.call("world_delete", kind="vpcs", id="vpc-1") is False


def test_a_killed_client_does_not_stop_what_it_asked_for(running: Running) -> None:
    running.box.gate.clear()
    put_vpc(running.client, 1)
    body = json.dumps({"method": "apply", "params": {}}).encode()
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(running.folder / "box.sock"))
        raw.sendall(b"POST /call HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        wait_until(lambda: len(running.box.worlds) == 1, 60, "the apply")
    running.box.gate.set()
    wait_until(lambda: running.order == ["applying", "applied"], 60, "the end of the apply")
    assert running.client.available()


def test_records_do_not_wait_for_the_box(running: Running) -> None:
    running.box.gate.clear()
    put_vpc(running.client, 1)
    applying = threading.Thread(target=running.client.call, args=("apply",))
    applying.start()
    wait_until(lambda: len(running.box.worlds) == 1, 60, "the apply")
    began = time.monotonic()
    running.client.call("records_put", token="t", id="i", record=1)
    assert running.client.call("records_get", token="t", id="i") == 1
    assert time.monotonic() - began < 10  # and not for ever, which is what the closed gate would mean
    running.box.gate.set()
    applying.join(10)


def test_a_machine_is_found_by_each_of_its_names(running: Running) -> None:
    running.client.call(
        "world_put", kind="machines", record={"id": "i-1", "interface": "e", "hostname": "ip-10-20-1-10"}
    )
    record = {"tags": {"Name": "onprem-aws-gateway"}}
    running.client.call("records_put", token="aws:ec2/instance:Instance", id="i-1", record=record)
    for name in ("i-1", "ip-10-20-1-10", "onprem-aws-gateway"):
        running.client.call("crash", id=name)
    assert running.box.asked == [("crash", "i-1")] * 3
    running.client.call("cut", id="onprem-wan", down=True)
    running.client.call("cut", id="onprem-gateway", down=False)
    assert running.box.asked[3:] == [("cut", "onprem-wan", True), ("cut", "onprem-gateway", False)]


def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"box": "b", "world": ')
    with pytest.raises(LabError, match=r"`\./scripts/lab down` clears it"):
        State.load(tmp_path / "state.json")


def test_a_full_disk_is_told_and_neither_remembered_nor_written(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_vpc(running.client, 1)
    before = (running.folder / "state.json").read_text()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LabError, match="No space left on device"):
            put_vpc(running.client, 2)
        with pytest.raises(LabError, match="nothing was recorded"):
            running.client.call("records_put", token="t", id="i", record=1)
    assert (running.folder / "state.json").read_text() == before
    assert sorted(path.name for path in running.folder.iterdir()) == ["box.sock", "state.json"]
    assert running.client.call("world_get", kind="vpcs", id="vpc-2") is None
    assert running.client.call("records_get", token="t", id="i") is None
    put_vpc(running.client, 2)
    assert len(State.load(running.folder / "state.json").world()[0].vpcs) == 2
