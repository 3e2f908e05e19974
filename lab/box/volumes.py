"""Block volumes: sparse files on loop devices, put into running machines as EC2 or Azure shows them.

A machine has no udev: the nodes are made from outside, in its /dev, at each boot and at each attachment.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path

from lab.box.host import BoxError, run
from lab.model import Volume

BY_ID = "nvme-Amazon_Elastic_Block_Store_"


class Volumes:
    """Files and loop devices of one box. Called by the box and by the machines' supervisors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._loops: dict[str, str] = {}
        """Volume id to loop device, of those attached."""
        self._attached: dict[str, dict[str, str]] = {}
        """Machine id to {volume id: node name}."""
        self._links: dict[str, str] = {}
        """Volume id to its link below /dev, of those that are not EC2's."""

    def create(self, volume: Volume) -> None:
        """Make the file; a larger size grows it, as EC2's modify does. BoxError for a smaller one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(volume.id)
        size = volume.gib << 30
        if path.exists() and path.stat().st_size > size:
            raise BoxError(
                f"{volume.id} is {path.stat().st_size >> 30} GiB; a volume cannot shrink to {volume.gib} GiB"
            )
        if path.exists() and path.stat().st_size == size:
            return
        with path.open("ab") as file:
            file.truncate(size)
        with self._lock:
            if volume.id in self._loops:
                run("losetup", "--set-capacity", self._loops[volume.id])

    def delete(self, identity: str) -> None:
        """Delete the file. BoxError while a machine holds it."""
        with self._lock:
            holder = next((machine for machine, held in self._attached.items() if identity in held), None)
            if holder is not None:
                raise BoxError(f"{identity} is attached to {holder}: detach it first")
        self._path(identity).unlink(missing_ok=True)

    def existing(self) -> set[str]:
        return {path.stem for path in self._folder.glob("*.img")} if self._folder.is_dir() else set()

    def held(self, machine: str) -> list[str]:
        """Volumes of a machine, in order of attachment."""
        with self._lock:
            return list(self._attached.get(machine, {}))

    def set_attached(
        self, machine: str, volumes: list[str], leader: int | None, links: Mapping[str, str] | None = None
    ) -> None:
        """Make a machine hold exactly these. `leader`: its init while it runs, None while it is off. `links`: where a
        volume shows up below /dev, if not as on EC2."""
        with self._lock:
            self._links.update(links or {})
            held = self._attached.setdefault(machine, {})
            for volume in [one for one in held if one not in volumes]:
                if leader is not None:
                    _remove_nodes(leader, self._link(volume), held[volume])
                self._release(volume)
                del held[volume]
            for volume in volumes:
                if volume not in held:
                    other = next((name for name, theirs in self._attached.items() if volume in theirs), None)
                    if other is not None:
                        raise BoxError(f"{volume} is attached to {other}: a volume serves one machine at a time")
                    if not self._path(volume).exists():
                        raise BoxError(f"there is no volume {volume}")
                    self._loops[volume] = run("losetup", "--find", "--show", self._path(volume)).strip()
                    # Node names go by order of attachment; the root disk would be nvme0n1.
                    taken = set(held.values())
                    held[volume] = next(name for n in range(1, 28) if (name := f"nvme{n}n1") not in taken)
                    if leader is not None:
                        _make_nodes(leader, self._link(volume), held[volume], self._loops[volume])
            if not held:
                del self._attached[machine]

    def show(self, machine: str, leader: int) -> None:
        """A machine boots: its /dev is new and empty."""
        with self._lock:
            for volume, node in self._attached.get(machine, {}).items():
                _make_nodes(leader, self._link(volume), node, self._loops[volume])

    def _link(self, volume: str) -> str:
        return self._links.get(volume) or f"disk/by-id/{BY_ID}{volume.replace('-', '')}"

    def _release(self, volume: str) -> None:
        # While a machine has it mounted, the kernel frees the device at the last unmount.
        run("losetup", "--detach", self._loops.pop(volume))

    def _path(self, identity: str) -> Path:
        return self._folder / f"{identity}.img"


def loops(folder: Path) -> dict[str, str]:
    """Loop devices whose file is in `folder`, deleted or not: device to file."""
    listed = run("losetup", "--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE")
    found = dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
    return {device: file for device, file in found.items() if file.startswith(f"{folder}/")}


def _make_nodes(leader: int, link: str, node: str, loop: str) -> None:
    dev = Path(f"/proc/{leader}/root/dev")
    path = dev / node
    path.unlink(missing_ok=True)
    os.mknod(path, stat.S_IFBLK, os.stat(loop).st_rdev)
    path.chmod(0o660)
    shown = dev / link
    shown.parent.mkdir(parents=True, exist_ok=True)
    shown.unlink(missing_ok=True)
    shown.symlink_to("../" * (link.count("/")) + node)


def _remove_nodes(leader: int, link: str, node: str) -> None:
    dev = Path(f"/proc/{leader}/root/dev")
    with contextlib.suppress(OSError):  # the machine may be ending at this moment, and its /dev with it
        (dev / link).unlink(missing_ok=True)
        (dev / node).unlink(missing_ok=True)
