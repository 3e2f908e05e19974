"""GcpAlarms and AwsLinkAlarms under mocks: the same names at both clouds, silence is a failure, somebody is told."""

import json
from typing import Any

import pytest

from lab.services.google.series import Name, Series, firing
from tests.mocks import harness
from twinsite import AwsLinkAlarms, DrMode, GcpAlarms, rules
from twinsite.estimate import aws, gcp
from twinsite.estimate.figures import at_least
from twinsite.estimate.prices import table
from twinsite.guest.logical import metrics
from twinsite.rules.link_alarms import AwsLinkAlarmsIntent, GcpAlarmsIntent

POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"
CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"

BOTH: dict[str, Any] = {
    "dr_mode": DrMode.WARM,
    "prefix": "crm",
    "flow": "crm",
    "cluster": "crm",
    "namespace": "crm",
    "workload": "crm",
    "pools": ["aws", "gcp"],
    "lag_seconds": 30,
    "slot_gib": 10,
    "emails": ["ops@example.com"],
    "urls": {"pager": "https://pager.example.com/hidden"},
}
GCP: dict[str, Any] = {
    **BOTH,
    "project": "crm-dr",
    "region": "asia-northeast3",
    "tunnel_names": [f"crm-tunnel-{number}" for number in (1, 2, 3, 4)],
}
AWS: dict[str, Any] = {
    **BOTH,
    "region": "ap-northeast-2",
    "aws_addresses": [f"203.0.113.{number}" for number in (1, 2, 3, 4)],
    "database": "crm",
}
NAMED = {
    POLICY: lambda name, inputs: {"name": f"projects/crm-dr/{name}"},
    CHANNEL: lambda name, inputs: {"name": f"projects/crm-dr/notificationChannels/{name}"},
}


def at_google(**change: Any) -> harness.Run:
    def program() -> Any:
        return GcpAlarms("a", {**GCP, **change}).channels  # type: ignore[typeddict-item]

    return harness.run(program, NAMED)


def at_aws(**change: Any) -> harness.Run:
    def program() -> Any:
        return AwsLinkAlarms("a", {**AWS, **change}).topic_arn  # type: ignore[typeddict-item]

    return harness.run(program)


def names(google: harness.Run, amazon: harness.Run) -> tuple[set[str], set[str]]:
    return (
        {one.inputs["displayName"] for one in google.of(POLICY)},
        {one.inputs["name"] for one in amazon.of(ALARM)},
    )


def test_both_clouds_call_an_alarm_the_same_and_aws_has_tunnel_and_session_in_one() -> None:
    google, amazon = names(at_google(), at_aws())
    assert len(amazon) == 9
    assert google - amazon == {f"crm-bgp-{number}" for number in (1, 2, 3, 4)}
    assert amazon <= google


@pytest.mark.parametrize("mode", list(DrMode))
def test_a_mode_is_watched_for_what_it_has(mode: DrMode) -> None:
    change = {"tunnel_names": None} if mode is DrMode.COLD else {}
    google, _ = names(at_google(dr_mode=mode, **change), at_aws())
    joined = mode is not DrMode.COLD
    assert ("crm-tunnel-4" in google, "crm-replication-lag" in google) == (joined, joined)
    assert ("crm-pods" in google) == (mode is DrMode.WARM)
    assert "crm-pool-gcp" in google


def test_google_pages_for_silence_by_a_condition_of_its_own() -> None:
    for made in at_google().of(POLICY):
        wrong, silent = made.inputs["conditions"]
        assert made.inputs["combiner"] == "OR"
        assert silent["conditionAbsent"]["filter"] == wrong["conditionThreshold"]["filter"]
        assert silent["conditionAbsent"]["duration"] == "300s"


def test_aws_pages_for_silence_and_for_what_nobody_ever_wrote() -> None:
    found = at_aws().of(ALARM)
    assert {one.inputs["treatMissingData"] for one in found} == {"breaching"}
    assert {tuple(one.inputs["alarmActions"]) for one in found} == {("arn:aws:test:::a-alarms",)}


