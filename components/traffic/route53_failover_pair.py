"""A name that users know, answered with the primary site or the standby site."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..handle import Given, handle_of
from ..inventory import Entry, Name
from ..rules.traffic import LARGEST_TTL_SECONDS, Route53FailoverPairIntent
from .checks import calculated
from .latch import Latch, LatchHandle, record_hooks, steering

INTERVAL_SECONDS = 10
FAILURES = 3


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


class PagesArgs(TypedDict):
    """How operations tell one site's page from the other's."""

    path: str
    """Path whose page proves which site answers, for instance /petclinic/."""

    primary_host: NotRequired[str]
    """What answers for the primary without the name. Defaults to the primary's load balancer."""

    primary_marker: str
    """Text that only the primary's page contains."""

    secondary_url: pulumi.Input[str]
    """What answers for the secondary without the name."""

    secondary_marker: pulumi.Input[str]
    """Text that only the secondary's page contains."""


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

    latch: Given[LatchHandle]
    """The one switch of all names of a stack."""

    pages: NotRequired[PagesArgs]
    """For operations. Defaults to none: they then know nothing of this name."""

    ttl_seconds: NotRequired[int]
    """Of plain records, at most 60. Defaults to 60, which alias records always have."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class NameHandle(TypedDict):
    """What alarms read of a Route53FailoverPair."""

    fqdn: str
    """The name."""

    latch_label: str
    """Name of the latch that moves it."""

    primary_endpoint_check_id: pulumi.Input[str] | None
    """Check of the primary's own page; None where nothing watches it."""

    secondary_endpoint_check_id: pulumi.Input[str]
    """Check of the standby's own page."""


