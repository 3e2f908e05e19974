"""What the estimate said beside what was measured: whose rates count where, and what becomes of what nobody knows."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from lab.operator import stack
from operations import predicted, render
from operations.moves.from_backup.ground import Ground as Sites
from operations.moves.from_backup.scratch_steps import RestoreIntoScratch
from operations.moves.from_backup.standby_steps import RaiseMode, RestoreBackup, VerifyData
from operations.moves.from_backup.user_steps import VerifyAnswers
from operations.report import page
from operations.steps import Ended
from stacks import ground, promise
from stacks.onprem_aws.estimate import estimate as of_link
from stacks.settings import Reader
from tests.failover_world import INVENTORY
from twinsite.estimate import rates
from twinsite.estimate.answer import Mode
from twinsite.estimate.figures import Basis, Kind, step, unknown
from twinsite.estimate.ground import CLOUD, RATES, Ground
from twinsite.estimate.path import parallel, serial
from twinsite.inventory import Expected, Promise, from_dict, to_dict
from twinsite.rules.traffic import latch_seconds

TREE = Path(__file__).resolve().parents[2]
LAB = stack.GROUND
OF_LAB = Ground.of(yaml.safe_load(LAB.read_text()))
SAID = {
    "update_seconds": 15.0,
    "server_seconds": 0,
    "machine_seconds": 13.3,
    "backup_share": 0.214,
    "fetch_seconds_gib": 3.8,
    "restore_seconds_gib": 26.7,
    "start_seconds": 6.8,
    "resume_seconds": 3.3,
}
HERE = Ground.of(
    {
        "name": "here",
        "only_with": "a:b",
        "rates": {rate: {"value": value, "measured": "2026-11-22", "where": rate} for rate, value in SAID.items()},
    }
)
"""As the lab was on that day; its file is renewed and these stay."""
SITES = Sites.of(INVENTORY)


def cold(here: Ground, gib: float = 10.0) -> Mode:
    """As topology aws-azure puts it together."""
    data = (rates.fetch(gib, here), rates.restore(gib, "Standard_B2s", True, here), rates.start(here))
    made = parallel(rates.server(True, here), rates.machine(here))
    moved = step("latch, health checks, resolvers", Kind.DNS, latch_seconds(60), Basis.COMPUTED, "10 + 6 + 60")
    return Mode([], serial(rates.decision(), rates.update(here), made, *data, moved), [])


def published(here: Ground) -> Any:
    """Through JSON, as operations read it."""
    promised = Promise(ground=here.name, expected=promise.expected(cold(here)))
    return from_dict(to_dict(replace(INVENTORY, promise=promised)))


RAISE = RaiseMode(SITES, "warm", "cold")
ANSWERS = VerifyAnswers(SITES, "azure")
TABLES_GIB = 1075 / 1024
BACKUP_GIB = TABLES_GIB * HERE.share


def ended(step: Any, seconds: float, outcome: str = "done") -> Ended:
    return Ended(step.title, "2026-11-29T10:00:00Z", seconds, outcome, "")


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    pulumi.runtime.settings.configure(pulumi.runtime.settings.Settings(project="twinsite", stack="dev"))
    yield
    pulumi.runtime.set_all_config({}, [])


def standing(config: dict[str, str]) -> tuple[Ground, list[str]]:
    pulumi.runtime.set_all_config({key if ":" in key else f"twinsite:{key}": text for key, text in config.items()})
    reader = Reader(pulumi.Config().get)
    return ground.read(reader), reader.problems


def test_the_labs_rates_hold_for_a_stack_with_its_mark() -> None:
    """As the desk writes both into its copies of the tree's stack files."""
    copy = yaml.safe_load(stack.overlay("", "box-1", {"ground": str(LAB)}))
    assert standing(copy["config"]) == (OF_LAB, [])


def test_a_clouds_stack_that_names_the_labs_rates_is_refused_and_gets_none_of_them() -> None:
    found, (problem,) = standing({"ground": str(LAB)})
    assert found == CLOUD
    assert problem.endswith("says nothing of this stack: `pulumi config rm ground`") and "lab:marker" in problem


def test_without_a_ground_no_step_is_of_a_measurement() -> None:
    assert standing({}) == (CLOUD, [])
    assert {one.basis for one in promise.expected(cold(CLOUD))} <= {"vendor", "computed", "assumption", "remembered"}
    assert {one.measured for one in promise.expected(cold(CLOUD))} == {""}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "says its name"),
        ("{name: x, only_with: mark}", "namespace:key"),
        ("{name: x, only_with: 'a:b', rates: {speed: {}}}", "speed is no rate"),
        ("{name: x, only_with: 'a:b', rates: {start_seconds: {value: 3, measured: 2026-11-22}}}", "and where"),
        ("{name: x, only_with: 'a:b', rates: {start_seconds: {value: -1, measured: 2026-11-22, where: w}}}", "from 0"),
        ("{name: x, only_with: 'a:b', rates: {start_seconds: {value: 3, measured: once, where: w}}}", "the day"),
    ],
)
def test_a_ground_that_does_not_say_when_and_where_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "ground.yaml"
    path.write_text(text)
    found, (problem,) = standing({"ground": str(path), "a:b": "x"})
    assert found == CLOUD and words in problem


def test_every_rate_of_the_lab_is_one_that_its_page_has() -> None:
    measured = (TREE / "docs" / "benchmarks.md").read_text()
    assert set(OF_LAB.rates) == set(RATES) == set(SAID)
    for rate in OF_LAB.rates.values():
        file, _, figures = rate.where.partition(", ")
        assert file == "docs/benchmarks.md" and figures.split()[0].strip(",").removesuffix(",") in measured


