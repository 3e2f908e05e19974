"""The estimate's parts: prices that differ by region or are not there, rates, and what a sum of them rests on."""

import re

import pytest

from tests.mocks.test_dms_cdc_task import MYSQL as DMS_TASK
from twinsite.estimate import aws, rates
from twinsite.estimate.answer import Estimate, Mode, duration
from twinsite.estimate.figures import SECONDS, USD_MONTH, Basis, Item, Kind, at_least, step, total, unknown
from twinsite.estimate.path import critical, parallel, serial
from twinsite.estimate.prices import HOURS_PER_MONTH, TABLE, Price, Prices, table
from twinsite.estimate.route53 import Checked, answers_a_month, check_costs, latch_checks
from twinsite.rules.dms import DmsCdcTaskIntent

ROW = {"sku": "ec2/t3.micro", "region": "us-east-1", "unit": "hour", "usd": 0.01, "date": "2026-11-29"}
SOURCED = {**ROW, "source": "https://pricing.us-east-1.amazonaws.com/offers"}
REMEMBERED = {**ROW, "region": "ap-northeast-2", "usd": 0.013, "source": "remembered"}


def test_a_price_is_that_of_the_region() -> None:
    prices = Prices([SOURCED, REMEMBERED])
    here, there = (prices.cost("m", "ec2/t3.micro", region, 730) for region in ("us-east-1", "ap-northeast-2"))
    assert (here.value, here.basis) == (7.3, Basis.VENDOR)
    assert (there.value, there.basis) == (9.49, Basis.REMEMBERED)
    assert "remembered (2026-11-29), not looked up" in there.source and "pricing.us-east-1" in here.source


def test_a_price_that_is_not_there_is_unknown_and_named_and_no_sum_leaves_it_out() -> None:
    prices = Prices([SOURCED])
    items = [prices.cost("known", "ec2/t3.micro", "us-east-1", 730), prices.cost("m", "ec2/t3.micro", "mars", 730)]
    assert (items[1].value, items[1].basis) == (None, Basis.UNKNOWN)
    assert "no price of ec2/t3.micro in mars" in items[1].source
    assert total(items) is None and at_least(items) == 7.3
    shown = Mode(items, serial(), []).shown()
    assert (shown["cost_usd_month"], shown["cost_at_least_usd_month"]) == (None, 7.3)
    assert shown["unknown_prices"] == ["m"]
    assert shown["words"]["cost"] == "at least $7.30 (unknown: m) a month"


