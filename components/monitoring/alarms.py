"""Alarms in AWS, in us-east-1, where Route 53's metrics are."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..handle import Given, handle_of
from ..rules.watching import AlarmsIntent
from ..traffic.latch import LatchHandle
from ..traffic.route53_failover_pair import NameHandle

METRIC_REGION = "us-east-1"
"""Route 53 and CloudFront certificates have their metrics here only (Route 53 developer guide of 2023: F14-metrics)."""

CERTIFICATE_DAYS = 30
DAY_SECONDS = 86400


class AlarmsArgs(TypedDict):
    """Arguments of Alarms."""

    latch: Given[LatchHandle]
    """Pages when a store's latch object is there, and when a store does not answer."""

    names: Sequence[Given[NameHandle]]
    """Pages when a primary's page fails, and when a standby's page fails while the latch is set."""

    certificate_arns: NotRequired[dict[str, pulumi.Input[str]]]
    """Name -> certificate in us-east-1; pages 30 days before it ends. Defaults to none."""

    emails: NotRequired[list[str]]
    """Addresses that get the alarms; each must confirm once. Defaults to none."""

    urls: NotRequired[dict[str, pulumi.Input[str]]]
    """Name -> HTTPS endpoint that gets them, for instance a pager's; treated as secrets. Defaults to none."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Alarms(Component):
    """CloudWatch alarms on what a failover rests on, by one SNS topic in us-east-1. Data that stop count as broken.

    An alarm is born without data and pages when it comes back to that, not before its first datum: an action runs on a
    change of state only [CloudWatch, MetricAlarm.InsufficientDataActions]. Missing data that breached would page a
    quarter of an hour into the first day, and for certificates until the next one.

    The same in every mode: a standby that is down on purpose (cold) pages nobody unless the latch is set.
    """

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        latch, names = handle_of(args["latch"]), [handle_of(pair) for pair in args["names"]]
        moved = [{"fqdn": pair["fqdn"], "latch": pair["latch_label"]} for pair in names]
        super().__init__("Alarms", name, AlarmsIntent.of({**args, "names": moved}), opts)
        self._name, self._tags = name, args.get("tags", {})
        topic = aws.sns.Topic(f"{name}-alarms", region=METRIC_REGION, tags=self._tags, opts=self._child())
        self.topic_arn = topic.arn
        self._subscribe(args)
        for at, site in enumerate(latch["objects"], start=1):
            store = site.removeprefix("azblob://").partition("/")[0]
            present, answers = latch["present_check_ids"][at - 1], latch["store_check_ids"][at - 1]
            self._check(
                f"latch-{at}-set", f"latch object {at} in {store} is there: users are at the standby", present, 1
            )
            self._check(f"latch-{at}-store", f"latch store {store} does not answer: the latch may not hold", answers, 0)
        latched = self._check("latched", "the latch is set", latch["set_check_id"], 1, tells=False)
        for pair in names:
            self._name_alarms(pair, latched)
        for what, arn in args.get("certificate_arns", {}).items():
            self._certificate(what, arn)
        self.register_outputs({"topic_arn": self.topic_arn})

    def _subscribe(self, args: AlarmsArgs) -> None:
        # By value: by index, an address that goes would make each one after it a new subscription, which tells nobody
        # before it is confirmed. The alias is the index that versions before had.
        for at, address in enumerate(args.get("emails", []), start=1):
            self._subscription(f"email-{address}", "email", address, f"email-{at}")
        for at, (whose, url) in enumerate(args.get("urls", {}).items(), start=1):
            self._subscription(f"url-{whose}", "https", pulumi.Output.secret(url), f"url-{at}")

    def _subscription(self, part: str, protocol: str, endpoint: pulumi.Input[str], before: str) -> None:
        aws.sns.TopicSubscription(
            f"{self._name}-{part}",
            topic=self.topic_arn,
            protocol=protocol,
            endpoint=endpoint,
            region=METRIC_REGION,
            opts=pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(name=f"{self._name}-{before}")]),
        )

    def _name_alarms(self, pair: NameHandle, latched: pulumi.Output[str]) -> None:
        fqdn, checked = pair["fqdn"], pair["primary_endpoint_check_id"]
        label = fqdn.replace(".", "-")
        if checked is not None:
            self._check(f"{label}-primary", f"the primary's page of {fqdn} fails", checked, 0)
        # In cold mode the standby's page fails on purpose: it matters once users are there.
        page = self._check(
            f"{label}-standby",
            f"the standby's page of {fqdn} fails",
            pair["secondary_endpoint_check_id"],
            0,
            tells=False,
        )
        aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{label}-standby-fails-while-latched",
            alarm_name=f"{self._name}-{label}-standby-fails-while-latched",
            alarm_description=f"users of {fqdn} are at the standby, and its page fails: nobody is sent back",
            # That the latch itself is not known is told by the alarms on its objects.
            alarm_rule=pulumi.Output.concat(
                'ALARM("', latched, '") AND (ALARM("', page, '") OR INSUFFICIENT_DATA("', page, '"))'
            ),
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            region=METRIC_REGION,
            tags=self._tags,
            opts=self._child(),
        )

    def _check(
        self, part: str, what: str, check_id: pulumi.Input[str], alarming: int, tells: bool = True
    ) -> pulumi.Output[str]:
        """Alarm when the check's status is `alarming` (0 unhealthy, 1 healthy) for two minutes, or unknown."""
        actions = [self.topic_arn] if tells else []
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{part}",
            alarm_description=what,
            namespace="AWS/Route53",
            metric_name="HealthCheckStatus",
            dimensions={"HealthCheckId": check_id},
            statistic="Minimum",
            period=60,
            evaluation_periods=2,
            comparison_operator="GreaterThanOrEqualToThreshold" if alarming else "LessThanThreshold",
            threshold=1,
            treat_missing_data="missing",
            alarm_actions=actions,
            insufficient_data_actions=actions,
            ok_actions=actions,
            region=METRIC_REGION,
            tags=self._tags,
            opts=self._child(),
        ).name

    def _certificate(self, what: str, arn: pulumi.Input[str]) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-certificate-{what.replace('.', '-')}",
            alarm_description=f"the certificate of {what} ends within {CERTIFICATE_DAYS} days and was not renewed",
            namespace="AWS/CertificateManager",
            metric_name="DaysToExpiry",
            dimensions={"CertificateArn": arn},
            statistic="Minimum",
            period=DAY_SECONDS,
            evaluation_periods=1,
            comparison_operator="LessThanThreshold",
            threshold=CERTIFICATE_DAYS,
            treat_missing_data="missing",
            alarm_actions=[self.topic_arn],
            insufficient_data_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            region=METRIC_REGION,
            tags=self._tags,
            opts=self._child(),
        )

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)
