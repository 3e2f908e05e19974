"""What a `down` may touch."""

from pathlib import Path

import pytest

from lab import lifecycle
from lab.paths import RUN, Paths


def test_only_the_machines_own_lab_is_cleared_whatever_else_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its machines, namespaces and processes are found by name: another folder's `down` would take somebody's lab away.
    cleared: list[Path] = []
    monkeypatch.setattr(lifecycle, "_clear", lambda paths, say: cleared.append(paths.run))
    monkeypatch.setattr(lifecycle.os, "getuid", lambda: 0)
    monkeypatch.setattr(lifecycle.owner, "place", lambda paths: tmp_path / "owner")
    monkeypatch.setattr(lifecycle, "recorded_paths", lambda: Paths(tmp_path / "recorded"))
    lifecycle.down(Paths(tmp_path / "run"), lambda words: None)
    assert cleared == []
    monkeypatch.setattr(lifecycle, "alone", lambda paths: lifecycle.contextlib.nullcontext())
    monkeypatch.setattr(lifecycle, "find", lambda paths: None)
    lifecycle.down(Paths(), lambda words: None)
    assert cleared == [RUN]