def test_a_free_thing_is_not_an_unknown_one() -> None:
    assert Prices([SOURCED]).cost("none of it", "ec2/t3.micro", "us-east-1", 0).value == 0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{**ROW}], "not whole"),
        ([{**SOURCED, "usd": None}], "not whole"),
        ([SOURCED, SOURCED], "ec2/t3.micro in us-east-1 twice"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(rows: list[dict[str, object]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Prices(rows)


def test_every_row_of_the_committed_table_has_a_day_and_a_source() -> None:
    rows: list[Price] = list(table())
    assert len(rows) > 50
    for row in rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row.date), row
        assert row.remembered or row.source.startswith("https://"), row
        assert row.usd > 0, row
    assert "source: remembered" in TABLE.read_text()


def test_an_item_without_a_value_is_unknown_and_only_such_a_one() -> None:
    for value, basis in ((None, Basis.COMPUTED), (1.0, Basis.UNKNOWN), (-1.0, Basis.COMPUTED)):
        with pytest.raises(ValueError, match="x"):
            Item("x", value, SECONDS, basis, "somewhere")
    with pytest.raises(ValueError, match="does not say what it rests on"):
        Item("x", 1.0, USD_MONTH, Basis.COMPUTED, "")


def test_a_sum_says_the_weakest_that_it_rests_on() -> None:
    known = Prices([SOURCED]).cost("m", "ec2/t3.micro", "us-east-1", 730)
    guessed = Prices([REMEMBERED]).cost("n", "ec2/t3.micro", "ap-northeast-2", 730)
    assert "remembered" not in Mode([known], serial(), []).shown()["words"]["cost"]
    both = Mode([known, guessed], serial(), []).shown()
    assert both["words"]["cost"] == "$16.79 (remembered prices) a month"
    assert both["cost_basis"] == ["vendor", "remembered"]


def made(name: str, seconds: float) -> Item:
    return step(name, Kind.CREATION, seconds, Basis.ASSUMPTION, "a test")


def test_the_critical_path_is_a_way_through_the_steps() -> None:
    path = serial(made("a", 1), parallel(serial(made("b", 2), made("c", 3)), made("d", 4)), made("e", 1))
    assert [one.name for one in critical(path)] == ["a", "b", "c", "e"]
    shown = Mode([], path, []).shown()
    assert shown["rto_seconds"] == 7
    assert [one["name"] for one in shown["beside_it"]] == ["d"]


def test_a_step_that_nobody_knows_is_on_the_critical_path_and_makes_the_rto_unknown() -> None:
    lost = unknown("promotion", SECONDS, "nobody has built it", Kind.PROMOTION)
    shown = Mode([], serial(made("a", 130), parallel(made("long", 9000), lost)), []).shown()
    assert [one["name"] for one in shown["critical_path"]] == ["a", "promotion"]
    assert (shown["rto_seconds"], shown["rto_at_least_seconds"]) == (None, 130)
    assert shown["words"]["rto"] == "more than 2 min (unknown: promotion)"


def test_the_table_in_preview_points_at_the_stacks_mode() -> None:
    found = Estimate({"cold": Mode([], made("a", 60), []), "warm": Mode([], made("b", 30), [])}, ())
    assert found.lines("warm") == [
        "  cold: $0.00 a month, RTO 60 s, RPO 0 s",
        "→ warm: $0.00 a month, RTO 30 s, RPO 0 s",
    ]
    assert [duration(seconds) for seconds in (76, 600, 86400, 86480)] == ["76 s", "10 min", "24 h", "24 h 1 min"]


def test_a_managed_servers_iops_hold_a_restore_up_and_the_gate_waits_for_it() -> None:
    rate, basis, words = rates.restore_seconds_gib("Standard_B2s", True)
    assert (rate, basis) == (102.4, Basis.VENDOR) and "1280 IOPS" in words
    for size, managed in (("Standard_D8ds_v4", True), ("Standard_B2s", False), ("Standard_Z9", True)):
        assert rates.restore_seconds_gib(size, managed)[:2] == (rates.RESTORE_SECONDS_GIB, Basis.ASSUMPTION)
    assert rates.restore_patience_seconds(10, "Standard_B2s", True) == 2048


def test_what_answers_route_53s_checks_is_counted_by_their_intervals() -> None:
    # Of six checks four ask every 10 s and two every 30 s, from 15 places.
    assert round(answers_a_month(latch_checks())) == round(15 * (4 / 10 + 2 / 30) * HOURS_PER_MONTH * 3600)


def test_a_check_costs_by_where_it_asks_and_what_it_does() -> None:
    inside, outside = check_costs(table(), [Checked(False, 3, 10), Checked(False, 0, 0), Checked(True, 2, 10)])
    assert (inside.value, outside.value) == (2 * 0.5 + 3 * 1.0, 0.75 + 2 * 2.0)
    (none,) = check_costs(Prices([]), [Checked(True, 2, 10)])
    assert none.value is None and "route53/check-foreign" in none.source


def test_a_dms_task_costs_its_instance_in_each_zone_and_loses_what_its_alarm_lets_pass() -> None:
    known = DmsCdcTaskIntent.of({**DMS_TASK, "latency_alarm_seconds": 30})
    rows = {"dms/t3.medium-multi-az": 0.2, "dms/storage-multi-az": 0.3, "dms/t3.medium": 0.1, "dms/storage": 0.15}
    prices = Prices(
        [
            {"sku": sku, "region": "ap-northeast-2", "unit": "hour", "usd": usd, "date": "2026-11-29", "source": "test"}
            for sku, usd in {**rows, "cloudwatch/alarm": 0.1}.items()
        ]
    )
    assert [one.value for one in aws.migration(prices, known)] == pytest.approx([0.2 * 730, 0.3 * 50, 0.1 * 4])
    one_zone = DmsCdcTaskIntent.of({**DMS_TASK, "multi_az": False})
    assert [one.value for one in aws.migration(prices, one_zone)] == pytest.approx([0.1 * 730, 0.15 * 50, 0.1 * 4])
    assert aws.migration(prices, DmsCdcTaskIntent.of({**DMS_TASK, "dr_mode": "cold"})) == []
    all_of_it = DmsCdcTaskIntent.of({**DMS_TASK, "storage_gib": 50})
    assert len(aws.migration(prices, all_of_it)) == 2, "its storage is in the instance's price"
    seoul, virginia = (
        aws.migration(table(), DmsCdcTaskIntent.of({**DMS_TASK, "region": region}))[:2]
        for region in ("ap-northeast-2", "us-east-1")
    )
    assert [one.basis for one in seoul] == [Basis.UNKNOWN, Basis.UNKNOWN]
    assert "no price of dms/t3.medium-multi-az in ap-northeast-2" in seoul[0].source
    assert [one.basis for one in virginia] == [Basis.REMEMBERED, Basis.REMEMBERED]
    assert (aws.migration_loss(known).value, aws.migration_loss(known).basis) == (30 + 180, Basis.COMPUTED)
