"""Alarms in AWS, in us-east-1, where Route 53's metrics are."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from .. import rules
from ..rules.traffic import names_problems, told_problems
from ..traffic.failover_pair import Route53FailoverPair
from ..traffic.latch import Latch

METRIC_REGION = "us-east-1"
"""Route 53 and CloudFront certificates have their metrics here only (Route 53 developer guide)."""

CERTIFICATE_DAYS = 30
DAY_SECONDS = 86400


class WatchedCheck(TypedDict):
    """One more Route 53 health check to watch."""

    what: str
    """Said in the alarm, for instance "the primary's page"."""

    health_check_id: pulumi.Input[str]
    """The check."""


class AlarmsArgs(TypedDict):
    """Arguments of Alarms."""

    latch: Latch
    """Pages when a store's latch object is there, and when a store does not answer."""

    names: list[Route53FailoverPair]
    """Pages when a primary's page fails, and when a standby's page fails while the latch is set."""

    certificate_arns: NotRequired[dict[str, pulumi.Input[str]]]
    """Name -> certificate in us-east-1; pages 30 days before it ends. Defaults to none."""

    others: NotRequired[list[WatchedCheck]]
    """Defaults to none."""

    emails: NotRequired[list[str]]
    """Addresses that get the alarms; each must confirm once. Defaults to none."""

    urls: NotRequired[list[pulumi.Input[str]]]
    """HTTPS endpoints that get them, for instance a pager's; treated as secrets. Defaults to none."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Alarms(pulumi.ComponentResource):
    """CloudWatch alarms on what a failover rests on, through one SNS topic in us-east-1. Missing data counts as broken.

    The same in every mode: a standby that is down on purpose (cold) pages nobody unless the latch is set.
    """

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        latch, names = args["latch"], args["names"]
        moved = [(pair.fqdn, pair.latch_label) for pair in names]
        rules.require(f"alarms {name}", [*told_problems(args), *names_problems(moved)])
        watched = [pair.fqdn for pair in names]
        super().__init__("twinsite:index:Alarms", name, {"names": watched, "region": METRIC_REGION}, opts)
        self._name, self._tags = name, args.get("tags", {})
        topic = aws.sns.Topic(f"{name}-alarms", region=METRIC_REGION, tags=self._tags, opts=self._child())
        self.topic_arn = topic.arn
        self._subscribe(args)
        for at, site in enumerate(latch.objects, start=1):
            store = site.removeprefix("azblob://").partition("/")[0]
            present, answers = latch.present_check_ids[at - 1], latch.store_check_ids[at - 1]
            self._check(
                f"latch-{at}-set", f"latch object {at} in {store} is there: users are at the standby", present, 1
            )
            self._check(f"latch-{at}-store", f"latch store {store} does not answer: the latch may not hold", answers, 0)
        latched = self._check("latched", "the latch is set", latch.set_check_id, 1, tells=False)
        for pair in names:
            self._name_alarms(pair, latched)
        for what, arn in args.get("certificate_arns", {}).items():
            self._certificate(what, arn)
        for at, other in enumerate(args.get("others", []), start=1):
            self._check(f"other-{at}", f"{other['what']} fails", other["health_check_id"], 0)
        self.register_outputs({"topic_arn": self.topic_arn})

    def _subscribe(self, args: AlarmsArgs) -> None:
        for at, address in enumerate(args.get("emails", []), start=1):
            self._subscription(f"email-{at}", "email", address)
        for at, url in enumerate(args.get("urls", []), start=1):
            self._subscription(f"url-{at}", "https", pulumi.Output.secret(url))

    def _subscription(self, part: str, protocol: str, endpoint: pulumi.Input[str]) -> None:
        aws.sns.TopicSubscription(
            f"{self._name}-{part}",
            topic=self.topic_arn,
            protocol=protocol,
            endpoint=endpoint,
            region=METRIC_REGION,
            opts=self._child(),
        )

    def _name_alarms(self, pair: Route53FailoverPair, latched: pulumi.Output[str]) -> None:
        label = pair.fqdn.replace(".", "-")
        if pair.watches_primary:
            checked = pair.primary_endpoint_check_id.apply(str)
            self._check(f"{label}-primary", f"the primary's page of {pair.fqdn} fails", checked, 0)
        # In cold mode the standby's page fails on purpose: it matters once users are there.
        page = self._check(
            f"{label}-standby",
            f"the standby's page of {pair.fqdn} fails",
            pair.secondary_endpoint_check_id,
            0,
            tells=False,
        )
        aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{label}-standby-fails-while-latched",
            alarm_name=f"{self._name}-{label}-standby-fails-while-latched",
            alarm_description=f"users of {pair.fqdn} are at the standby, and its page fails: nobody is sent back",
            alarm_rule=pulumi.Output.concat('ALARM("', latched, '") AND ALARM("', page, '")'),
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
            treat_missing_data="breaching",
            alarm_actions=actions,
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
            treat_missing_data="breaching",
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            region=METRIC_REGION,
            tags=self._tags,
            opts=self._child(),
        )

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)