def test_every_policy_tells_every_channel_and_a_url_is_a_secret() -> None:
    run = at_google()
    channels = {one.inputs["type"]: one for one in run.of(CHANNEL)}
    assert set(channels) == {"email", "webhook_tokenauth"}
    assert channels["webhook_tokenauth"].holds_secret("labels", "url")
    told = {tuple(one.inputs["notificationChannels"]) for one in run.of(POLICY)}
    assert told == {tuple(run.result)}
    assert len(run.result) == 2
    assert at_aws().one("a-url-pager").holds_secret("endpoint")


def test_what_is_watched_of_a_tunnel_is_that_tunnel() -> None:
    google, amazon = at_google(), at_aws()
    session = google.one("a-bgp-2", POLICY).inputs["conditions"][0]["conditionThreshold"]
    assert 'metric.labels.bgp_peer_name="crm-tunnel-2"' in session["filter"]
    assert (session["comparison"], session["thresholdValue"]) == ("COMPARISON_LT", 1)
    state = amazon.one("a-tunnel-3", ALARM).inputs
    assert (state["metricName"], state["dimensions"]) == ("TunnelState", {"TunnelIpAddress": "203.0.113.3"})
    assert (state["statistic"], state["threshold"], state["comparisonOperator"]) == ("Minimum", 1, "LessThanThreshold")


def test_a_policy_over_a_metric_of_ones_own_waits_for_it() -> None:
    run = at_google(lag_seconds=20)
    lag = run.one("a-replication-lag", POLICY)
    assert run.one("a-replication_lag_seconds").urn in lag.depends_on
    assert lag.inputs["conditions"][0]["conditionThreshold"]["thresholdValue"] == 20


def own(run: harness.Run) -> set[str]:
    """Metrics of twinsite's own that it makes."""
    return {one.inputs["type"] for one in run.of("gcp:monitoring/metricDescriptor:MetricDescriptor")}


def test_two_stacks_in_one_project_or_account_share_no_metric() -> None:
    """One that is healthy would keep the other's alarms quiet, and a `destroy` of one take the other's metrics."""
    other = {"prefix": "shop-a", "flow": "shop_a"}
    assert own(at_google()) & own(at_google(**other)) == set()
    assert own(at_google(**other)) == {
        f"custom.googleapis.com/twinsite/shop_a/{name}"
        for name in ("replication_lag_seconds", "slot_retained_bytes", "pool_up")
    }
    series = [
        {(one.inputs["metricName"], *one.inputs["dimensions"].items()) for one in at_aws(**change).of(ALARM)
         if one.inputs["namespace"] == "twinsite"}
        for change in ({}, other)
    ]  # fmt: skip
    assert [len(one) for one in series] == [3, 3] and series[0] & series[1] == set()


def test_a_flow_that_fell_silent_pages_while_another_stacks_flow_is_well() -> None:
    now, lab = 10_000.0, Series()
    for flow, last in (("crm", now - 400), ("shop", now)):
        for back in range(10):
            kind = metrics.KIND.format(flow=flow, name="replication_lag_seconds")
            of = (("resource.labels.project_id", "crm-dr"),)
            assert lab.write(Name(kind, "global", of), last - 60 * (9 - back), 0.5)
    policies = {
        flow: at_google(prefix=flow, flow=flow).one("a-replication-lag", POLICY).inputs for flow in ("crm", "shop")
    }
    speaks = {flow: firing(policy, lab, now) for flow, policy in policies.items()}
    assert speaks == {"crm": ["nobody knows whether the standby's data are older than promised"], "shop": []}


