"""Can this machine have machines? Tried, not guessed: a container may have the tools and lack the rights."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.box.host import BoxError, ip, nft, run
from lab.paths import cache

TOOLS = {
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "ip": "iproute2",
    "bridge": "iproute2",
    "tcpdump": "tcpdump",
    "losetup": "mount",
    "mount": "mount",
    "sysctl": "procps",
}
"""Command to Debian package."""


def why_not() -> list[str]:
    """What is missing, each sentence with its fix. Empty: the box can run. Leaves nothing behind; about 0.1 s."""
    from lab.box.image import recipe_digest  # here, so that `python -m lab.box.image` loads that module once

    if sys.platform != "linux":
        return ["The lab's machines need Linux: use any Linux machine or virtual machine."]
    if os.geteuid() != 0:
        return ["The lab's machines need root: run the command with sudo or as root."]
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not (cache() / "lab" / "image" / recipe_digest() / "rootfs").is_dir() and shutil.which("mmdebstrap") is None:
        lacking.append("mmdebstrap")
    packages = sorted({TOOLS.get(tool, tool) for tool in lacking})
    if lacking:
        return [
            f"{', '.join(lacking)} not found: `apt-get install {' '.join(packages)}` (or your distribution's names)."
        ]
    tries: tuple[tuple[str, Callable[[], None], str], ...] = (
        ("/dev/net/tun", _try_tun, "`modprobe tun`, or in a container pass the device in (--device /dev/net/tun)"),
        ("network namespaces, NAT and bridges", _try_network, "use a machine whose kernel you may configure"),
        (
            "overlay file systems in the cache folder",
            _try_overlay,
            "set TWINSITE_CACHE to a folder on ext4, xfs or btrfs",
        ),
        ("loop devices", _try_loop, "`modprobe loop`, or in a container run it privileged"),
        ("a cgroup v2 hierarchy", _try_groups, "mount one: `mount -t cgroup2 none /sys/fs/cgroup/unified`"),
    )
    found: list[str] = []
    for what, attempt, fix in tries:
        try:
            attempt()
        except (BoxError, OSError) as error:
            found.append(f"The lab needs {what}, and here: {error}. Fix: {fix}.")
    return found


def _try_tun() -> None:
    with open("/dev/net/tun", "rb+", buffering=0):
        pass


def _try_network() -> None:
    name = f"twprobe{os.getpid()}"
    run("ip", "netns", "add", name)
    try:
        ip(["link add br0 type bridge", "link add v0 type veth peer name v1"], name)
        nft(
            "table ip t {\n chain c {\n  type nat hook postrouting priority 100;\n  masquerade\n }\n"
            " chain f {\n  type filter hook forward priority 0;\n  ct state established accept\n }\n}\n"
            "table bridge t {\n chain c {\n  type filter hook forward priority 0;\n"
            "  numgen random mod 10 < 1 drop\n }\n}\n",
            name,
        )
    finally:
        run("ip", "netns", "del", name)


def _try_overlay() -> None:
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".probe-") as folder:
        for part in ("lower", "upper", "work", "root"):
            (Path(folder) / part).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        run("mount", "-t", "overlay", "twinsite-probe", "-o", options, f"{folder}/root")
        run("umount", f"{folder}/root")


def _try_loop() -> None:
    with tempfile.NamedTemporaryFile(dir=cache()) as file:
        file.truncate(1 << 20)
        device = run("losetup", "--find", "--show", file.name).strip()
        with contextlib.suppress(BoxError):
            run("losetup", "--detach", device)


def _try_groups() -> None:
    if not any(line.split()[2] == "cgroup2" for line in Path("/proc/mounts").read_text().splitlines()):
        raise BoxError("none is mounted")
