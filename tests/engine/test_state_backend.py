"""The state backend gives trouble during `pulumi up`: nothing is lost, and docs/runbooks/pulumi-up-fails.md helps."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_pulumi import Desk

from .conftest import LiveStack
from .test_providers_live import TOPOLOGY

pytestmark = pytest.mark.cold  # how far a program is when the disk is full

SIZE = 1 << 20
MIDWAY = 120_000
"""Room for two states of half of TOPOLOGY and not for three; the engine keeps the last one and a backup."""

# At which write the disk is full decides whether the engine (3.259) leaves a whole state, or one cut off beside a whole
# `.json.bak`, or both cut off (the `.bak` is a copy, made amid the update, on the same disk): with the address waiting
# for the machine the state is nearly always cut off, without nearly never.
HALFWAY = TOPOLOGY.replace("depends_on=[internet, machine]", "depends_on=[internet]").replace(
    "depends_on=[address],", ""
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system to fill")


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but locks."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and "locks" not in path.parts}


def test_a_wrong_passphrase_changes_nothing_and_the_right_one_goes_on(live: LiveStack) -> None:
    live.program("import pulumi, pulumi_random as random\nrandom.RandomPassword('key', length=20)\n")
    live.must("config", "set", "--secret", "word", "hidden")
    live.up()
    live.program("import pulumi, pulumi_random as random\nrandom.RandomPassword('key', length=30)\n")
    places = (live.desk.folder / "state", live.folder)
    before = [files(place) for place in places]
    live.desk.extra["PULUMI_CONFIG_PASSPHRASE"] = "wrong horse"
    for words in (("up", "--yes", "--skip-preview"), ("preview",), ("refresh", "--yes"), ("destroy", "--yes")):
        code, said = live.run(*words)
        assert code != 0
        assert "incorrect passphrase" in said
        assert "hidden" not in said
    assert [files(place) for place in places] == before
    del live.desk.extra["PULUMI_CONFIG_PASSPHRASE"]
    assert "1 replaced" in live.up()


@pytest.fixture
def small_disk(desk: Desk) -> Iterator[Path]:
    """The backend's folder on a file system of SIZE bytes, made before the stack is."""
    place = desk.folder / "state"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "small", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place: Path, room: int) -> Path:
    """Leave `room` bytes; the file that takes the others."""
    there = os.statvfs(place)
    filler = place / "filler"
    filler.write_bytes(b"x" * (there.f_bavail * there.f_bsize - room))
    return filler


def things(live: LiveStack) -> set[str]:
    """Ids of what exists."""
    found: set[str] = set()
    for kind in (live.world.vpcs, live.world.interfaces, live.world.machines, live.world.volumes):
        found |= {one.id for one in kind}
    return found


@needs_root
def test_a_full_disk_stops_an_update_before_it_begins_and_cancel_clears_what_is_left(
    small_disk: Path, live: LiveStack
) -> None:
    live.up()
    live.program(TOPOLOGY)
    filler = fill(small_disk, 0)
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "no space left on device" in said
    assert live.world.vpcs == ()
    filler.unlink()
    live.must("cancel", "--yes")  # an empty lock file is in the way
    live.up()
    assert [len(kind) for kind in (live.world.vpcs, live.world.machines, live.world.volumes)] == [1, 1, 1]


def is_whole(state: Path) -> bool:
    try:
        json.loads(state.read_text())
    except json.JSONDecodeError:
        return False
    return True


def backups(state: Path) -> list[Path]:
    """One of each update, made at its end."""
    return sorted((state.parents[2] / "backups" / state.parent.name / "test").glob("*.json"))


def go_back_before_the_update(live: LiveStack, state: Path) -> None:
    """As the runbook says where `.json.bak` is cut off, too: the state of before the update opens, it knows nothing of
    what the update made, and that still exists, to be found by its tags."""
    made = things(live)
    shutil.copy(max(filter(is_whole, backups(state))), state)
    live.must("preview")
    known = {one["id"] for one in live.state().values() if one.get("id")}
    assert made
    assert not made & known
    assert things(live) == made


def test_a_state_and_its_backup_that_are_both_cut_off_go_back_before_the_update(live: LiveStack) -> None:
    live.up()
    live.program(TOPOLOGY)
    live.up()
    (state,) = (live.desk.folder / "state").glob(".pulumi/stacks/*/test.json")
    for cut in (state, state.with_name("test.json.bak"), backups(state)[-1]):
        cut.write_bytes(cut.read_bytes()[:4096])
    code, said = live.run("preview")
    assert code != 0
    assert "unexpected end of JSON input" in said
    go_back_before_the_update(live, state)


@needs_root
@pytest.mark.parametrize("program", [HALFWAY, TOPOLOGY], ids=["mostly whole", "mostly cut off"])
def test_a_disk_that_fills_up_in_an_update_loses_nothing_and_the_next_one_goes_on(
    small_disk: Path, live: LiveStack, program: str
) -> None:
    live.up()
    live.program(program)
    filler = fill(small_disk, MIDWAY)
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "failed to save snapshot" in said
    assert "no space left on device" in said
    made = things(live)
    assert made
    code, said = live.run("stack", "export")
    filler.unlink()
    print("the state is", "whole" if code == 0 else "cut off")
    if code == 0:
        known = {one["id"] for one in live.state().values() if one.get("id")}
        assert made <= known, "what exists is in the state"
        assert "an interrupted run had left" not in live.up()
        assert made <= things(live), "and still exists"
    else:
        assert "unexpected end of JSON input" in said
        (state,) = small_disk.glob(".pulumi/stacks/*/test.json")
        if not is_whole(state.with_name("test.json.bak")):
            go_back_before_the_update(live, state)
            return
        shutil.copy(state.with_name("test.json.bak"), state)  # as the runbook says
        live.up()
        live.must("refresh", "--yes", "--clear-pending-creates")
    live.up("--expect-no-changes")
    assert [len(kind) for kind in (live.world.vpcs, live.world.machines, live.world.volumes)] == [1, 1, 1]
