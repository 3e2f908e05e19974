"""A review from what the engine said: read, compared, judged and shown, without an engine."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations.review import events
from operations.review.compare import compare
from operations.review.markdown import LONGEST, MARK, _Time, markdown
from operations.review.options import shown
from operations.review.sarif import sarif
from operations.review.stateful import holds_data
from operations.review.verdict import judge
from operations.review.words import (
    Change,
    Combination,
    Delta,
    Judged,
    Op,
    Property,
    Review,
    Snapshot,
    Told,
    Verdict,
    Violation,
)

CASES = Path(__file__).resolve().parents[1] / "cases" / "review"
UP = (CASES / "up.jsonl").read_text().splitlines()
"""Of a real `pulumi up --json` on stand-ins: another marker, another version of the primary's database."""
ANALYZED = (CASES / "analyze.jsonl").read_text().splitlines()
CONFIGURED = Combination("dr", "cold", configured=True)
SERVER = Change(Op.DELETE, "azure-native:dbformysql:Server", "standby-server", "urn:server", stateful=True)
TOPIC = Change(Op.CREATE, "aws:sns/topic:Topic", "alarms", "urn:topic")
TTL = Violation(
    "ttl-over-60", "aws:route53/record:Record", "shop", "shop: ttl is 300 s: set 60 or less", "K32", "medium"
)
DONE = Told(finished=True)


def estimate(mode: str, cost: float | None, restore: float) -> dict[str, Any]:
    """A stack's output `estimate` of one mode."""
    steps = [{"name": "decide", "value": 60.0}, {"name": "restore", "value": restore}]
    costs = [{"name": "storage", "value": cost}]
    about = {
        "cost_usd_month": cost,
        "cost_at_least_usd_month": cost or 0.0,
        "costs": costs,
        "cost_basis": ["remembered"],
    }
    return {"modes": {mode: {**about, "rto_seconds": 60 + restore, "critical_path": steps, "rpo_seconds": 3600.0}}}


def state(digest: str = "aaaa", restore: float = 600.0, cost: float | None = 12.0, mode: str = "cold") -> Snapshot:
    return Snapshot(90, {"inventory": {"digest": digest}, "estimate": estimate(mode, cost, restore)})