def test_raising_the_mode_is_creation_transfer_restore_and_start_and_the_slower_branch_counts() -> None:
    found = predicted.of_steps(published(HERE), [RAISE, ANSWERS], BACKUP_GIB, [ended(RAISE, 70.0)], {})
    raised, moved = found
    # 15.0 update, 13.3 machine (the server 0 beside it), 1.05 GiB x (3.8 + 26.7), 6.8 start
    assert raised.predicted_seconds == pytest.approx(15.0 + 13.3 + TABLES_GIB * 30.5 + 6.8, abs=0.06)
    assert (raised.measured_seconds, raised.basis, raised.rates_of) == (70.0, ("measured",), "2026-11-22")
    assert (moved.predicted_seconds, moved.measured_seconds) == (76.0, None)


def test_a_restore_is_predicted_for_the_backup_in_hand_and_unknown_without_its_size() -> None:
    small, large, none = (
        predicted.of_steps(published(HERE), [RAISE], gib, [], {})[0].predicted_seconds
        for gib in (0.0, BACKUP_GIB, None)
    )
    assert small == 35.1 and large == pytest.approx(35.1 + TABLES_GIB * 30.5, abs=0.11) and none is None


def test_what_a_step_has_done_is_not_predicted_of_the_next_one_unless_it_is_done_anew() -> None:
    steps = [RAISE, RestoreBackup(SITES, "b1"), RestoreIntoScratch(SITES, "b1"), VerifyData(SITES, "b1")]
    names = [one.name for one in predicted.of_steps(published(HERE), steps, BACKUP_GIB, [], {})]
    assert names == [RAISE.title, steps[2].title]
    assert predicted.of_steps(published(HERE), [RestoreBackup(SITES, "b1", there=True)], 1.0, [], {}) == []
    (alone,) = predicted.of_steps(published(HERE), [RestoreBackup(SITES, "b1")], BACKUP_GIB, [], {})
    assert alone.steps == ("backup is fetched", "restore and proof", "application starts")


def test_a_step_that_failed_has_measured_nothing() -> None:
    (raised,) = predicted.of_steps(published(HERE), [RAISE], 0.0, [ended(RAISE, 3.0, "failed")], {})
    assert (raised.predicted_seconds, raised.measured_seconds) == (35.1, None)


@pytest.mark.parametrize(("keeps", "seconds"), [(60, 60), (30, 30), (11, 11), (10, 70), (0, 60)])
def test_users_come_when_the_resolver_next_asks_after_the_checks_have_answered(keeps: int, seconds: int) -> None:
    (moved,) = predicted.of_steps(published(HERE), [ANSWERS], None, [], {predicted.KEEPS: keeps})
    assert moved.predicted_seconds == seconds


def test_a_step_that_nobody_knows_leaves_the_phase_unknown() -> None:
    lacking = promise.expected(Mode([], serial(unknown("who", "seconds", "nobody", Kind.CREATION)), []))
    about = replace(INVENTORY, promise=Promise(expected=lacking))
    (raised,) = predicted.of_steps(about, [RAISE], 1.0, [ended(RAISE, 9.0)], {})
    assert raised.predicted_seconds is None and predicted.difference(vars(raised)) is None


def test_a_cut_is_noticed_and_heals_and_one_that_is_over_before_has_no_detection() -> None:
    steps = (
        Expected("a dead peer is noticed", "detection", 13.5, "computed", "timers"),
        Expected("somebody decides", "decision", 120.0, "assumption", "a person"),
        Expected("replication has caught up", "resume", 3.3, "measured", "w", "2026-11-21"),
    )
    about = replace(INVENTORY, promise=Promise(ground="here", expected=steps))
    figures = {"detect_seconds": 14.2, "replication_back_seconds": 3.0}
    found = [(one.predicted_seconds, one.measured_seconds) for one in predicted.of_cut(about, 30.0, figures)]
    assert found == [(13.5, 14.2), (3.3, 3.0)]
    assert [one.name for one in predicted.of_cut(about, 5.0, figures)] == ["replication has caught up"]
    assert predicted.of_cut(about, 0.0, figures) == []


def test_a_link_heals_by_the_timers_where_nobody_has_measured_it() -> None:
    assert rates.resume(6.0).shown()["basis"] == "computed"
    assert (rates.resume(6.0, HERE).value, rates.resume(6.0, HERE).measured) == (3.3, "2026-11-22")
    assert of_link.__defaults__ == (None, CLOUD)


def test_the_page_and_the_terminal_show_both_figures_and_whose_rates_they_rest_on() -> None:
    phases = predicted.of_steps(published(HERE), [RAISE, ANSWERS], 0.0, [ended(RAISE, 39.0)], {})
    said = {"predicted": predicted.shown(INVENTORY, phases) | {"ground": "<the lab>"}}
    text = page._predicted(said)
    assert "35.1</td>" in text and "39.0</td>" in text and "10%</td>" in text and text.count("–</td>") == 2
    assert "rates of &lt;the lab&gt;" in text and "application starts: 2026-11-22: start_seconds" in text
    assert page._predicted({}) == page._predicted({"predicted": {"ground": "", "phases": []}}) == ""
    lines = render.predicted_lines(said)
    assert lines[0] == "  predicted with the rates of <the lab>"
    assert lines[1] == f"    {RAISE.title}: predicted 35.1 s, measured 39.0 s"
