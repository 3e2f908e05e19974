"""The lab's DMS where it needs no server: what the settings and mappings of a task mean."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, count, pairwise, takewhile
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from lab.services.dms.api import Api
from lab.services.dms.mappings import Mappings
from lab.services.dms.settings import DEFAULTS, Settings
from lab.services.dms.shapes import Column, Fatal, Missing, Row, Source, Table, Target
from lab.services.dms.task import FRESH, Fault, Task
from lab.services.dms.validation import differing
from tests.dms_world import DOCUMENT, published
from tests.mocks.test_dms_cdc_task import MYSQL
from tests.servers.postgres import eventually
from twinsite.rules.dms_task import SETTINGS, SelectionPart, TransformationPart, mappings_text

TABLE = Table("shop", "orders", (Column("id", "int"), Column("note", "text", "wide")), ("id",))


def tries(settings: Settings) -> list[float]:
    """Seconds after a cut begins at which the path is tried, until it is given up or a day is over."""

    def pauses() -> list[float]:
        found: list[float] = []
        for number in count(1):
            try:
                found.append(settings.wait(number))
            except Fatal:
                return found
            if sum(found) > 86_400:
                return found
        return found

    return list(takewhile(lambda at: at < 86_400, accumulate(pauses())))


def test_after_a_cut_of_any_length_ours_tries_within_ten_seconds_and_the_documents_has_given_up() -> None:
    ours = tries(Settings(published(MYSQL)[0]["replicationTaskSettings"]))
    assert max(later - earlier for earlier, later in pairwise(ours)) == 10
    assert ours[-1] > 86_300
    theirs = tries(Settings(json.dumps(DOCUMENT)))
    assert theirs == [5, 15, 35, 75, 155, 315]


def test_a_pause_that_may_not_grow_stays_as_it_is() -> None:
    steady = Settings('{"ErrorBehavior": {"RecoverableErrorThrottling": false, "RecoverableErrorInterval": 3}}')
    assert tries(steady) == [3, 6, 9, 12, 15, 18]


def test_every_setting_of_the_task_that_the_lab_heeds_is_one_that_the_component_knows() -> None:
    assert {section: set(keys) - set(SETTINGS[section]) for section, keys in DEFAULTS.items()} == {
        section: set() for section in DEFAULTS
    }


@pytest.mark.parametrize(
    ("told", "lob"),
    [({}, 32768), ({"LobMaxSize": 64}, 65536), ({"FullLobMode": True, "LimitedSizeLobMode": False}, -1)],
)
def test_what_is_longer_than_the_limit_is_cut_off_and_full_mode_cuts_nothing(told: dict[str, int], lob: int) -> None:
    assert Settings(json.dumps({"TargetMetadata": told})).lob_bytes == lob


def test_a_character_counts_two_bytes_and_a_byte_two_digits() -> None:
    assert [Column("c", "", lob).longest(100) for lob in ("plain", "wide", "hex")] == [100, 50, 202]


def test_what_is_excluded_stays_out_and_a_wildcard_is_no_other_character() -> None:
    found = Mappings(
        mappings_text(
            (SelectionPart(schema="sh%"), SelectionPart(schema="shop", table="s_ssions", action="exclude")), ()
        )
    )
    asked = [("shop", "orders"), ("other", "orders"), ("shop", "s_ssions"), ("shop", "sessions")]
    assert [found.selects(*one) for one in asked] == [True, False, False, True]


@pytest.mark.parametrize(
    ("action", "value", "old", "name"),
    [
        ("rename", "o", "", "o"),
        ("add-prefix", "x_", "", "x_orders"),
        ("remove-suffix", "s", "", "order"),
        ("replace-prefix", "b", "or", "bders"),
        ("replace-suffix", "b", "or", "orders"),
        ("convert-uppercase", "", "", "ORDERS"),
    ],
)
def test_a_table_has_its_name_at_the_target_and_keeps_the_rest(action: str, value: str, old: str, name: str) -> None:
    part = TransformationPart(target="table", action=action, schema="shop", table="%", value=value, old_value=old)
    found = Mappings(mappings_text((SelectionPart(schema="shop"),), (part,)))
    assert found.at_target(TABLE) == replace(TABLE, name=name)
    assert found.row(TABLE, {"id": 1}) == {"id": 1}


def test_a_column_has_its_name_in_rows_and_key() -> None:
    part = TransformationPart(
        target="column", action="add-prefix", schema="shop", table="orders", column="i%", value="x"
    )
    found = Mappings(mappings_text((SelectionPart(schema="shop"),), (part,)))
    assert found.at_target(TABLE).key == ("xid",)
    assert found.row(TABLE, {"id": 1, "note": ""}) == {"xid": 1, "note": ""}


def test_rows_that_differ_or_that_one_end_lacks_are_found_by_their_keys() -> None:
    mine = [{"id": 1, "note": "a"}, {"id": 2, "note": "b"}, {"id": 3, "note": "c"}]
    theirs = [{"id": 1, "note": "a"}, {"id": 2, "note": "x"}, {"id": 4, "note": "d"}]
    assert differing(TABLE, mine, theirs) == {(2,), (3,), (4,)}
    assert differing(TABLE, mine, mine) == set()


def test_the_api_starts_nothing_before_both_ends_were_tried_and_loads_no_table_of_a_task_that_stands(
    tmp_path: Path,
) -> None:
    told, _, _ = published(MYSQL)
    task = Task("shop", tmp_path, (None, None), told)  # type: ignore[arg-type]
    api = Api(task, lambda side: "no route" if side == "target" else "")
    start = {"StartReplicationTaskType": "start-replication"}
    for side, status in (("source", "successful"), ("target", "failed")):
        arn = f"arn:aws:dms:ap-northeast-2:123456789012:endpoint:{side}"
        api.ask("TestConnection", {"EndpointArn": arn})
        (found,) = api.ask("DescribeConnections", {"Filters": [{"Name": "endpoint-arn", "Values": [arn]}]})[
            "Connections"
        ]
        assert found["Status"] == status
    with pytest.raises(Fault, match="Test connection for replication instance and endpoint should be successful"):
        api.ask("StartReplicationTask", start)
    with pytest.raises(Fault, match="is not running"):
        api.ask("ReloadTables", {"TablesToReload": [{"SchemaName": "shop", "TableName": "orders"}]})
    with pytest.raises(Fault, match="NoSuchCall"):
        api.ask("NoSuchCall", {})
    (seen,) = api.ask("DescribeReplicationTasks", {})["ReplicationTasks"]
    assert json.loads(seen["ReplicationTaskSettings"])["FullLoadSettings"]["TargetTablePrepMode"] == "DO_NOTHING"
    assert api.ask("GetMetricData", {})["MetricDataResults"] == [
        {"Id": "source", "Values": [], "Timestamps": []},
        {"Id": "target", "Values": [], "Timestamps": []},
    ]
    assert (task.status, api.calls) == ("ready", ["TestConnection", "TestConnection"])


def test_a_table_that_goes_between_the_list_and_the_load_is_in_error_and_the_others_arrive(tmp_path: Path) -> None:
    gone, stays = replace(TABLE, name="gone"), replace(TABLE, name="stays")

    def rows(table: Table) -> Iterator[Row]:
        if table is gone:
            raise Missing("no such table")
        yield {"id": 1, "note": None}

    source, target = create_autospec(Source, instance=True), create_autospec(Target, instance=True)
    source.tables.return_value, source.position.return_value, source.changes.return_value = (gone, stays), "1", ()
    source.rows.side_effect, target.rows.side_effect = rows, lambda table: rows(stays)
    arrived: list[Sequence[Row]] = []
    target.insert.side_effect = lambda table, rows: arrived.append(rows)
    task = Task("shop", tmp_path, (source, target), published(MYSQL)[0])
    task.start(FRESH)
    wanted = {"gone": ("Table error", "Not enabled"), "stays": ("Table completed", "Validated")}
    eventually(
        lambda: {
            row["TableName"]: (row["TableState"], row["ValidationState"]) for row in task.statistics.rows()
        } == wanted,
        60,
        "both tables' states",
    )  # fmt: skip
    assert task.status == "running" and arrived == [[{"id": 1, "note": None}]]
    assert task.log() == ["]W:  shop.gone: load: no such table"]
    task.stop()
