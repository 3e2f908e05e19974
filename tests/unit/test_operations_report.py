"""The page: one file, everything of a host escaped, the picture's lanes as they were seen."""

import json
import pathlib
import re
from typing import Any

import pytest

from operations.drill.expectations import checks, figures
from operations.drill.kinds import How
from operations.drill.timeline import SaLook
from operations.report import page
from operations.report.lanes import Bar, Tone, bars, lanes
from tests.operations_world import BEGAN, drill, with_tape


def content(how: How, **changed: Any) -> dict[str, Any]:
    from dataclasses import asdict

    found = drill(how)
    step = {"name": "cut", "started": "2026-11-21T09:00:00Z", "seconds": 1.5, "outcome": "done", "detail": "x"}
    return {
        "command": "drill tunnel-cut",
        "topology": "onprem-aws",
        "dr_mode": "pilot-light",
        "stack": "dev",
        "verdict": "passed",
        "figures": figures(found),
        "checks": [asdict(check) for check in checks(found)],
        "steps": [step],
        "problems": [],
        "started": "2026-11-21T09:00:00Z",
        "finished": "2026-11-21T09:01:00Z",
        "digest": "abc",
        "cut": {"how": how.value, "at": "onprem-gateway", "seconds": 30.0, "way": "in"},
        "clocks": {"aws-gateway": {"offset": 0.0, "uncertainty": 0.004}},
        "tape": "x.tape.gz",
        **changed,
    }


@pytest.mark.parametrize("how", list(How))
def test_the_page_is_one_file_that_needs_no_network(how: How, tmp_path: pathlib.Path) -> None:
    path = page.write(tmp_path / "report.html", content(how), drill(how), [BEGAN + n / 10 for n in range(100)])
    text = path.read_text()
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "$" not in re.sub(r"<svg.*</svg>", "", text, flags=re.DOTALL)
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_every_expectation_and_step_is_on_the_page() -> None:
    given = content(How.LINK_DOWN)
    text = page.render(given, "<svg></svg>")
    for check in given["checks"]:
        assert check["name"] in text
    assert text.count('class="mark good"') == len(given["checks"]) + 1


def test_a_failed_expectation_is_marked() -> None:
    given = content(How.LINK_DOWN, verdict="failed")
    given["checks"][0]["passed"] = False
    text = page.render(given, "")
    assert text.count("mark bad") == 1
    assert 'class="verdict failed"' in text


def test_what_hosts_say_cannot_become_markup() -> None:
    given = content(How.LINK_DOWN, problems=["<script>alert(1)</script>"])
    given["checks"][0]["seen"] = "<img src=x>"
    text = page.render(given, "")
    assert "<script>" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


def test_a_figure_that_was_not_seen_is_a_dash_and_no_zero() -> None:
    given = content(How.LINK_DOWN)
    given["figures"]["tunnel_back_seconds"] = None
    assert "<b>– <small></small></b><span>tunnel back</span>" in page.render(given, "")


def test_equal_neighbours_are_one_bar_and_a_gap_is_unknown() -> None:
    looks = [
        (0.0, "up", Tone.GOOD),
        (1.0, "up", Tone.GOOD),
        (2.0, "no SA", Tone.BAD),
        (5.0, "up", Tone.GOOD),
        (6.0, "up", Tone.GOOD),
    ]
    assert bars(looks, 10.0) == (
        Bar(0.0, 2.0, "up", Tone.GOOD),
        Bar(2.0, 5.0, "not seen", Tone.UNKNOWN),
        Bar(5.0, 6.0, "up", Tone.GOOD),
    )


def test_looks_after_the_end_are_not_drawn() -> None:
    assert bars([(0.0, "up", Tone.GOOD), (1.0, "up", Tone.GOOD), (9.0, "no SA", Tone.BAD)], 5.0) == (
        Bar(0.0, 1.0, "up", Tone.GOOD),
    )


def test_the_lanes_show_the_cut() -> None:
    found = drill(How.LINK_DOWN)
    rows = {lane.name: [bar.label for bar in lane.bars] for lane in lanes(found, BEGAN + 60)}
    assert rows["packets"] == ["cross", "lost", "cross"]
    assert rows["onprem-gateway"] == ["up", "connecting", "up"]
    assert rows["receiver"] == ["on", "connecting", "on"]
    assert rows["applier"] == ["running"]


def test_several_sas_are_shown_as_such() -> None:
    found = drill(How.LINK_DOWN)
    two = [SaLook(BEGAN + t, ((1, "ESTABLISHED"),), ((1, "INSTALLED"), (2, "INSTALLED"))) for t in (0, 1, 2)]
    rows = {lane.name: lane.bars for lane in lanes(with_tape(found, sas={"onprem-gateway": two}), BEGAN + 60)}
    assert rows["onprem-gateway"] == (Bar(BEGAN, BEGAN + 2, "2 CHILD SAs", Tone.WAITING),)


def test_the_page_of_an_empty_drill_can_be_drawn(tmp_path: pathlib.Path) -> None:
    found = with_tape(drill(How.LINK_DOWN), sas={}, pings={}, clear={}, replica=[], source=[])
    assert page.write(tmp_path / "empty.html", content(How.LINK_DOWN), found, []).exists()


def test_evidence_is_plain_json() -> None:
    assert json.loads(json.dumps(content(How.CRASH)))["cut"]["how"] == "gateway-crash"
