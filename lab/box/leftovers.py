"""What a box has on this machine, found by name alone: for `down` after a crash, and for tests that count.

Nothing here asks the box's memory: the process that had it may have been killed.
"""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from lab.box import process
from lab.box.host import namespaces, run
from lab.box.internet import ETC_NETNS
from lab.box.layout import Names
from lab.box.volumes import loops


def mounts(names: Names) -> dict[str, Path]:
    """Machine names to where their root is mounted."""
    found: dict[str, Path] = {}
    for line in Path("/proc/mounts").read_text().splitlines():
        source, where = line.split()[:2]
        machine = source.removeprefix("twinsite-")
        if machine != source and machine.startswith(names.machine("")):
            found[machine] = Path(where.encode().decode("unicode_escape"))
    return found


def leftovers(names: Names, disks: Path) -> list[str]:
    """One line for each thing that is there: processes, namespaces, mounts, loop devices, control groups, files."""
    own = [name for name in namespaces() if names.is_namespace(name)]
    found = [f"process {pid} (machine {name})" for pid, name in process.machines(names.machine("")).items()]
    for namespace in own:
        found += [f"process {pid} in {namespace}" for pid in process.inside_of(namespace) if pid != os.getpid()]
    found += [f"namespace {name}" for name in own]
    found += [f"mount {path}" for path in mounts(names).values()]
    found += [f"loop device {device} of {file}" for device, file in loops(disks).items()]
    found += [f"folder {path}" for path in process.nspawn_files(names.machine(""))]
    found += [f"control group {path}" for path in process.groups(names.machine(""))]
    if (ETC_NETNS / names.operator).exists():
        found.append(f"folder {ETC_NETNS / names.operator}")
    if disks.exists():
        found.append(f"folder {disks}")
    return found


def clear(names: Names, disks: Path) -> None:
    """Take all of it away, in the order in which each thing lets go of the next. BoxError when one will not go."""
    for _ in range(5):
        running = list(process.machines(names.machine("")))
        if not running:
            break
        leaders = [leader for nspawn in running if (leader := process.leader(nspawn)) is not None]
        process.kill_and_wait(leaders)
        # nspawn ends by itself after its machine; one that has no machine yet is killed.
        if not leaders:
            process.kill_and_wait(running)
        process.kill_and_wait(running, number=signal.SIGTERM, seconds=2.0)
    own = [name for name in namespaces() if names.is_namespace(name)]
    for namespace in own:
        process.kill_and_wait([pid for pid in process.inside_of(namespace) if pid != os.getpid()])
    # A box that was started with another TWINSITE_CACHE has its disks there: <disks>/machines/<id>/root.
    folders = {disks}
    for machine, path in mounts(names).items():
        if path.parents[1].name == "machines" and path.parents[2].name == disks.name:
            folders.add(path.parents[2])
        process.forget_nspawn_files(machine, path)
        run("umount", path)
    for folder in folders:
        for device in loops(folder):
            run("losetup", "--detach", device)
    # Cables first: a namespace that somebody still holds would keep its end, and the other end with it.
    for namespace in own:
        for link in _links(namespace):
            run("ip", "-n", namespace, "link", "del", link, check=False)  # gone with its other end, perhaps
    for namespace in own:
        run("ip", "netns", "del", namespace)
    for path in process.groups(names.machine("")):
        process.remove_group(path)
    shutil.rmtree(ETC_NETNS / names.operator, ignore_errors=True)
    with contextlib.suppress(OSError):
        ETC_NETNS.rmdir()  # only when nobody else has anything there
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)


def _links(namespace: str) -> list[str]:
    shown = run("ip", "-n", namespace, "-o", "link", "show", "type", "veth", check=False)
    return [line.split(":")[1].strip().partition("@")[0] for line in shown.splitlines() if ":" in line]
