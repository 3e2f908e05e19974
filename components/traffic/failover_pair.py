"""A name that users know, answered with the primary site or the standby site."""

from typing import NotRequired, TypedDict

import pulumi

from .latch import Latch


class PrimaryEnd(TypedDict):
    """The primary's load balancer, as a Route 53 alias target."""

    dns_name: str
    """DNS name of the load balancer, not the name that users know."""

    zone_id: str
    """Hosted zone id of the load balancer, as the load balancer's description says; not that of the domain."""

    has_ipv6: bool
    """Whether it is dual-stack; then the name gets an AAAA pair, too."""


class SecondaryEnd(TypedDict):
    """The standby site: a CloudFront distribution (`distribution_*`), or a plain address outside AWS (`ipv4`)."""

    distribution_domain: NotRequired[pulumi.Input[str]]
    """Domain name of the distribution, d….cloudfront.net."""

    distribution_zone_id: NotRequired[pulumi.Input[str]]
    """Hosted zone id of CloudFront, as the distribution says."""

    ipv4: NotRequired[pulumi.Input[str]]
    """Public IPv4 address. Route 53 aliases lead to AWS only, so this becomes a plain A record."""

    ipv6: NotRequired[pulumi.Input[str]]
    """Public IPv6 address; needed with ipv4 when the primary is dual-stack."""


class CheckArgs(TypedDict):
    """What Route 53's checkers ask an end for, over HTTPS."""

    host: pulumi.Input[str]
    """Name that is resolved, and sent as Host and SNI: the end's own, never a name of a failover pair."""

    address: NotRequired[pulumi.Input[str]]
    """Public IPv4 address to ask instead of resolving `host`."""

    path: str
    """For instance /petclinic/."""

    text: NotRequired[str]
    """Must be in the answer's first 5120 bytes, at most 255 characters. Defaults to none: any 2xx or 3xx will do."""

    port: NotRequired[int]
    """Defaults to 443."""

    interval_seconds: NotRequired[int]
    """10 or 30. Defaults to 10. A change replaces the check."""

    failures: NotRequired[int]
    """How many in a row make it unhealthy, 1 to 10. Defaults to 3."""


class Route53FailoverPairArgs(TypedDict):
    """Arguments of Route53FailoverPair."""

    fqdn: str
    """The name, for instance dr.example.com. Plain, because rules compare it."""

    zone_id: pulumi.Input[str]
    """Public hosted zone of the name."""

    stateful: bool
    """True (the application): moves by the latch only, never because a page failed. False (a notice): moves by the
    primary's health or the latch."""

    primary: PrimaryEnd
    """Where the name leads normally."""

    primary_check: NotRequired[CheckArgs]
    """Needed when not stateful: what shows that the primary works. A stateful name does not move by it; then it is
    for alarms only."""

    secondary: SecondaryEnd
    """Where it leads after a failover."""

    secondary_check: CheckArgs
    """What shows that the standby can serve."""

    latch: Latch
    """The one switch of all names of a stack."""

    ttl_seconds: NotRequired[int]
    """Of plain records, at most 60. Defaults to 60, which alias records always have."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Route53FailoverPair(pulumi.ComponentResource):
    """PRIMARY and SECONDARY records of one name, A and (dual-stack) AAAA, with the checks that decide between them.

    The same in every mode. PRIMARY is healthy while the latch is not set (and, when not stateful, the primary answers).
    SECONDARY is healthy when the standby answers, or the latch is set: a set latch holds users whatever goes red.
    """

    fqdn: str
    ttl_seconds: int
    """Longest time that a resolver keeps an answer."""
    failover_seconds: float
    """Computed: from a dead primary (not stateful) or a set latch (stateful) to users who ask again being moved:
    interval x threshold + 6 + TTL."""
    latch_seconds: float
    """Computed: from a set latch to users being moved: 10 x 1 + 6 + TTL."""
    primary_check_id: pulumi.Output[str]
    """The calculated check of the PRIMARY records."""
    secondary_check_id: pulumi.Output[str]
    """The calculated check of the SECONDARY records."""
    primary_endpoint_check_id: pulumi.Output[str | None]
    """The primary's own page; None without primary_check."""
    secondary_endpoint_check_id: pulumi.Output[str]
    """The standby's own page."""

    def __init__(self, name: str, args: Route53FailoverPairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise NotImplementedError("arguments first; the body follows")
