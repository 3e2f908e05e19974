"""The file system follows its volume: in place where the kernel allows it, else with MySQL stopped."""

import os
import subprocess
import types
from typing import Any

import pytest

from twinsite.guest.database import host, server
from twinsite.guest.database.config import Config
from twinsite.guest.errors import Failed

DENIED = "resize2fs: Permission denied to resize filesystem"


class Machine:
    """Answers the commands that growing runs; `size` in GiB, `blocks` of the file system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, online: bool, sizes: list[float]) -> None:
        self.ran: list[str] = []
        self.online, self.mounted, self.blocks, self.sizes, self.clock = online, True, 20, sizes, 0.0
        monkeypatch.setattr(subprocess, "run", self.run)
        monkeypatch.setattr(server, "systemctl", self.systemctl)
        monkeypatch.setattr(host, "_gib", lambda device: self.sizes.pop(0) if len(self.sizes) > 1 else self.sizes[0])
        monkeypatch.setattr(os, "statvfs", lambda path: types.SimpleNamespace(f_blocks=self.blocks))
        monkeypatch.setattr(host, "time", types.SimpleNamespace(monotonic=lambda: self.clock, sleep=self.sleep))

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def run(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        self.ran.append(command[0])
        if command[0] == "resize2fs":
            if self.mounted and not self.online and self.blocks < self.sizes[0]:
                return subprocess.CompletedProcess(command, 1, "", DENIED)
            self.blocks = int(self.sizes[0])
        # e2fsck makes lost+found again, which counts as mended
        return subprocess.CompletedProcess(command, int(command[0] == "e2fsck"), "", "")

    def systemctl(self, verb: str, unit: str, **_: Any) -> str:
        self.ran.append(f"{verb} {unit}")
        if unit == host.MOUNT_UNIT:
            self.mounted = verb == "start"
        return ""


def grow(gib: int) -> list[str]:
    config = Config("source", 1, "10.20.2.20", "192.168.64.20", data_device="vol-1", data_gib=gib)
    return host._grow(config, "/dev/vol", 300.0)


def test_it_grows_while_mysql_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, online=True, sizes=[30])
    assert grow(30) == [f"grew the file system at {host.DATA} to the 30 GiB of vol-1"]
    assert machine.ran == ["resize2fs"]
    assert grow(30) == []


def test_it_waits_for_a_volume_that_the_cloud_is_still_changing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, online=True, sizes=[20, 20, 30])
    assert len(grow(30)) == 1
    assert machine.clock == 1.0


def test_a_volume_that_never_grows_is_said_with_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch, online=True, sizes=[20])
    with pytest.raises(Failed, match="has 20 GiB and is to have 30"):
        grow(30)


def test_where_the_kernel_grows_nothing_mounted_mysql_is_stopped_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, online=False, sizes=[30])
    (words,) = grow(30)
    assert words.endswith("with MySQL stopped, because this kernel lets nobody grow a mounted one")
    mount = host.MOUNT_UNIT
    assert machine.ran == [
        "resize2fs", f"stop {server.UNIT}", f"stop {mount}", "e2fsck", "resize2fs", f"start {mount}"
    ]  # fmt: skip
    machine.ran.clear()
    assert grow(30) == []
    assert machine.ran == ["resize2fs"], "nothing is stopped when nothing is to be done"


NITRO = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc"


@pytest.mark.parametrize(
    ("there", "found"),
    [({NITRO}, NITRO), ({"/dev/xvdf"}, "/dev/xvdf"), ({"/dev/sdf"}, "/dev/sdf"), ({NITRO, "/dev/xvdf"}, NITRO)],
)
def test_a_volume_is_found_on_machines_with_nvme_and_without(
    monkeypatch: pytest.MonkeyPatch, there: set[str], found: str
) -> None:
    monkeypatch.setattr(os.path, "exists", there.__contains__)
    assert host.device_path("vol-0abc") == found


def test_a_volume_that_does_not_come_is_named_with_every_place_that_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, online=True, sizes=[30])
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    with pytest.raises(Failed, match=f"{NITRO} or /dev/xvdf or /dev/sdf did not appear within 300 s"):
        host.volume(Config("source", 1, "10.20.2.20", "192.168.64.20", data_device="vol-0abc"))
    assert machine.clock > 300