@pytest.mark.parametrize("mode", list(DrMode))
@pytest.mark.parametrize("quiet", [{}, {"lag_seconds": 0, "slot_gib": 0, "pools": [], "cluster": ""}])
def test_an_estimate_counts_what_is_made(mode: DrMode, quiet: dict[str, Any]) -> None:
    gone = {"tunnel_names": None, "aws_addresses": None} if mode is DrMode.COLD else {}
    change = {**quiet, "dr_mode": mode}
    google, amazon = at_google(**change, **gone).of(POLICY), at_aws(**change, **gone).of(ALARM)
    assert GcpAlarmsIntent.of({**GCP, **change}).alarms == len(google)
    assert AwsLinkAlarmsIntent.of({**AWS, **change}).alarms == len(amazon)
    costs = [
        *gcp.alarms(table(), GcpAlarmsIntent.of({**GCP, **change})),
        *aws.link_alarms(table(), AwsLinkAlarmsIntent.of({**AWS, **change})),
    ]
    assert at_least(costs) == pytest.approx(0.1 * (len(amazon) + sum(len(one.inputs["conditions"]) for one in google)))


def test_what_nobody_writes_is_no_alarm_at_either_cloud_and_no_metric() -> None:
    """At AWS it would be on for ever, at Google it would never speak."""
    quiet: dict[str, Any] = {"lag_seconds": 0, "slot_gib": 0, "pools": []}
    google, amazon = names(at_google(**quiet), at_aws(**quiet, database=""))
    watched = {"crm-pods", *(f"crm-tunnel-{number}" for number in (1, 2, 3, 4))}
    assert amazon == watched
    assert google == watched | {f"crm-bgp-{number}" for number in (1, 2, 3, 4)}
    assert at_google(**quiet).of("gcp:monitoring/metricDescriptor:MetricDescriptor") == []
    by_default = {key: value for key, value in AWS.items() if key not in {*quiet, "database"}}
    run = harness.run(lambda: AwsLinkAlarms("a", by_default).topic_arn)  # type: ignore[arg-type]
    assert {one.inputs["name"] for one in run.of(ALARM)} == watched


def test_a_slot_is_measured_where_the_source_is() -> None:
    slot = at_aws(slot_gib=5).one("a-slot-retention", ALARM).inputs
    assert (slot["namespace"], slot["metricName"]) == ("AWS/RDS", "OldestReplicationSlotLag")
    assert slot["threshold"] == 5 * 2**30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"emails": [], "urls": {}}, "nobody is told of an alarm"),
        ({"lag_seconds": 1}, "the alarm would never rest"),
        ({"slot_gib": -1}, "slot_gib -1 pages at once"),
        ({"workload": ""}, "which pods to count is not"),
        ({"least_pods": 0}, "least_pods 0 is never missed"),
        ({"prefix": "CRM"}, "begins no name"),
        ({"region": ""}, "region is empty"),
        ({"pools": ["A B"]}, "pools has 'A B'"),
        ({"flow": ""}, "set and flow is '', so another stack's metrics would be taken for this one's"),
        ({"flow": "crm-a"}, "set flow to the `replica` of the LogicalReplica that writes them"),
    ],
)
def test_refused_on_both_sides_before_anything_exists(change: dict[str, Any], said: str) -> None:
    for run in (at_google, at_aws):
        with pytest.raises(rules.Refused) as refusal:
            run(**change)
        assert len(refusal.value.problems) == 1
        assert said in refusal.value.problems[0]


def test_at_aws_the_source_must_be_named() -> None:
    with pytest.raises(rules.Refused, match="nobody sees a slot fill the source's disk"):
        at_aws(database="")


def test_at_aws_nobody_writes_to_the_topic_for_another_account() -> None:
    dms = {"publishers": ["dms.amazonaws.com"], "account_id": "123456789012"}
    (topic,) = at_aws(**dms, region="cn-north-1").of("aws:sns/topic:Topic")
    assert {
        one["Principal"]["Service"]: one["Condition"] for one in json.loads(topic.inputs["policy"])["Statement"]
    } == {
        "cloudwatch.amazonaws.com": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        "dms.amazonaws.com": {"ArnLike": {"aws:SourceArn": "arn:aws-cn:dms:*:123456789012:es:*"}},
    }
    with pytest.raises(rules.Refused, match=r"events\.amazonaws\.com, which might write to the topic for anybody's"):
        at_aws(publishers=["events.amazonaws.com"], account_id="123456789012")
    with pytest.raises(rules.Refused, match="without account_id, for which it may write"):
        at_aws(publishers=["dms.amazonaws.com"])