class Route53FailoverPair(Component):
    """PRIMARY and SECONDARY records of one name, A and (dual-stack) AAAA, with the checks that decide between them.

    The same in every mode. PRIMARY is healthy while the latch is not set (and, when not stateful, the primary answers).
    SECONDARY is healthy when the standby answers, or the latch is set: a set latch holds users whatever goes red.
    """

    fqdn: str
    stateful: bool
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

    latch_label: str
    """Name of the latch that moves it."""

    def __init__(self, name: str, args: Route53FailoverPairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = Route53FailoverPairIntent.of(args)
        super().__init__("Route53FailoverPair", name, known, opts)
        self._name, self._args, self._tags = name, args, args.get("tags", {})
        self.fqdn, self.stateful, self.ttl_seconds = known.fqdn, known.stateful, known.answer_seconds
        self.latch_seconds, self.failover_seconds = known.latch_seconds, known.failover_seconds
        latch = handle_of(args["latch"])
        self.latch_label = latch["label"]
        # A latch of this program is waited for as a whole; one hook of its own outlives the name.
        own = args["latch"] if isinstance(args["latch"], Latch) else None
        self._after = [own] if own else []
        self._hooks = own.hooks if own else record_hooks(name, latch)
        pages = [self._endpoint("primary-page", args["primary_check"])] if "primary_check" in args else []
        self.primary_endpoint_check_id = pulumi.Output.from_input(pages[0] if pages else None)
        self.secondary_endpoint_check_id = self._endpoint("secondary-page", args["secondary_check"])
        if self.stateful:
            self.primary_check_id = pulumi.Output.from_input(latch["clear_check_id"])
        else:
            children = [*pages, *latch["absent_check_ids"]]
            self.primary_check_id = self._calculated("primary", children, len(children))
        self.secondary_check_id = self._calculated(
            "secondary", [self.secondary_endpoint_check_id, *latch["present_check_ids"]], 1
        )
        for kind in ("A", "AAAA") if args["primary"]["has_ipv6"] else ("A",):
            first = self._record(kind, "PRIMARY", self.primary_check_id, self._primary_target())
            # A secondary that is there alone may answer, however its check stands: it comes last and goes first.
            self._record(kind, "SECONDARY", self.secondary_check_id, self._secondary_target(kind), first)
        # Not declared above: no outputs. The handle: for whoever takes this component.
        self.inventory = self._entry()
        self.handle: NameHandle = {
            "fqdn": self.fqdn,
            "latch_label": self.latch_label,
            "primary_endpoint_check_id": pages[0] if pages else None,
            "secondary_endpoint_check_id": self.secondary_endpoint_check_id,
        }
        self.register_outputs(
            {
                "fqdn": self.fqdn,
                "ttl_seconds": self.ttl_seconds,
                "failover_seconds": self.failover_seconds,
                "latch_seconds": self.latch_seconds,
                "primary_check_id": self.primary_check_id,
                "secondary_check_id": self.secondary_check_id,
                "primary_endpoint_check_id": self.primary_endpoint_check_id,
                "secondary_endpoint_check_id": self.secondary_endpoint_check_id,
            }
        )

    def _entry(self) -> pulumi.Output[Entry]:
        pages = self._args.get("pages")
        if pages is None:
            return pulumi.Output.from_input(Entry())
        path, host = pages["path"], pages.get("primary_host", self._args["primary"]["dns_name"])
        marker, latch = pages["primary_marker"], handle_of(self._args["latch"])
        return pulumi.Output.all(
            steering=steering(latch), url=pages["secondary_url"], marker=pages["secondary_marker"]
        ).apply(
            lambda known: Entry(
                names=(
                    Name(
                        fqdn=self.fqdn,
                        stateful=self.stateful,
                        primary_url=f"https://{host}{path}",
                        secondary_url=known["url"],
                        path=path,
                        primary_marker=marker,
                        secondary_marker=known["marker"],
                        ttl_seconds=self.ttl_seconds,
                        failover_seconds=self.failover_seconds,
                        steering=known["steering"],
                    ),
                )
            )
        )

    def _endpoint(self, part: str, check: CheckArgs) -> pulumi.Output[str]:
        text = check.get("text")
        return aws.route53.HealthCheck(
            f"{self._name}-{part}",
            type="HTTPS_STR_MATCH" if text else "HTTPS",
            fqdn=check["host"],
            ip_address=check.get("address"),
            port=check.get("port", 443),
            resource_path=check["path"],
            search_string=text,
            request_interval=check.get("interval_seconds", INTERVAL_SECONDS),
            failure_threshold=check.get("failures", FAILURES),
            enable_sni=True,
            tags={**self._tags, "Name": f"{self.fqdn} {part}"},
            opts=pulumi.ResourceOptions(parent=self),
        ).id

    def _calculated(self, part: str, children: Sequence[pulumi.Input[str]], threshold: int) -> pulumi.Output[str]:
        return calculated(self, f"{self._name}-{part}", f"{self.fqdn} {part}", children, threshold, self._tags)

    def _primary_target(self) -> dict[str, Any]:
        primary = self._args["primary"]
        return _alias(primary["dns_name"], primary["zone_id"])

    def _secondary_target(self, kind: str) -> dict[str, Any]:
        secondary = self._args["secondary"]
        if "distribution_domain" in secondary:
            return _alias(secondary["distribution_domain"], secondary["distribution_zone_id"])
        address = secondary["ipv4"] if kind == "A" else secondary["ipv6"]
        return {"records": [address], "ttl": self._args.get("ttl_seconds", LARGEST_TTL_SECONDS)}

    def _record(
        self, kind: str, role: str, check: pulumi.Output[str], target: dict[str, Any], *after: pulumi.Resource
    ) -> "aws.route53.Record":
        return aws.route53.Record(
            f"{self._name}-{role.lower()}-{kind.lower()}",
            zone_id=self._args["zone_id"],
            name=self.fqdn,
            type=kind,
            set_identifier=role.lower(),
            failover_routing_policies=[{"type": role}],
            health_check_id=check,
            **target,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._after, *after], hooks=self._hooks),
        )


def _alias(dns_name: pulumi.Input[str], zone_id: pulumi.Input[str]) -> dict[str, Any]:
    # The check decides, and only it: with evaluate_target_health a failing load balancer would move a stateful name.
    return {"aliases": [{"name": dns_name, "zone_id": zone_id, "evaluate_target_health": False}]}
