"""A topology of which the lab has no live machines says so, wherever machines were asked for."""

import json
from pathlib import Path

import pytest

from lab import lifecycle, owner
from lab.paths import Paths
from lab.scenes import named, names
from lab.tour import __main__ as tour


def test_only_the_scene_without_machines_is_recorded_only() -> None:
    assert [name for name in names() if named(name).recorded_only] == ["aws-gcp"]


def test_its_story_is_refused_before_anything_is_brought_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("nothing is brought up")

    monkeypatch.setattr(owner, "own", never)
    assert tour.main(["--topology", "aws-gcp", "--json"]) == 2
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert (answer["verdict"], answer["steps"]) == ("refused", [])
    assert answer["problem"] == named("aws-gcp").recorded_only
    assert "no tunnel, no PostgreSQL and no load balancer runs" in said.err


def test_its_lab_records_only_on_a_host_that_could_have_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "why_not", lambda: [])
    monkeypatch.setattr(lifecycle, "recorded_paths", lambda: Paths(tmp_path / "recorded"))
    monkeypatch.setattr(lifecycle, "_up_live", lambda *_: pytest.fail("there are no machines of it"))
    made: list[str] = []
    monkeypatch.setattr(
        lifecycle,
        "_up_recorded",
        lambda say, scene: made.append(scene.topology) or lifecycle.Found("recorded", Paths(tmp_path)),
    )
    said: list[str] = []
    found = lifecycle.up(Paths(tmp_path / "run"), said.append, named("aws-gcp"))
    assert (found.mode, made) == ("recorded", ["aws-gcp"])
    assert said[0] == named("aws-gcp").recorded_only
