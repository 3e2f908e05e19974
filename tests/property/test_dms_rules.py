"""Refusals of a DMS task, over all of them."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mocks.test_dms_cdc_task import MYSQL, POSTGRES
from tests.unit.test_tunnel_rules import names_a_fix
from twinsite.rules.dms import DmsCdcTaskIntent
from twinsite.rules.dms_task import DECISIONS, SETTINGS

TEXT = st.text(alphabet=st.characters(exclude_characters=":"), max_size=8)
VALUES = st.booleans() | st.integers(-1, 100) | st.sampled_from(["DO_NOTHING", "LOG_ERROR", "5"]) | st.none()
KEYS = {**{section: sorted(keys) for section, keys in SETTINGS.items()}, "BeforeImageSettings": ["EnableBeforeImage"]}
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={section: st.dictionaries(st.sampled_from(keys), VALUES, max_size=3) for section, keys in KEYS.items()}
)
TABLES = st.fixed_dictionaries(
    {"schema": st.sampled_from(["", "shop", "%"])},
    optional={
        "table": st.sampled_from(["%", "a"]),
        "action": st.sampled_from(["include", "exclude", "explicit", "all"]),
    },
)
CHANGED = st.fixed_dictionaries(
    {
        "target": st.sampled_from(["schema", "table", "column", "x"]),
        "action": st.sampled_from(["rename", "remove-column", "x"]),
    },
    optional={name: st.sampled_from(["", "a", "%"]) for name in ("schema", "table", "column", "value", "old_value")},
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "dr_mode": st.sampled_from(["cold", "warm", "hot"]),
        "task_id": TEXT | st.sampled_from(["shop", "shop-", "s" * 32]),
        "migration_type": st.sampled_from(["cdc", "full-load", "full-load-and-cdc"]),
        "start_time": st.sampled_from(["", "2026-11-29T03:00:00Z", "now"]),
        "start_position": st.sampled_from(["", "binlog.000024:373", "4AF/B00000D0", "x"]),
        "tables": st.lists(TABLES, max_size=3),
        "transformations": st.lists(CHANGED, max_size=2),
        "table_mappings": st.sampled_from(["", "{", '{"rules": []}']),
        "largest_lob_kib": st.integers(-1, 20000),
        "settings": DOCUMENTS.map(json.dumps) | st.just("{"),
        "instance_class": TEXT,
        "storage_gib": st.integers(0, 7000),
        "subnet_ids": st.dictionaries(st.sampled_from(["a", "b", "c"]), st.just("subnet"), max_size=3),
        "log_retention_hours": st.integers(0, 100),
        "latency_alarm_seconds": st.integers(0, 5000),
        "free_memory_mib": st.integers(0, 1000),
        "serverless": st.booleans(),
    },
)
GOOD = st.sampled_from([MYSQL, POSTGRES])


@settings(deadline=None)
@given(GOOD, CHANGES)
def test_every_refusal_is_one_sentence_with_a_fix(good: dict[str, Any], change: dict[str, Any]) -> None:
    for problem in DmsCdcTaskIntent.of({**good, **change}).problems():
        assert names_a_fix(problem), problem


@settings(deadline=None)
@given(GOOD, st.integers(0, 20000), DOCUMENTS)
def test_what_is_accepted_drops_nothing_compares_and_cuts_nothing_off(
    good: dict[str, Any], largest: int, more: dict[str, Any]
) -> None:
    known = DmsCdcTaskIntent.of({**good, "largest_lob_kib": largest, "settings": json.dumps(more)})
    if known.problems():
        return
    document = json.loads(known.task_settings)
    assert all(document[one.path.partition(".")[0]][one.path.partition(".")[2]] == one.value for one in DECISIONS)
    sizes = document["TargetMetadata"]
    assert sizes["FullLobMode"] or sizes["LobMaxSize"] > max(32, largest)
    assert all(document[section][key] == value for section, said in more.items() for key, value in said.items())


@settings(deadline=None)
@given(GOOD, st.lists(TABLES, min_size=1, max_size=3))
def test_mappings_typed_or_as_a_text_are_judged_alike(good: dict[str, Any], tables: list[dict[str, str]]) -> None:
    typed = DmsCdcTaskIntent.of({**good, "tables": tables})
    text = DmsCdcTaskIntent.of({**good, "tables": [], "table_mappings": typed.mappings})
    assert len(text.problems()) == len(typed.problems())
    if not typed.problems():
        assert text.mappings == typed.mappings
