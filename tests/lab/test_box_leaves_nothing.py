"""After `down` this machine is as before: counted from outside, also when the process that made the box was killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.box import Box, BoxError
from lab.box.image import ensure_image
from lab.paths import TREE, cache

from .box_world import DATABASE, GATEWAY, box_of_our_own, eventually, prepare, site, world
from .whole_box import groups, needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]

PREFIX = "tl"

BUILD_AND_WAIT = """
import sys, time
from pathlib import Path
from lab.box import Box
from lab.box.image import ensure_image
from lab.paths import cache
from tests.lab.box_world import site, world
key = sys.argv[2]
box = Box(Path(sys.argv[1]), ensure_image(cache(), print), print, prefix=sys.argv[3])
box.up_site(site(key))
box.apply(world(key))
box.capture_start()
print("ready", flush=True)
time.sleep(600)
"""


def on_this_machine() -> dict[str, set[str]]:
    """What a box of our prefix makes, without asking the box."""

    def said(*command: str) -> list[str]:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    processes = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if f"--machine={PREFIX}m-" in words or (f"{PREFIX}inet" in words and "tcpdump" in words):
                processes.add(words)
    return {
        "namespaces": {line.split()[0] for line in said("ip", "netns") if line.startswith(PREFIX)},
        "files": {str(path) for path in Path("/etc/netns").glob(f"{PREFIX}*")}
        | {str(path) for path in (cache() / "lab").glob(f"run-{PREFIX}*")},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if f"run-{PREFIX}/" in line},
        "loops": {line for line in said("losetup", "-l", "-n", "-O", "BACK-FILE") if f"run-{PREFIX}/" in line},
        "groups": groups(f"{PREFIX}m-"),
        "processes": processes,
    }


def nothing() -> dict[str, set[str]]:
    return {"namespaces": set(), "files": set(), "mounts": set(), "loops": set(), "groups": set(), "processes": set()}


def test_down_takes_everything_away_and_may_be_repeated(tmp_path: Path) -> None:
    with box_of_our_own(tmp_path, PREFIX) as bench:
        assert on_this_machine() == nothing()
        bench.box.up_site(site(bench.key))
        bench.box.apply(world(bench.key))
        bench.box.capture_start()
        eventually(lambda: bench.booted(DATABASE), 60, "a boot")
        seen = on_this_machine()
        assert all(seen.values()), f"the count itself sees each kind of thing: {seen}"
        with pytest.raises(BoxError, match="another box is or was here"):
            Box(tmp_path, Path("/nowhere"), print, prefix=PREFIX).up_site(dict.fromkeys(site(bench.key), ""))
        bench.box.down()
        assert on_this_machine() == nothing()
        assert bench.box.leftovers() == []
        bench.box.down()
        # The same object can be used again.
        bench.box.up_site(site(bench.key))
        bench.box.down()
        assert on_this_machine() == nothing()


@pytest.mark.parametrize("moment", ["at once", "while machines boot", "after they booted"])
def test_what_a_killed_process_left_is_taken_away_by_the_next(tmp_path: Path, moment: str) -> None:
    key = prepare(tmp_path)
    ensure_image(cache(), print)
    maker = subprocess.Popen(
        [sys.executable, "-c", BUILD_AND_WAIT, str(tmp_path), key, PREFIX],
        cwd=TREE,
        stdout=subprocess.PIPE,
        text=True,
    )
    box = Box(tmp_path, Path(), print, prefix=PREFIX)
    try:
        assert maker.stdout is not None
        if moment == "at once":
            eventually(lambda: len(box.leftovers()) > 3, 20, "the first objects")
        else:
            assert maker.stdout.readline() == "ready\n"
        if moment == "after they booted":
            from lab.box import process

            eventually(lambda: len(process.machines(f"{PREFIX}m-")) == 4, 20, "four machines")
            eventually(lambda: _booted(GATEWAY), 60, "a boot")
        os.kill(maker.pid, signal.SIGKILL)
        maker.wait()
        assert box.leftovers() != []
        began = time.monotonic()
        box.down()
        assert time.monotonic() - began < 20
        assert on_this_machine() == nothing()
    finally:
        maker.kill()
        maker.wait()
        box.down()


def test_a_box_from_another_cache_folder_is_taken_away_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, key = ensure_image(cache(), print), prepare(tmp_path)
    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "elsewhere"))
    box = Box(tmp_path, image, print, prefix=PREFIX)
    box.up_site(site(key))
    box.apply(world(key))
    monkeypatch.undo()
    Box(tmp_path, Path(), print, prefix=PREFIX).down()
    assert on_this_machine() == nothing()
    assert not list((tmp_path / "elsewhere" / "lab").iterdir())
    loops = subprocess.run(["losetup", "-l", "-n", "-O", "BACK-FILE"], capture_output=True, text=True, check=True)
    assert str(tmp_path) not in loops.stdout


def _booted(machine: str) -> bool:
    """Of a box that this process did not make."""
    from lab.box import process

    for nspawn, name in process.machines(f"{PREFIX}m-").items():
        leader = process.leader(nspawn)
        if name == f"{PREFIX}m-{machine}" and leader is not None:
            return Path(f"/proc/{leader}/root/run/cloud-init/result.json").exists()
    return False
