"""What the box says to a machine that cannot have machines: each thing missing, with its fix."""

import os
import subprocess
from pathlib import Path

import pytest

from lab.box import Box
from lab.box.requirements import TOOLS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="The lab's machines need root: run the tests as root.")


def test_missing_tools_are_named_with_the_packages_that_bring_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "cache"))
    (sentence,) = Box.why_not()
    assert all(tool in sentence for tool in (*TOOLS, "mmdebstrap"))
    assert "apt-get install" in sentence
    assert all(package in sentence for package in ("systemd-container", "nftables", "mmdebstrap"))


def test_somebody_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Box.why_not() == ["The lab's machines need root: run the command with sudo or as root."]


def test_a_cache_that_cannot_hold_overlays_is_named_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if Box.why_not():
        pytest.skip("; ".join(Box.why_not()))
    # An overlay's upper layer cannot be an overlay: the most usual reason is a container's own disk.
    for part in ("lower", "upper", "work", "root"):
        (tmp_path / part).mkdir()
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    subprocess.run(["mount", "-t", "overlay", "twinsite-test", "-o", options, tmp_path / "root"], check=True)
    try:
        monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "root" / "cache"))
        found = Box.why_not()
    finally:
        subprocess.run(["umount", tmp_path / "root"], check=True)
    assert len([line for line in found if "overlay file systems" in line]) == 1
    assert "set TWINSITE_CACHE to a folder on ext4" in " ".join(found)


def test_asking_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def seen() -> tuple[str, ...]:
        commands = (["ip", "netns"], ["losetup", "-l", "-n"], ["cat", "/proc/mounts"])
        return tuple(subprocess.run(one, capture_output=True, text=True, check=True).stdout for one in commands)

    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "cache"))
    own = ("twprobe", ".probe-", "twinsite-probe", str(tmp_path))
    Box.why_not()
    assert not [mark for text in seen() for mark in own if mark in text]
    assert not list((tmp_path / "cache").glob("*"))
