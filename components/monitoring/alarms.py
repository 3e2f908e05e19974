"""Alarms in AWS, in us-east-1, where Route 53's metrics are."""

from typing import NotRequired, TypedDict

import pulumi

from ..traffic.failover_pair import Route53FailoverPair
from ..traffic.latch import Latch


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
        raise NotImplementedError("arguments first; the body follows")
