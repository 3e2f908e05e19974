"""The writer's document: how it is raised, by whom, and what it says of backups."""

import json
import pathlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.moves.from_backup import writer
from operations.moves.from_backup.plan import plan
from operations.moves.words import Command, Intent, Plan
from operations.store import DirectoryStore
from operations.subjects import epochs, manifests
from operations.subjects.away import Backup, Backups, Held, Writer
from twinsite.guest.backup import branch
from twinsite.guest.backup import writer as guest

from .test_failover_edge import named, quiet, told
from .test_failover_plan import NOW, OVER, SCHEDULED, facts, latch, moved, refusal

FIRST = Writer("aws", held=(Held(0, "aws", 0.0),))
SECOND = Writer("azure", 1, "op-1", (Held(0, "aws", 0.0), Held(1, "azure", NOW - 100, "op-1")))


def at(began: float, site: str, epoch: int | None, then: str, scheduled: bool = True) -> Backup:
    return Backup(f"b{began:.0f}", NOW + began, scheduled, 10, 1, "azblob://x/y", site, epoch, then)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def test_what_is_written_is_read_again_here_and_on_the_machines() -> None:
    raised = writer.raised(FIRST, "azure", "op-1", 0, NOW)
    content = writer.packed(raised)
    assert epochs.parse(content, "aws") == raised
    assert guest.parse(content) == guest.Writer("azure", 1)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"site": "azure", "epoch": 1}', b'{"site":"a","epoch":1,"held":[]}'])
def test_a_document_of_somebody_else_is_said_to_be_one(content: bytes) -> None:
    found = epochs.parse(content, "aws")
    assert (found.site, found.epoch) == ("aws", 0) and "is no document of ours" in found.words
    again = writer.raised(found, "aws", "op", 0, NOW)
    assert (again.site, again.epoch, again.words) == ("aws", 1, "")


def test_one_operation_raises_once_and_another_one_only_when_nobody_served() -> None:
    assert writer.raised(SECOND, "azure", "op-1", 1, NOW) is SECOND
    assert writer.raised(SECOND, "azure", "op-2", 1, NOW) is SECOND, "users are there"
    unserved = replace(SECOND, unserved=True)
    assert writer.raised(unserved, "azure", "op-1", 1, NOW) is unserved
    other = writer.raised(unserved, "azure", "op-2", 1, NOW)
    assert [(one.epoch, one.site) for one in other.held] == [(0, "aws"), (1, "aws"), (2, "azure")]


