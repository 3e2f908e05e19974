"""Failover, failback and drills from beginning to end, through every program and server that they really speak to: Run
Command and Blob over HTTP, DNS over UDP, kubectl, the guest's programs. Only the two databases are lists in a file."""

import io
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from operations.console import Plain
from operations.moves import command
from operations.moves.from_backup.ground import Ground
from operations.moves.from_backup.standby_steps import Reopen
from operations.moves.from_backup.user_steps import RemoveLatch, SetLatch
from operations.moves.words import Command, Intent
from operations.stack import Stack
from operations.steps import StepFailed
from tests.azure_http import azure_server
from tests.failover_machines import Machines
from tests.failover_world import INVENTORY

OVER = Intent(Command.FAILOVER, "azure")
BACK = Intent(Command.FAILBACK, "aws")


@pytest.fixture
def both(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    monkeypatch.setattr(command, "CALM_SECONDS", 0.3)
    with azure_server() as there:
        machines = Machines(tmp_path, there, monkeypatch)
        yield machines
        machines.names.close()


def run(both: Machines, intent: Intent, only_plan: bool = False) -> dict[str, Any]:
    stack = Stack("dr", INVENTORY, pathlib.Path(both._folder) / "twinsite")
    return command.run(stack, intent, Plain(io.StringIO()), only_plan, both.world)


def passed(both: Machines, intent: Intent) -> dict[str, Any]:
    found = run(both, intent)
    assert found["verdict"] == "passed", found["problems"]
    return found


def test_users_go_to_azure_and_home_again_with_all_that_they_wrote(both: Machines) -> None:
    both.change("home", rows=[1, 2, 3, 4])  # after the backup
    assert "aws is alive" in run(both, OVER)["problems"][0]
    both.alive = False
    there = passed(both, OVER)
    assert both.inventory.dr_mode == there["dr_mode"] == "warm"
    assert there["figures"]["restored_rows"] == 3
    assert there["figures"]["divergent_tables"] == 0
    assert there["figures"]["rpo_basis"] == "the newest scheduled backup"
    assert {"rto_seconds", "user_outage_seconds", "first_page_seconds", "total_seconds"} <= there["figures"].keys()
    both.change("away", rows=[1, 2, 3, 50, 51])
    both.alive = True
    home = passed(both, BACK)
    assert both.state["home"]["rows"] == [1, 2, 3, 50, 51]
    assert list(both.state["aside"].values()) == [[1, 2, 3, 4]]
    assert any("1 rows of aws are not in backup" in words for words in home["findings"])
    assert home["figures"]["extra_rows"] == 1
    assert home["figures"]["write_outage_seconds"] > 0


def test_a_database_that_cannot_take_the_data_back_stops_a_failback_before_anything_is_touched(both: Machines) -> None:
    both.alive = False
    passed(both, OVER)
    both.alive = True
    state = both.state | {"unready": ["'b'@'%' has no DROP: GRANT DROP ON `petclinic`.* TO 'b'@'%'"]}
    both._write(state)
    refused = run(both, BACK)
    assert (refused["verdict"], refused["steps"]) == ("refused", [])
    assert refused["problems"] == [f"aws's database cannot take the data back: {state['unready'][0]}"]
    assert both.state == state
    both._write({**state, "unready": []})
    passed(both, BACK)


def test_a_standby_that_is_newer_than_the_primary_stops_a_failback_before_anything_is_touched(both: Machines) -> None:
    both.alive = False
    passed(both, OVER)
    both.alive = True
    newer = both.state | {"away_version": "9.7.4"}
    both._write(newer)
    refused = run(both, BACK)
    assert (refused["verdict"], refused["steps"]) == ("refused", [])
    assert "of MySQL 9.7.4, newer than the target's 8.4.6" in refused["problems"][0]
    assert both.state == newer


def test_evidence_and_report_hold_the_time_line(both: Machines) -> None:
    both.alive = False
    found = passed(both, OVER)
    evidence = json.loads(pathlib.Path(found["evidence"]).read_text())
    assert {look["site"] for look in evidence["answers"]} == {"aws", "azure"}
    assert evidence["pages"][-1]["site"] == "azure"
    assert [step["outcome"] for step in evidence["steps"]] == ["done"] * len(evidence["steps"])
    page = pathlib.Path(found["report"])
    assert "users without a page" in page.read_text() and page.with_suffix(".png").stat().st_size > 10_000


def test_a_plan_changes_nothing_and_takes_no_lock(both: Machines) -> None:
    both.alive = False
    before = dict(both._azure.blobs)
    found = run(both, OVER, only_plan=True)
    assert found["verdict"] == "passed"
    assert [step["name"] for step in found["plan"]][-1] == "verify-answers"
    assert both._azure.blobs == before


def test_a_restore_drill_leaves_everything_as_it_was(both: Machines) -> None:
    found = passed(both, Intent(Command.DRILL_RESTORE))
    assert found["figures"]["restored_rows"] == 3 and found["figures"]["restore_seconds"] >= 0
    assert both.inventory.dr_mode == "cold"
    assert "scratch" not in both.state["away"]


def test_a_failover_drill_moves_nobody(both: Machines) -> None:
    found = passed(both, Intent(Command.DRILL_FAILOVER, planned=True))
    assert found["figures"]["rpo_basis"].startswith("planned")
    assert not [key for key in both._azure.blobs if key[1] == "$web"]
    assert both.inventory.dr_mode == "cold"


def test_a_store_that_does_not_answer_stops_everything_before_it_begins(both: Machines) -> None:
    both.alive = False
    both._azure.gone.add("petclinicbackup")
    found = run(both, OVER)
    assert (found["verdict"], found["steps"]) == ("refused", [])
    assert "nothing is done without journal and lock" in found["problems"][0]


def test_a_latch_store_that_does_not_answer_is_named(both: Machines) -> None:
    both.alive = False
    both._azure.gone.add("petcliniclatch")
    assert "azblob://petcliniclatch/$web/latch/dr (" in run(both, OVER)["problems"][0]
    assert run(both, Intent(Command.FAILOVER, "azure", one_latch=True))["verdict"] == "passed"
    refused = run(both, BACK)
    assert "would move users when it comes back" in " ".join(refused["problems"])


def test_an_object_that_our_identity_may_not_read_is_seen_as_the_health_checks_see_it(both: Machines) -> None:
    both.alive = False
    passed(both, OVER)
    both.change("away", rows=[1, 2, 3, 50])
    both._azure.blobs.pop(("petclinicpublic", "$web", "latch/dr"))
    both._azure.gone.add("petcliniclatch")  # 403 to us, and still 200 to the checks
    run(both, Intent(Command.FAILOVER, "azure", one_latch=True, source_is_dead=True))
    assert both.state["away"]["rows"] == [1, 2, 3, 50], "what users wrote was not replaced"


def writer_of(both: Machines) -> tuple[str, int]:
    found = json.loads(both._azure.blobs[("petclinicbackup", "operations", "writer.json")])
    return found["site"], found["epoch"]


def test_the_writer_follows_users_there_and_home_again(both: Machines) -> None:
    both.alive = False
    passed(both, OVER)
    assert writer_of(both) == ("azure", 1)
    both.alive = True
    passed(both, BACK)
    assert writer_of(both) == ("aws", 2)


def test_a_latch_object_is_touched_only_while_its_site_is_the_writer(both: Machines) -> None:
    both.alive = False
    passed(both, OVER)
    hands, ground = both.world().hands("op", 0.0), Ground.of(both.inventory)
    other = {"site": "aws", "epoch": 5, "held": [{"epoch": 5, "site": "aws", "since": 0, "by": "bob"}]}
    both._azure.blobs[("petclinicbackup", "operations", "writer.json")] = json.dumps(other).encode()
    latch = "azblob://petclinicpublic/$web/latch/dr"
    with pytest.raises(StepFailed, match=r"aws is the writer \(epoch 5, by bob\), not azure"):
        SetLatch(ground, latch, 1).do(hands, {}, print)
    Reopen(ground).do(hands, {}, print)
    assert writer_of(both) == ("azure", 6), "before it takes writes again"
    both.change("away", closed=True)
    with pytest.raises(StepFailed, match=r"azure is the writer \(epoch 6, by op\), not aws"):
        RemoveLatch(ground, latch, 1, there=True).do(hands, {}, print)


def test_a_standby_is_opened_again_also_when_nobody_can_be_made_the_writer(both: Machines) -> None:
    both.alive = False
    passed(both, OVER)
    both.change("away", closed=True)
    both._azure.gone.add("petclinicbackup")
    found = Reopen(Ground.of(both.inventory)).do(both.world().hands("op", 0.0), {}, print)
    assert both.state["away"]["closed"] is False
    assert "backups of azure count as nobody's until `twinsite failover --to azure`" in found.findings[0]


def test_evidence_says_how_far_the_standbys_clock_was_off(both: Machines) -> None:
    both._write(both.state | {"clock_late": 300.0})
    both.alive = False
    found = passed(both, OVER)
    clock = found["clocks"]["azure-standby"]
    assert clock["offset"] == pytest.approx(300.0, abs=clock["uncertainty"] + 0.05)
    assert json.loads(pathlib.Path(found["evidence"]).read_text())["clocks"] == found["clocks"]
    assert f"azure-standby {clock['offset']:+.2f} s ±" in pathlib.Path(found["report"]).read_text()


def test_a_guest_that_does_not_tell_its_clock_leaves_none(both: Machines) -> None:
    both.alive = False
    assert passed(both, OVER)["clocks"] == {}


def test_what_the_estimate_said_is_beside_what_each_phase_took(both: Machines) -> None:
    both.alive = False
    found = passed(both, OVER)
    assert found["predicted"] == {"ground": "", "phases": []}, "this inventory was published before there was any"
