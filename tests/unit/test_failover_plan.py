"""What the planner does and refuses, sentence by sentence."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations.journal.document import Unfinished
from operations.moves.from_backup.facts import Facts, Home, ProgramFound, Vantage
from operations.moves.from_backup.plan import plan
from operations.moves.words import Command, Intent, Plan, Refusal
from operations.subjects.away import Answer, Backup, Backups, LatchObject, NameSeen, Standby
from tests.failover_world import HOUR, INVENTORY, STORES
from tests.operations_world import INVENTORY as ONPREM
from twinsite.inventory import Inventory, RecordSwitch

NOW = 1_800_000_000.0
OVER = Intent(Command.FAILOVER, "azure")
BACK = Intent(Command.FAILBACK, "aws")
DEAD = (Vantage("this desk", False, "timed out, 3 times"), Vantage("Route 53's health checkers", False, "www moved"))
SCHEDULED = Backup("20270115T030000Z-aaaaaaaa", NOW - 9 * HOUR, True, 1000, 7, "azblob://petclinicbackup/mysql-backup")
BY_HAND = replace(SCHEDULED, id="20270115T110000Z-bbbbbbbb", began=NOW - HOUR, scheduled=False)
READY = Standby(True, True, outcome="ready", backup_id=SCHEDULED.id, writable=True)


def facts(**changes: Any) -> Facts:
    """AWS is dead, nothing runs at Azure, one backup of the night."""
    found = Facts(
        inventory=INVENTORY,
        now=NOW,
        vantages=DEAD,
        latch=tuple(LatchObject(store, False) for store in STORES),
        backups=Backups((SCHEDULED,)),
        standby=Standby(),
        home=Home(False, "the cluster does not answer"),
        program=ProgramFound(()),
    )
    return replace(found, **changes)


def latch(*states: bool | None) -> tuple[LatchObject, ...]:
    return tuple(LatchObject(store, state, "timed out") for store, state in zip(STORES, states, strict=True))


def moved(**changes: Any) -> Facts:
    """Users are at Azure, AWS is back."""
    there = facts(latch=latch(True, True), standby=READY, home=Home(True), vantages=())
    return replace(there, **changes)


def steps(found: Plan | Refusal) -> list[str]:
    assert isinstance(found, Plan), found
    return [step.name for step in found.steps]


def refusal(found: Plan | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return "\n".join(found.problems)


def test_a_failover_from_cold_raises_restores_proves_and_sets_the_latch_last() -> None:
    assert steps(plan(facts(), OVER)) == [
        "raise-mode",
        "await-standby",
        "restore-backup",
        "verify-data",
        "verify-writable",
        "verify-application",
        "make-writer",
        "set-latch-1",
        "set-latch-2",
        "start-events",
        "verify-answers",
    ]


def test_a_failover_from_warm_uses_no_pulumi() -> None:
    found = plan(facts(standby=READY, program=ProgramFound(("no Pulumi here",))), OVER)
    assert "raise-mode" not in steps(found)


def test_a_failover_says_which_backup_how_old_and_what_is_lost() -> None:
    found = plan(facts(), OVER)
    assert isinstance(found, Plan)
    told = "\n".join(found.says)
    assert f"backup {SCHEDULED.id} of 2027-01-14T23:00:00.000Z, 9 h old, 1000 rows in 7 tables" in told
    assert "what was written at aws after 2027-01-14T23:00:00.000Z" in told


def test_the_newest_backup_is_that_of_the_latest_beginning_not_of_the_last_name() -> None:
    older_by_name = replace(SCHEDULED, id="19990101T000000Z-cccccccc", began=NOW - HOUR)
    found = plan(facts(backups=Backups((SCHEDULED, older_by_name))), OVER)
    assert isinstance(found, Plan) and found.choices["backup"] == older_by_name.id


def test_what_went_home_in_a_failback_is_newer_than_the_backup_before_it() -> None:
    dump = replace(BY_HAND, store="azblob://petclinicbackup/failback")
    found = plan(facts(backups=Backups((SCHEDULED, dump))), OVER)
    assert isinstance(found, Plan) and found.choices["backup"] == dump.id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backups": Backups()}, "there is no backup at all in azblob://petclinicbackup/mysql-backup"),
        ({"backups": Backups(halves=("20270115T030000Z-x",))}, "no complete backup: 1 were begun and never finished"),
        ({"backups": Backups(problem="403")}, "the backups cannot be read: 403"),
        ({"latch": latch(None, False)}, "accept that with --one-latch"),
        ({"latch": latch(None, None)}, "no latch store can be reached"),
        ({"held": "`failover` by ann@desk holds the lock"}, "ann@desk holds the lock"),
        ({"vantages": (Vantage("this desk", True, "status 200"), DEAD[1])}, "aws is alive (this desk: status 200)"),
        ({"vantages": DEAD[:1]}, "seen from 1 of the two places that are needed"),
        ({"program": ProgramFound(("the stack's state is in AWS: `pulumi login`",))}, "the stack's state is in AWS"),
        ({"standby": Standby(True, False, "409")}, "azure-standby cannot be asked (409)"),
    ],
)
def test_a_failover_is_refused_with_the_fix(change: dict[str, Any], words: str) -> None:
    assert words in refusal(plan(facts(**change), OVER))


def test_every_reason_is_given_at_once() -> None:
    found = plan(facts(backups=Backups(), vantages=(), latch=latch(None, False)), OVER)
    assert isinstance(found, Refusal) and len(found.problems) == 3


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        (Intent(Command.FAILOVER, "aws"), "run `twinsite failback --to aws`"),
        (Intent(Command.FAILOVER, "moon"), "--to moon: there is no such site; this stack has aws and azure"),
        (Intent(Command.FAILBACK, "azure"), "run `twinsite failover --to azure`"),
    ],
)
def test_the_wrong_site_is_refused_with_the_right_command(intent: Intent, words: str) -> None:
    assert words in refusal(plan(facts(), intent))


def test_another_topology_is_refused_with_what_it_lacks() -> None:
    said = refusal(plan(facts(inventory=ONPREM), OVER))
    assert "topology onprem-aws in pilot-light has no names and no PostgreSQL replica" in said


def test_a_persons_word_stands_for_two_places_and_a_live_primary_is_told_of() -> None:
    alive = facts(vantages=(Vantage("this desk", True, "status 200"),))
    found = plan(alive, replace(OVER, source_is_dead=True))
    assert isinstance(found, Plan)
    assert any("taken for dead on your word" in words for words in found.says)
    assert any("stop its application" in words for words in found.says)


def test_one_latch_leaves_the_store_out_that_does_not_answer() -> None:
    found = plan(facts(latch=latch(None, False)), replace(OVER, one_latch=True))
    assert "set-latch-2" in steps(found) and "set-latch-1" not in steps(found)


def test_one_latch_restores_nothing_where_users_may_be() -> None:
    there = tuple(NameSeen(name.fqdn, (Answer("192.0.2.53", ("192.0.2.9",), "azure"),)) for name in INVENTORY.names)
    unseen = facts(latch=latch(None, False), names=there, standby=READY)
    assert "users may be writing at azure" in refusal(plan(unseen, replace(OVER, one_latch=True)))
    assert "restore-backup" in steps(plan(facts(names=there, standby=READY), OVER))


def test_a_half_backup_that_is_newer_is_told_of_and_not_used() -> None:
    found = plan(facts(backups=Backups((SCHEDULED,), ("20270115T090000Z-dddddddd",))), OVER)
    assert isinstance(found, Plan) and found.choices["backup"] == SCHEDULED.id
    assert any("20270115T090000Z-dddddddd" in words for words in found.says)


def test_once_the_latch_is_set_a_failover_touches_no_data() -> None:
    found = plan(facts(latch=latch(True, False), standby=READY), OVER)
    assert steps(found) == [
        "await-standby",
        "make-writer",
        "verify-writable",
        "verify-application",
        "set-latch-1",
        "set-latch-2",
        "start-events",
        "verify-answers",
    ]


def test_a_failover_opens_a_standby_that_a_broken_failback_had_closed() -> None:
    found = plan(facts(latch=latch(True, True), standby=replace(READY, closed=True)), OVER)
    assert "open-standby" in steps(found) and "restore-backup" not in steps(found)


def test_a_failover_with_the_latch_set_and_no_machine_is_refused() -> None:
    assert "there is no standby machine" in refusal(plan(facts(latch=latch(True, True)), OVER))


def test_no_step_of_a_failover_needs_the_primary_site() -> None:
    for known in (facts(), facts(standby=READY), facts(latch=latch(True, True), standby=READY)):
        found = plan(known, OVER)
        assert isinstance(found, Plan)
        assert not [step.name for step in found.steps for plane in step.planes if plane.site == INVENTORY.home]


def test_every_step_says_its_plane_where_that_is_at_home_what_it_needs_and_how_it_is_undone() -> None:
    for known, intent in ((facts(), OVER), (moved(), BACK), (facts(), Intent(Command.DRILL_RESTORE))):
        found = plan(known, intent)
        assert isinstance(found, Plan)
        for step in found.steps:
            told = step.told()
            assert told["plane"] in ("data plane", "control plane")
            assert "at home" in told["where"] or "primary site's" in told["where"]
            assert step.needs and step.undo, step.name


def test_a_failback_closes_dumps_restores_compares_and_removes_the_latch_last() -> None:
    assert steps(plan(moved(), BACK)) == [
        "keep-old-primary",
        "list-extra-rows",
        "close-standby",
        "dump-standby",
        "move-old-tables-aside",
        "restore-into-primary",
        "compare-tables",
        "verify-primary-application",
        "make-writer",
        "remove-latch-1",
        "remove-latch-2",
        "start-events",
        "verify-answers",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latch": latch(False, False)}, "users are at aws (no latch object is set): there is nothing to bring home"),
        ({"latch": latch(True, None)}, "what it holds cannot be seen or removed"),
        ({"home": Home(False, "no route")}, "nothing can be run at aws (no route)"),
        (
            {"home": Home(True, problems=("'b'@'%' has no DROP …: GRANT DROP ON `petclinic`.* TO 'b'@'%'",))},
            "aws's database cannot take the data back: 'b'@'%' has no DROP …: GRANT DROP ON `petclinic`.* TO 'b'@'%'",
        ),
        ({"standby": Standby()}, "there is no standby machine"),
        ({"held": "held by bob"}, "held by bob"),
    ],
)
def test_a_failback_is_refused_with_the_fix(change: dict[str, Any], words: str) -> None:
    assert words in refusal(plan(moved(**change), BACK))


def test_a_failback_cannot_be_talked_into_a_missing_latch_store() -> None:
    assert isinstance(plan(moved(latch=latch(True, None)), replace(BACK, one_latch=True)), Refusal)


def test_a_failback_whose_base_backup_is_gone_says_so_and_still_keeps_everything() -> None:
    found = plan(moved(backups=Backups()), BACK)
    assert "list-extra-rows" not in steps(found) and "keep-old-primary" in steps(found)
    assert isinstance(found, Plan) and "cannot be listed one by one" in found.says[0]


def test_what_a_broken_failback_moved_aside_is_not_dumped_again_as_the_old_data() -> None:
    begun = Unfinished(
        "op", "failback", "then", frozenset({"keep-old-primary"}), {"old": "o1", "aside": "clinic_aside_1"}
    )
    for known in (moved(unfinished=begun), moved(home=Home(True, holds_data=False))):
        found = plan(known, BACK)
        assert steps(found)[0] == "close-standby"
        assert isinstance(found, Plan)
        assert any("moved aside already" in words for words in found.says)
    told = plan(moved(unfinished=begun), BACK)
    assert isinstance(told, Plan) and any("clinic_aside_1" in words for words in told.says)


def test_a_database_that_may_not_take_the_data_back_does_not_keep_a_fresh_backup_from_being_taken() -> None:
    home = Home(True, problems=("local_infile is OFF on the target",))
    assert "fresh-backup" in steps(plan(facts(home=home), Intent(Command.DRILL_RESTORE, planned=True)))


def test_a_dump_is_stale_once_the_standby_was_opened_again() -> None:
    done = frozenset({"keep-old-primary", "close-standby", "dump-standby", "move-old-tables-aside"})
    unfinished = Unfinished("op", "failback", "then", done, {"dump": "d1", "old": "o1"})
    goes_on = plan(moved(unfinished=unfinished, standby=replace(READY, closed=True)), BACK)
    assert "dump-standby" not in steps(goes_on)
    anew = plan(moved(unfinished=unfinished), BACK)
    assert "dump-standby" in steps(anew) and "close-standby" in steps(anew)
    assert isinstance(anew, Plan) and "dump" not in anew.choices


def test_a_failback_killed_after_the_latch_went_only_looks_at_the_answers() -> None:
    unfinished = Unfinished("op", "failback", "then", frozenset({"compare-tables"}), {"old": "o1"})
    assert steps(plan(moved(latch=latch(False, False), unfinished=unfinished), BACK)) == [
        "start-events",
        "verify-answers",
    ]


@pytest.mark.parametrize("command", [Command.DRILL_FAILOVER, Command.DRILL_RESTORE])
def test_a_drill_takes_the_newest_scheduled_backup_not_a_fresher_one_by_hand(command: Command) -> None:
    found = plan(facts(backups=Backups((SCHEDULED, BY_HAND))), Intent(command))
    assert isinstance(found, Plan) and found.choices["backup"] == SCHEDULED.id


@pytest.mark.parametrize("command", [Command.DRILL_FAILOVER, Command.DRILL_RESTORE])
def test_a_drill_never_touches_the_latch_and_lowers_what_it_raised(command: Command) -> None:
    found = plan(facts(), Intent(command))
    assert isinstance(found, Plan)
    assert not [step.name for step in found.steps if "latch" in step.name or step.final]
    assert steps(found)[-1] == "lower-mode" and found.steps[-1].always
    assert "lower-mode" not in steps(plan(facts(standby=READY), Intent(command)))


@pytest.mark.parametrize("command", [Command.DRILL_FAILOVER, Command.DRILL_RESTORE])
def test_a_drill_is_refused_while_users_are_at_the_standby(command: Command) -> None:
    assert "run it after the failback" in refusal(plan(moved(), Intent(command)))


def test_a_planned_drill_takes_a_fresh_backup_first_and_labels_the_rpo() -> None:
    found = plan(facts(home=Home(True)), Intent(Command.DRILL_RESTORE, planned=True))
    assert steps(found)[0] == "fresh-backup"
    assert isinstance(found, Plan) and any("not what a disaster would cost" in words for words in found.says)
    assert "leave it out" in refusal(plan(facts(), Intent(Command.DRILL_RESTORE, planned=True)))


def test_a_drill_does_not_start_over_another_drills_leftovers_but_a_disaster_does_not_wait() -> None:
    left = Unfinished("op", "drill restore", "then")
    assert "run `twinsite drill restore` again" in refusal(plan(facts(unfinished=left), Intent(Command.DRILL_FAILOVER)))
    found = plan(facts(unfinished=left), OVER)
    assert isinstance(found, Plan) and found.abandons == "op"


def unlatched(found: Inventory) -> Inventory:
    return replace(found, names=tuple(replace(name, steering=RecordSwitch("zone")) for name in found.names))


@pytest.mark.parametrize(
    ("change", "words"),
    [(lambda found: replace(found, names=()), "has no names"), (unlatched, "no latch")],
)
def test_a_stack_that_lacks_a_part_is_refused(change: Callable[[Inventory], Inventory], words: str) -> None:
    assert words in refusal(plan(facts(inventory=change(INVENTORY)), OVER))


@pytest.mark.parametrize(
    ("source", "server", "words"),
    [
        ({"version": "8.0.43"}, {"version": "8.4.6"}, "may go there and never come home"),
        (
            {"version": "8.4.6", "lower_case_table_names": "0", "names": ["Orders"]},
            {"version": "8.4.6", "lower_case_table_names": "1"},
            "it would come home as 'orders'",
        ),
        ({"version": "8.4.6", "names": ["orders"]}, {"version": "8.4.6", "lower_case_table_names": "1"}, ""),
        ({"names": ["Orders"]}, {"version": "8.4.6", "lower_case_table_names": "1"}, ""),
    ],
)
@pytest.mark.parametrize("intent", [OVER, Intent(Command.DRILL_FAILOVER)])
def test_a_way_there_that_is_no_way_home_is_said_before_anybody_is_sent(
    intent: Intent, source: dict[str, Any], server: dict[str, Any], words: str
) -> None:
    known = Backups((replace(SCHEDULED, source=source),))
    found = plan(facts(backups=known, standby=replace(READY, server=server)), intent)
    assert isinstance(found, Plan)
    said = [one for one in found.says if one.startswith("a failback will be refused")]
    assert len(said) == bool(words)
    assert not words or words in said[0]
