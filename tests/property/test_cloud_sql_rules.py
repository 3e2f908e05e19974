"""Refusals of a Cloud SQL that stands by, over all of them."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mocks.test_cloud_sql_standby import MYSQL, POSTGRES
from tests.unit.test_tunnel_rules import names_a_fix
from twinsite.rules.cloud_sql import MEANING, REPLICATES, CloudSqlStandbyIntent

TEXT = st.text(alphabet=st.characters(exclude_characters=":"), max_size=8)
NAMES = st.sampled_from(sorted({*MEANING["POSTGRES"], *MEANING["MYSQL"], *REPLICATES["POSTGRES"], "max_connections"}))
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "dr_mode": st.sampled_from(["cold", "warm", "hot"]),
        "instance": TEXT | st.sampled_from(["crm", "crm-", "c" * 61]),
        "generation": st.integers(-1, 3),
        "region": st.sampled_from(["", "asia-northeast3"]),
        "database_version": TEXT | st.sampled_from(["POSTGRES_16", "MYSQL_8_0", "MYSQL_8_4", "POSTGRES_17"]),
        "source_version": TEXT | st.sampled_from(["17", "17.5", "8", "8.0.45", "8.4.6-log"]),
        "source_settings": st.dictionaries(NAMES, TEXT | st.just("SYSTEM")),
        "flags": st.dictionaries(NAMES, TEXT),
        "tier": TEXT,
        "availability_type": TEXT,
        "disk_gib": st.integers(0, 100),
        "database": TEXT,
        "charset": TEXT,
        "collation": TEXT,
        "user": TEXT | st.just("root"),
        "retained_backups": st.integers(0, 400),
    },
)
GOOD = st.sampled_from([POSTGRES, MYSQL])


@settings(deadline=None)
@given(GOOD, CHANGES)
def test_every_refusal_is_one_sentence_with_a_fix(good: dict[str, Any], change: dict[str, Any]) -> None:
    for problem in CloudSqlStandbyIntent.of({**good, **change}).problems():
        assert names_a_fix(problem), problem


@settings(deadline=None)
@given(GOOD, CHANGES)
def test_an_accepted_server_is_told_every_setting_once_and_can_replicate(
    good: dict[str, Any], change: dict[str, Any]
) -> None:
    known = CloudSqlStandbyIntent.of({**good, **change})
    if known.problems():
        return
    told = known.all_flags
    assert {name: told[name] for name in MEANING[known.engine]} == known.source_settings
    assert {name: told[name] for name in REPLICATES[known.engine]} == dict(REPLICATES[known.engine])


@settings(deadline=None)
@given(GOOD, st.data())
def test_no_setting_that_changes_meaning_may_be_left_out(good: dict[str, Any], data: st.DataObject) -> None:
    lacking = data.draw(st.sampled_from(sorted(good["source_settings"])))
    told = {name: value for name, value in good["source_settings"].items() if name != lacking}
    (problem,) = CloudSqlStandbyIntent.of({**good, "source_settings": told}).problems()
    assert f"source_settings lacks {lacking}," in problem
