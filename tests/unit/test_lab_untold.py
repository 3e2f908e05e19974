"""A topology of which the lab has no story says so before anything is brought up."""

import json

import pytest

from lab import owner
from lab.scenes import named, names
from lab.tour import __main__ as tour


def test_one_scene_has_no_story() -> None:
    assert [name for name in names() if named(name).untold] == ["aws-gcp"]


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
    assert answer["problem"] == named("aws-gcp").untold
    assert "`./scripts/lab up --topology aws-gcp` has the networks, the VPN" in said.err