def reviewed(*combinations: Combination, accepted: tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> Review:
    return Review("main 0123", "4567", "recorded", combinations, judge(combinations, accepted), notes)


def with_changes(*changes: Change, given: Combination = CONFIGURED, **more: Any) -> Combination:
    return compare(given, Told(tuple(changes), finished=True, **more), state(), state())


def test_a_runs_changes_are_read_with_what_forces_a_replacement() -> None:
    told = events.read(UP)
    assert (told.finished, told.problems) == (True, ())
    assert [(one.op, one.name) for one in told.changes] == [
        (Op.UPDATE, "aws-azure"),
        (Op.UPDATE, "aws-azure-dr"),
        (Op.UPDATE, "aws-azure-dr-secondary-page"),
        (Op.REPLACE, "aws-azure-inventory"),
    ]
    assert told.changes[0].properties == (Property("intent.source_version", "8.4.6", "8.4.7"),)
    assert told.changes[2].type == "aws:route53/healthCheck:HealthCheck"
    (source,) = told.changes[3].properties
    assert (source.path, source.forces, source.old) == ("source", True, "content 48f01be2")


def test_a_cut_run_is_not_taken_for_a_finished_one() -> None:
    assert not events.read(UP[:-1]).finished
    assert not events.read(["Updating (dr):", '{"cut', *UP[:3]]).finished


def test_errors_are_read_once_and_without_what_only_repeats_them() -> None:
    said = [{"diagnosticEvent": {"severity": "error", "message": text}} for text in ("no\n", "no\n", "update failed")]
    said.append({"diagnosticEvent": {"severity": "info", "message": "this is the lab"}})
    assert events.read(json.dumps(one) for one in said).problems == ("no",)


def test_of_a_long_value_the_place_is_shown_where_it_begins_to_differ() -> None:
    long = "a" * 500
    (found,) = events.differences({"script": f"{long}one"}, {"script": f"{long}two"})
    old, new = events._texts(*found[1:])
    assert old.endswith("aone") and new.endswith("atwo") and len(new) < 60


def test_a_list_that_grows_is_one_value_and_an_element_that_changes_has_a_path() -> None:
    assert list(events.differences({"a": [1]}, {"a": [1, 2]})) == [("a", [1], [1, 2])]
    assert list(events.differences({"a": [{"b": 1}]}, {"a": [{"b": 2}]})) == [("a[0].b", 1, 2)]


def test_what_the_policy_pack_says_is_read_with_its_reason() -> None:
    (one,) = events.read(ANALYZED).violations
    assert (one.policy, one.name, one.severity, one.mandatory) == ("ttl-over-60", "shop", "medium", True)
    assert one.message.startswith("shop: ttl is 300 s")
    assert one.why.startswith("An answer that may change")


@pytest.mark.parametrize(
    ("token", "data"),
    [
        ("aws:rds/instance:Instance", True),
        ("aws:rds/parameterGroup:ParameterGroup", False),
        ("azure-native:storage/v20240101:StorageAccount", True),
        ("azure-native:storage:Blob", False),
        ("aws:sns/topic:Topic", False),
    ],
)
def test_which_types_hold_data(token: str, data: bool) -> None:
    assert holds_data(token) is data


def test_where_nothing_changed_the_comment_is_one_line() -> None:
    review = reviewed(with_changes(), compare(Combination("dr", "warm"), DONE, state(), state()))
    text = markdown(review)
    assert "✅ **May be merged.** Nothing changes in `dr cold`, `dr warm`." in text
    assert "|" not in text and "###" not in text


def test_data_that_go_are_first_and_must_not_be_merged_until_a_person_says_so() -> None:
    one = with_changes(TOPIC, SERVER)
    review = reviewed(one)
    text = markdown(review)
    assert text.splitlines()[0] == MARK
    assert text.splitlines()[1].startswith("❌ **Must not be merged.** `dr cold`: 1 create, 1 **delete**")
    assert "data are lost with standby-server" in text
    assert text.index("| **delete** | **`azure-native:dbformysql:Server` standby-server** (data) |") < text.index(
        "| create |"
    )
    assert reviewed(one, accepted=("standby-server",)).verdict.judged == Judged.PASSED


def test_a_move_down_may_take_the_standbys_copy_and_says_so() -> None:
    given = Combination("dr", "cold", was="warm", configured=True)
    review = reviewed(with_changes(SERVER, given=given))
    assert review.verdict.judged == Judged.PASSED
    assert "`dr warm → cold`: 1 **delete**; **data go with `standby-server`**" in markdown(review)


def test_the_property_that_forces_a_replacement_is_first_and_marked() -> None:
    change = Change(
        Op.REPLACE,
        "aws:ec2/instance:Instance",
        "gateway",
        "urn:gateway",
        properties=(Property("tags.Name", "a", "b"), Property("ami", "ami-1", "ami-2", forces=True)),
    )
    text = markdown(reviewed(with_changes(change)))
    assert (
        "| **replace** | `aws:ec2/instance:Instance` gateway | `ami`: `ami-1` → `ami-2` **forces it**<br>`tags.Name`"
        in text
    )


def test_a_refusal_of_the_program_or_a_hook_must_not_be_merged() -> None:
    told = Told(
        problems=("stack dr is refused:\nserver holds the data, and its site is active: move users first",),
        finished=True,
    )
    one = compare(CONFIGURED, told, state(), None)
    review = reviewed(one)
    assert review.verdict == Verdict(
        Judged.FAILED,
        (
            "dr cold: `up` would fail: stack dr is refused:\nserver holds the data, and its site is active: "
            "move users first",
        ),
    )
    assert "stack dr is refused: server holds the data, and its site is active: move users first\n" in markdown(review)
    assert "| not judged |" in markdown(review)
    assert not one.stale, "without a state of head nobody knows"


def test_a_violation_must_not_be_merged_and_one_that_base_has_is_told_apart() -> None:
    told = replace(DONE, violations=(TTL,))
    new = compare(CONFIGURED, told, state(), state())
    old = compare(CONFIGURED, told, state(), state(), had=[replace(TTL, why="another")])
    assert [one.told.violations[0].before for one in (new, old)] == [False, True]
    assert reviewed(old).verdict.judged == Judged.FAILED
    assert reviewed(new).verdict.reasons == ("dr cold: policy ttl-over-60 refuses shop",)
    assert (
        "- **ttl-over-60** (medium) <sub>K32</sub>\n  - shop: ttl is 300 s: set 60 or less (`dr cold`; new)"
        in markdown(reviewed(new))
    )
    assert "(`dr cold`; was there before)" in markdown(reviewed(old))
    advice = replace(DONE, violations=(replace(TTL, mandatory=False),))
    assert reviewed(compare(CONFIGURED, advice, state(), state())).verdict.judged == Judged.PASSED


def test_what_could_not_be_reviewed_is_neither_good_nor_bad() -> None:
    blind = replace(CONFIGURED, not_reviewed="no resource plugin for oracle")
    review = reviewed(blind, with_changes(given=Combination("dr", "warm")))
    assert review.verdict.judged == Judged.UNKNOWN
    assert "⚠️ **Could not be reviewed.**" in markdown(review)
    assert reviewed(blind, with_changes(SERVER)).verdict.judged == Judged.FAILED


def test_figures_are_shown_with_their_difference_its_cause_and_their_weakness() -> None:
    one = compare(CONFIGURED, replace(DONE, changes=(TOPIC,)), state(), state(restore=900.0, cost=15.5))
    assert one.rto_seconds == Delta(660.0, 960.0, ("restore: 600 → 900",))
    assert one.cost_usd_month.remembered
    text = markdown(reviewed(one))
    assert "| $12.00 → **$15.50** <sub>partly remembered</sub> | 11 min → **16 min** | 60 min |" in text
    assert "- `dr cold` RTO: restore: 600 → 900" in text
    unknown = compare(CONFIGURED, replace(DONE, changes=(TOPIC,)), state(), state(cost=None))
    assert (unknown.cost_usd_month.after, unknown.cost_usd_month.unknown) == (0.0, ("storage",))
    assert "| $12.00 → **≥ $0.00** <sub>unknown: storage; partly remembered</sub> |" in markdown(reviewed(unknown))


def test_evidence_that_goes_stale_is_named() -> None:
    one = compare(CONFIGURED, DONE, state("aaaa"), state("bbbb"))
    assert "`dr cold`, with the next `up`: bound to `aaaa`, and the stack becomes `bbbb`" in markdown(reviewed(one))


def test_what_base_did_not_have_is_new() -> None:
    one = compare(CONFIGURED, replace(DONE, changes=(TOPIC,)), None, state())
    text = markdown(reviewed(one))
    assert "**`dr cold`** is new: 1 create." in text and "| new: 1 create |" in text
    assert not one.stale


def test_modes_in_which_the_same_happens_are_one_table() -> None:
    both = [with_changes(TOPIC), with_changes(TOPIC, given=Combination("dr", "warm"))]
    assert "### `dr` cold, warm" in markdown(reviewed(*both))
    assert markdown(reviewed(*both)).count("`aws:sns/topic:Topic`") == 1


def test_a_long_list_is_folded_and_a_comment_is_never_too_long() -> None:
    many = [replace(TOPIC, name=f"topic-{at:04}", urn=f"urn:{at}") for at in range(2000)]
    text = markdown(reviewed(with_changes(*many)))
    assert "<summary>1988 more</summary>" in text
    assert text.index("topic-0011") < text.index("<details>") < text.index("topic-0012")
    assert len(text) < LONGEST + 100


def test_what_was_renamed_is_said_with_the_way_to_keep_it() -> None:
    gone = replace(TOPIC, op=Op.DELETE, name="alarm", urn="urn:old")
    one = with_changes(gone, TOPIC)
    assert one.renamed == 1
    assert "1 of these look renamed" in markdown(reviewed(one))
    assert with_changes(SERVER, TOPIC).renamed == 0


def test_words_of_others_can_neither_mention_nor_break_the_comment() -> None:
    rude = replace(TTL, message="shop: <img> @everyone\n| x")
    text = markdown(reviewed(compare(CONFIGURED, replace(DONE, violations=(rude,)), state(), state())))
    assert "<img>" not in text and "@everyone" not in text


def test_json_has_the_verdict_and_every_combination() -> None:
    found = json.loads(json.dumps(shown(reviewed(with_changes(SERVER)))))
    assert (found["command"], found["verdict"], len(found["reasons"])) == ("review", "failed", 1)
    assert found["combinations"][0]["told"]["changes"][0]["op"] == "delete"


def test_sarif_has_a_rule_and_a_place_for_each_finding() -> None:
    told = Told((SERVER,), (TTL,), ("it is refused",), True)
    (run,) = sarif(reviewed(compare(CONFIGURED, told, state(), state())), "infra/")["runs"]
    assert [one["ruleId"] for one in run["results"]] == ["ttl-over-60", "up-fails", "data-lost"]
    assert {one["id"] for one in run["tool"]["driver"]["rules"]} == {"ttl-over-60", "up-fails", "data-lost"}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "infra/Pulumi.dr.yaml"


def test_a_state_is_counted_without_what_the_engine_has_for_itself() -> None:
    resources = [
        {"type": "pulumi:pulumi:Stack", "outputs": {"inventory": {"digest": "abcd"}}},
        {"type": "pulumi:providers:aws"},
        {"type": "aws:sns/topic:Topic"},
        {"type": "aws:sns/topic:Topic", "delete": True},
    ]
    found = events.snapshot({"deployment": {"resources": resources}})
    assert (found.resources, found.digest, found.figures("cold")) == (1, "abcd", {})


def test_a_mode_that_base_cannot_be_raised_to_either_is_not_this_changes_doing() -> None:
    told = Told(problems=("no",), finished=True)
    other = compare(replace(Combination("dr", "warm"), base_failed="no"), told, None, None)
    assert reviewed(with_changes(), other).verdict.judged == Judged.PASSED
    assert reviewed(with_changes(), replace(other, base_failed="")).verdict.judged == Judged.FAILED
    assert reviewed(replace(other, configured=True)).verdict.judged == Judged.FAILED


def test_a_stack_that_could_not_be_made_from_nothing_must_not_be_merged() -> None:
    review = reviewed(replace(with_changes(), anew_failed="the bucket is there"))
    assert review.verdict.reasons == (
        "dr cold: the stack could not be made from nothing any more: the bucket is there",
    )
    assert "the bucket is there" in markdown(review)


def test_what_is_kept_for_a_shorter_time_is_in_the_first_line() -> None:
    def kept(old: str, new: str) -> Change:
        changed = (Property("intent.keep_days", old, new),)
        return Change(Op.UPDATE, "twinsite:index:BackupStore", "backups", "urn:b", properties=changed)

    shorter = markdown(reviewed(with_changes(kept("35", "14"))))
    assert "**kept for a shorter time**: backups: keep_days 35 → 14" in shorter
    assert "shorter" not in markdown(reviewed(with_changes(kept("14", "35"))))


def test_a_violation_that_only_a_new_stack_would_have_is_told_as_one() -> None:
    told = replace(DONE, violations=(replace(TTL, anew=True),))
    review = reviewed(compare(CONFIGURED, told, state(), state()))
    assert review.verdict.judged == Judged.FAILED
    assert "(`dr cold`; new, in what is made anew)" in markdown(review)


def test_components_come_after_the_resources_that_they_are_made_of() -> None:
    component = Change(Op.DELETE, "twinsite:index:Latch", "latch", "urn:latch")
    names = [one.name for one in with_changes(component, TOPIC, SERVER).told.changes]
    assert names == ["standby-server", "alarms", "latch"]


def test_one_sentence_of_several_modes_is_one_reason() -> None:
    told = Told(problems=("no",), finished=True)
    both = [compare(CONFIGURED, told, state(), None), compare(Combination("dr", "warm"), told, state(), None)]
    assert reviewed(*both).verdict.reasons == ("dr cold, dr warm: `up` would fail: no",)


def test_an_id_that_is_made_anew_does_not_make_a_violation_a_new_one() -> None:
    def said(check: str) -> Violation:
        return replace(TTL, message=f"shop: could not decide, because check {check} is not there")

    old, new = said("bcce559a-ed20-42dd-93a4-2a1692dade23"), said("7d14aabe-dd4f-45e5-bc18-941788928ec0")
    one = compare(CONFIGURED, replace(DONE, violations=(new,)), state(), state(), had=[old])
    assert one.told.violations[0].before


def test_a_replacement_without_a_property_that_forces_it_says_why() -> None:
    change = Change(Op.REPLACE, "aws:sns/topic:Topic", "alarms", "urn:t", properties=(Property("source", "a", "b"),))
    assert "`source`: `a` → `b`<br>replaced with what it depends on" in markdown(reviewed(with_changes(change)))


def test_times_are_written_as_a_person_says_them() -> None:
    assert [_Time.text(seconds) for seconds in (None, 0.0, 119.6, 134.0, 3600.0, 86460.0)] == [
        "–", "0 s", "2 min", "2 min 14 s", "60 min", "24 h 1 min",
    ]  # fmt: skip
