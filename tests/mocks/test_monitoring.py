"""Alarms and observer under mocks: what is watched, who is told, and that silence counts as broken."""

from typing import Any

import pytest

from tests.mocks import harness
from tests.mocks.traffic_world import SUBSCRIPTION, build
from twinsite import rules

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
QUERY = "azure-native:monitor:ScheduledQueryRule"


@pytest.fixture(scope="module")
def run() -> harness.Run:
    return build(monitored=True)


def alarm(run: harness.Run, name: str) -> dict[str, Any]:
    return run.one(f"a-{name}", ALARM).inputs


def test_everything_in_aws_is_in_us_east_1(run: harness.Run) -> None:
    for found in (*run.of(ALARM), *run.of(COMPOSITE), *run.of("aws:sns/topic:Topic")):
        assert found.inputs["region"] == "us-east-1", found.name


def test_data_that_stop_page_whoever_a_breach_pages_and_nobody_is_paged_before_the_first_datum(
    run: harness.Run,
) -> None:
    # "breaching" takes the time before the first datum for a breach; an alarm is born in INSUFFICIENT_DATA, and only a
    # change to it runs its actions.
    assert {found.inputs["treatMissingData"] for found in run.of(ALARM)} == {"missing"}
    paging = [found for found in run.of(ALARM) if found.inputs.get("alarmActions")]
    assert len(paging) > 5
    for found in run.of(ALARM):
        assert found.inputs.get("insufficientDataActions", []) == found.inputs.get("alarmActions", []), found.name


@pytest.mark.parametrize("made", ["2026-11-29T08:00:00.0000000Z", ""])
def test_queries_on_age_count_from_the_day_on_which_somebody_began_to_watch(made: str) -> None:
    found = build(monitored=True, fill={"azure-native:operationalinsights:Workspace": lambda *_: {"createdDate": made}})
    for name in ("o-backup-late", "o-primary-unseen"):
        text = found.one(name, QUERY).inputs["criteria"]["allOf"][0]["query"]
        assert f'let since = todatetime("{made}");' in text
        # A date that is not known is null, and null pages: it must not silence the alarm for ever.
        assert "| extend Last = coalesce(Newest, since)\n| where isnull(Last) or Last < ago(" in text


@pytest.mark.parametrize("store", [1, 2])
def test_a_set_latch_and_a_dead_store_page(run: harness.Run, store: int) -> None:
    latched, dead = alarm(run, f"latch-{store}-set"), alarm(run, f"latch-{store}-store")
    assert latched["dimensions"] == {"HealthCheckId": f"l-{store}-present-id"}
    assert (latched["comparisonOperator"], latched["threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert dead["dimensions"] == {"HealthCheckId": f"l-{store}-store-id"}
    assert (dead["comparisonOperator"], dead["threshold"]) == ("LessThanThreshold", 1)
    assert latched["alarmActions"] == dead["alarmActions"] == ["arn:aws:test:::a-alarms"]


def test_a_standby_that_is_down_on_purpose_pages_only_while_users_are_there(run: harness.Run) -> None:
    assert alarm(run, "dr-example-com-standby").get("alarmActions", []) == []
    found = run.one("a-dr-example-com-standby-fails-while-latched", COMPOSITE).inputs
    assert found["alarmRule"] == (
        'ALARM("a-latched-1234567") AND (ALARM("a-dr-example-com-standby-1234567") OR '
        'INSUFFICIENT_DATA("a-dr-example-com-standby-1234567"))'
    )
    assert found["alarmActions"] == ["arn:aws:test:::a-alarms"]


def test_the_primarys_page_is_watched_for_each_name(run: harness.Run) -> None:
    for name in ("www", "dr"):
        assert alarm(run, f"{name}-example-com-primary")["dimensions"] == {"HealthCheckId": f"{name}-primary-page-id"}


def test_a_certificate_pages_30_days_before_its_end(run: harness.Run) -> None:
    found = alarm(run, "certificate-www-example-com")
    assert (found["namespace"], found["metricName"], found["threshold"]) == (
        "AWS/CertificateManager", "DaysToExpiry", 30,
    )  # fmt: skip


def test_a_pagers_address_is_a_secret_in_both_clouds(run: harness.Run) -> None:
    assert run.one("a-url-pager").holds_secret("endpoint")
    assert not run.one("a-email-oncall@example.com").holds_secret("endpoint")
    assert run.one("o-told").holds_secret("webhookReceivers", 0, "serviceUri")


def test_the_observer_asks_the_primary_from_five_places_and_pages_at_three(run: harness.Run) -> None:
    test, alert = run.one("o-primary").inputs, run.one("o-primary-down").inputs
    assert len(test["locations"]) == 5
    assert (test["kind"], test["frequency"]) == ("standard", 300)
    assert test["request"]["requestUrl"] == "https://primary.example.com/petclinic/"
    assert test["validationRules"]["contentValidation"]["contentMatch"] == "served by site aws"
    assert test["tags"]["hidden-link:o-insights-id"] == "Resource"
    assert alert["criteria"]["failedLocationCount"] == 3
    assert alert["scopes"] == ["o-primary-id", "o-insights-id"]
    assert alert["actions"] == [{"actionGroupId": "o-told-id"}]


def test_backups_are_watched_where_they_land(run: harness.Run) -> None:
    logged = run.one("o-backup-writes").inputs
    assert logged["resourceUri"].startswith(f"/subscriptions/{SUBSCRIPTION}/")
    assert logged["resourceUri"].endswith("/storageAccounts/shopbackup/blobServices/default")
    assert logged["logs"] == [{"category": "StorageWrite", "enabled": True}]


def test_no_row_means_all_is_well_and_no_data_gives_a_row(run: harness.Run) -> None:
    rules_ = {found.name: found.inputs for found in run.of(QUERY)}
    assert sorted(rules_) == ["o-backup-late", "o-backup-small", "o-primary-unseen"]
    for found in rules_.values():
        (condition,) = found["criteria"]["allOf"]
        assert (condition["timeAggregation"], condition["operator"], condition["threshold"]) == (
            "Count", "GreaterThan", 0,
        )  # fmt: skip
        assert found["actions"]["actionGroups"] == ["o-told-id"]
    late, unseen = (rules_[name]["criteria"]["allOf"][0]["query"] for name in ("o-backup-late", "o-primary-unseen"))
    # summarize without `by` has one row also over nothing, and max() of nothing is null.
    for query in (late, unseen):
        assert "| summarize Newest = max(TimeGenerated)\n| extend Last =" in query


def test_ages_and_drops_reach_the_queries() -> None:
    run = build({"observer": {"backup_max_age_hours": 12, "backup_drop_percent": 40}}, monitored=True)
    late, small = (
        run.one(f"o-backup-{what}", QUERY).inputs["criteria"]["allOf"][0]["query"] for what in ("late", "small")
    )
    assert "let max_age = 12h;" in late
    assert "let drop_percent = 40;" in small
    assert 'let container = "mysql-backup";' in late


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("alarms", {"emails": [], "urls": {}}, "nobody is told"),
        ("observer", {"primary_url": "https://dr.example.com/petclinic/"}, "would be green again"),
    ],
)
def test_bad_monitoring_is_refused(part: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(rules.Refused, match=says):
        build({part: change}, monitored=True)
