"""Alarms in AWS on what joins it with Google Cloud, under the names that Google has."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from .. import rules
from ..component import Component
from ..modes import DrMode
from ..partition import partition
from ..rules.link_alarms import GIB, PUBLISHERS, AwsLinkAlarmsIntent

NAMESPACE = "twinsite"
PERIOD_SECONDS = 60
PERIODS = 2


class AwsLinkAlarmsArgs(TypedDict):
    """Arguments of AwsLinkAlarms."""

    dr_mode: DrMode
    """In cold there are no tunnels, and no slot."""

    prefix: NotRequired[str]
    """Names of alarms begin with it, at Google as well. Defaults to twinsite."""

    flow: NotRequired[str]
    """Whose lag: name of the flow. Needed with lag_seconds."""

    region: str
    """Of the VPC."""

    aws_addresses: pulumi.Input[list[str] | None]
    """The VPN's: outside addresses of AWS's tunnels. None in cold."""

    database: NotRequired[str]
    """Identifier of the RDS instance that is the source, for its slots."""

    cluster: NotRequired[str]
    """Name of the EKS cluster, with Container Insights on. Defaults to none: pods are not watched."""

    namespace: NotRequired[str]
    """Of the pods."""

    workload: NotRequired[str]
    """Name of the Workload's Service."""

    least_pods: NotRequired[int]
    """Fewer page. Defaults to 1."""

    lag_seconds: NotRequired[int]
    """A heartbeat row that is older at the standby pages. Not watched by default: set it where somebody writes
    twinsite/ReplicationLagSeconds with dimension Flow, or the alarm is on until somebody does."""

    slot_gib: NotRequired[int]
    """A slot that keeps more pages; RDS measures it once there is one. Not watched by default."""

    pools: NotRequired[list[str]]
    """Sites whose pools are watched, where somebody writes twinsite/PoolUp with dimensions Prefix and Pool. Defaults to
    none."""

    emails: NotRequired[list[str]]
    """Addresses that get the alarms; each must confirm once. Defaults to none."""

    urls: NotRequired[dict[str, pulumi.Input[str]]]
    """Name -> HTTPS endpoint that gets them, for instance a pager's; treated as secrets. Defaults to none."""

    publishers: NotRequired[list[str]]
    """Services of AWS beside CloudWatch that write to the topic for this account: dms.amazonaws.com, the only one of
    which it is known how it says for whom it acts. Default to none."""

    account_id: NotRequired[pulumi.Input[str]]
    """Whose CloudWatch and publishers may write to the topic. Needed with publishers: without them AWS's own policy
    says so."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class AwsLinkAlarms(Component):
    """CloudWatch alarms by one SNS topic in the VPC's region; silence is a breach.

    AWS's state of a tunnel with BGP is 1 only while its session is established [Site-to-Site VPN user guide,
    CloudWatch metrics]: `tunnel-N` is here what Google has as `tunnel-N` and `bgp-N`.

    In every mode: topic, subscriptions, and of what is asked for pools and pods. From pilot-light on: tunnels, and of
    what is asked for lag and slots.
    """

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AwsLinkAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = AwsLinkAlarmsIntent.of(args)
        if known.publishers and "account_id" not in args:
            lacks = (
                f"publishers has {known.publishers[0]} without account_id, for which it may write: set that one, too"
            )
            rules.require(f"AwsLinkAlarms {name}", [lacks, *known.problems()])
        super().__init__("AwsLinkAlarms", name, known, opts)
        self._name, self._known = name, known
        self._at_aws: dict[str, Any] = {"region": known.region, "tags": args.get("tags", {})}
        policy: dict[str, Any] = {}
        if known.publishers:
            account = pulumi.Output.from_input(args.get("account_id", ""))
            policy = {"policy": account.apply(lambda found: _policy(known, found))}
        topic = aws.sns.Topic(f"{name}-alarms", **policy, **self._at_aws, opts=self._child())
        self.topic_arn = topic.arn
        for address in known.emails:
            self._subscription(f"email-{address}", "email", address)
        for whose, url in args.get("urls", {}).items():
            self._subscription(f"url-{whose}", "https", pulumi.Output.secret(url))
        addresses = pulumi.Output.from_input(args["aws_addresses"])
        for number in known.tunnels:
            dimensions = {"TunnelIpAddress": addresses.apply(_at(number - 1))}
            what = f"tunnel {number} is down, or has no BGP session"
            self._alarm(f"tunnel-{number}", what, "AWS/VPN", "TunnelState", dimensions, 1, below=True)
        if known.lag_watched:
            lag = "the standby's data are older than promised"
            self._alarm(
                "replication-lag", lag, NAMESPACE, "ReplicationLagSeconds", {"Flow": known.flow}, known.lag_seconds
            )
        if known.slot_watched:
            of_source = {"DBInstanceIdentifier": known.database}
            slot = "a slot keeps what the disk cannot spare"
            limit = known.slot_gib * GIB
            self._alarm("slot-retention", slot, "AWS/RDS", "OldestReplicationSlotLag", of_source, limit)
        if known.pods_run:
            pods = {"ClusterName": known.cluster, "Namespace": known.namespace, "Service": known.workload}
            what = f"fewer than {known.least_pods} pods of {known.workload} run"
            metric = "service_number_of_running_pods"
            self._alarm("pods", what, "ContainerInsights", metric, pods, known.least_pods, below=True)
        for site in known.pools:
            what = f"the pool of {site} is not healthy where users are steered"
            of = {"Prefix": known.prefix, "Pool": site}
            self._alarm(f"pool-{site}", what, NAMESPACE, "PoolUp", of, 1, below=True)
        self.register_outputs({"topic_arn": self.topic_arn})

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _subscription(self, part: str, protocol: str, endpoint: pulumi.Input[str]) -> None:
        aws.sns.TopicSubscription(
            f"{self._name}-{part}",
            topic=self.topic_arn,
            protocol=protocol,
            endpoint=endpoint,
            region=self._known.region,
            opts=self._child(),
        )

    def _alarm(
        self,
        part: str,
        what: str,
        namespace: str,
        metric: str,
        dimensions: dict[str, Any],
        limit: float,
        below: bool = False,
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{part}",
            name=self._known.name(part),
            alarm_description=what,
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic="Minimum" if below else "Maximum",
            period=PERIOD_SECONDS,
            evaluation_periods=PERIODS,
            comparison_operator="LessThanThreshold" if below else "GreaterThanThreshold",
            threshold=limit,
            # What is not known is not right: also what nobody has ever written.
            treat_missing_data="breaching",
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            **self._at_aws,
            opts=self._child(),
        )


def _at(place: int) -> Any:
    return lambda addresses: str(addresses[place])


def _policy(known: AwsLinkAlarmsIntent, account: str) -> str:
    """Of the topic: alarms of this account, and what `publishers` send for resources of this account.

    Of whom an event subscription of DMS is, its guide has in aws:SourceArn, and aws:SourceAccount only for roles that
    DMS assumes [DMS user guide, Validating the access policy of your SNS topic; Cross-service confused deputy
    prevention]. The guide compares by StringEquals, to which its own `es:*` would be no pattern.
    """

    def may(service: str, **condition: Any) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": "*",
            "Condition": condition,
        }

    said = [may("cloudwatch.amazonaws.com", StringEquals={"aws:SourceAccount": account})]
    for service in known.publishers:
        source = f"arn:{partition(known.region).name}:{PUBLISHERS[service]}".format(account=account)
        said.append(may(service, ArnLike={"aws:SourceArn": source}))
    return json.dumps({"Version": "2012-10-17", "Statement": said}, sort_keys=True)