def test_of_two_that_raise_at_once_one_is_told_so(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    found = writer.become(store, "azure", "op-1", "aws", "aws")
    assert (found.site, found.epoch) == ("azure", 1)
    read = DirectoryStore.read

    def slow(self: DirectoryStore, name: str) -> tuple[bytes, str] | None:
        seen = read(self, name)
        monkeypatch.setattr(DirectoryStore, "read", read)
        writer.become(store, "aws", "op-2", "aws", "azure")
        return seen

    monkeypatch.setattr(DirectoryStore, "read", slow)
    with pytest.raises(writer.Overtaken, match=r"aws was made the writer \(epoch 2\) by op-2 meanwhile"):
        writer.become(store, "aws", "op-3", "aws", "azure")
    assert epochs.read(store, "aws", "")[0].by == "op-2"


def test_a_write_whose_answer_was_lost_is_known_for_our_own(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = DirectoryStore.create
    monkeypatch.setattr(DirectoryStore, "create", lambda self, name, content: create(self, name, content) and False)
    assert writer.become(store, "azure", "op-1", "aws", "aws").epoch == 1


@pytest.mark.parametrize(
    ("held", "newest"),
    [
        (FIRST, "b4"),  # nobody else was ever the writer: manifests alone decide
        (SECOND, "b4"),
        (replace(SECOND, unserved=True), "b3"),
    ],
)
def test_the_newest_is_of_the_highest_epoch_whose_writer_made_it(held: Writer, newest: str) -> None:
    backups = [at(1, "aws", 0, "aws"), at(9, "aws", 0, "aws"), at(4, "azure", 1, "azure"), at(3, "aws", 1, "azure")]
    found = epochs.newest(held, [*backups, at(20, "aws", None, ""), at(30, "", 0, "")])
    assert found is not None and found.id == newest


def test_a_manifest_without_a_branch_is_of_epoch_0_and_counts_unless_home_was_not_the_writer() -> None:
    old, during = replace(SCHEDULED, began=NOW - 200), replace(SCHEDULED, began=NOW - 50)
    assert epochs.holds(SECOND, old) and not epochs.holds(SECOND, during)
    assert epochs.holds(replace(SECOND, unserved=True), during)
    assert epochs.holds(FIRST, during)


branches = st.one_of(
    st.none(),
    st.just("unknown"),
    st.fixed_dictionaries(
        {},
        optional={
            "site": st.sampled_from(["aws", "azure", "", 3]),
            "writer": st.sampled_from(["aws", "azure", ""]),
            "epoch": st.one_of(st.integers(-1, 5), st.booleans(), st.just("1")),
            "unknown": st.just("it changed"),
        },
    ),
)


@given(branches)
def test_the_desk_and_the_machines_read_a_manifests_branch_alike(said: Any) -> None:
    about = {"began": "2026-11-28T12:00:00.000000Z", "scheduled": True, "tables": []}
    about |= {} if said is None else {"branch": said}
    found = manifests.parse("b", json.dumps(about).encode(), "azblob://x/y")
    assert found is not None
    other = branch.of(about)
    assert (found.site, found.epoch, found.writer) == (
        other.site,
        other.epoch,
        other.writer if other.epoch is not None else "",
    )
    assert epochs.holds(FIRST, found) == other.held


# In plans and in status.


def test_backups_of_a_stale_branch_are_told_of_and_taken_by_name_only() -> None:
    stale = replace(at(-1, "aws", 1, "azure"), id="stale")
    known = facts(backups=Backups((SCHEDULED, stale)), writer=SECOND)
    found = plan(known, OVER)
    assert isinstance(found, Plan) and found.choices["backup"] == SCHEDULED.id
    assert any("stale (aws, epoch 1, while azure was the writer)" in words for words in found.says)
    named_one = plan(known, replace(OVER, backup="stale"))
    assert isinstance(named_one, Plan) and named_one.choices["backup"] == "stale"
    assert "--backup x: there is no complete backup of that id" in refusal(plan(known, replace(OVER, backup="x")))
    alone = facts(backups=Backups((stale,)), writer=SECOND)
    assert "no complete backup was taken where the writer was; the last is stale" in refusal(plan(alone, OVER))


def test_the_standbys_own_backups_that_cannot_be_read_stop_only_what_may_need_them() -> None:
    unread = Backups((SCHEDULED,), unread="timed out")
    found = plan(facts(backups=unread, writer=FIRST), OVER)
    assert isinstance(found, Plan) and any("are not needed: timed out" in words for words in found.says)
    home_again = Writer("aws", 2, "op-2", (*SECOND.held, Held(2, "aws", NOW, "op-2")))
    assert "the newest data may be there" in refusal(plan(facts(backups=unread, writer=home_again), OVER))
    assert isinstance(plan(facts(backups=unread, writer=home_again), replace(OVER, backup=SCHEDULED.id)), Plan)


def test_a_drill_makes_nobody_the_writer() -> None:
    found = plan(facts(), Intent(Command.DRILL_FAILOVER))
    assert isinstance(found, Plan) and "make-writer" not in [step.name for step in found.steps]


def test_a_broken_off_failback_is_opened_only_after_azure_is_the_writer_again() -> None:
    closed = moved(standby=replace(moved().standby, closed=True))
    found = plan(closed, OVER)
    assert isinstance(found, Plan)
    names = [step.name for step in found.steps]
    assert names.index("make-writer") < names.index("open-standby")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"writer": SECOND},
            "azure is the writer (epoch 1): no backup of what they write there counts; `twinsite failback",
        ),
        ({"latch": latch(True, True), "writer": FIRST}, "`twinsite failover --to azure` makes it the writer"),
        ({"writer": replace(FIRST, words="no document")}, "no document: `twinsite failback --to aws` writes it anew"),
        (
            {"writer": FIRST, "backups": Backups((at(-60, "aws", 2, "aws"),))},
            "writer.json is of epoch 0 and a backup of",
        ),
        ({"backups": Backups((SCHEDULED,), unread="403"), "writer": FIRST}, "own backups cannot be read: 403"),
        (
            {"backups": Backups((SCHEDULED, replace(at(-60, "aws", None, ""), unknown="403"))), "writer": FIRST},
            "is restored by its id only, because it is of an unknown branch (403)",
        ),
        ({"backups": Backups((at(-60, "aws", None, ""),)), "writer": FIRST}, "no complete backup was taken where the"),
    ],
)
def test_status_says_when_document_latch_and_backups_disagree(change: dict[str, Any], words: str) -> None:
    assert words in "\n".join(told(quiet(**change)).problems())


def test_status_shows_the_writer_and_the_newest_backups_branch() -> None:
    mine = at(-3600, "azure", 1, "azure")
    there = moved(
        names=named("azure"), now=NOW, writer=SECOND, backups=Backups((SCHEDULED, mine, at(-60, "aws", 1, "azure")))
    )
    assert told(there).problems() == []
    shown = told(there).shown()
    assert shown["writer"] == {"site": "azure", "epoch": 1}
    assert (shown["backup"]["id"], shown["backup"]["branch"]) == (mine.id, "azure, epoch 1")
    assert shown["backup"]["age_seconds"] == 3600
