"""What is watched of two clouds that are joined, under the same names at each, and refusals about it (K53). Pure."""

import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from ..modes import DrMode, StandbyData, keeps
from .intent import Intent
from .watching import told_problems

TUNNELS = 4
GIB = 1 << 30
LEAST_LAG_SECONDS = 5
"""A heartbeat is a second's, and whoever reads it does so some times a minute."""
PUBLISHERS = {"dms.amazonaws.com": "dms:*:{account}:es:*"}
"""Service of AWS -> of whom aws:SourceArn says it acts, after the partition [DMS user guide, Validating the access
policy of your SNS topic]."""
FLOW = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""As LogicalReplica's `replica`."""
NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class LinkAlarmsIntent(Intent):
    """What both sides' alarms are meant to watch, and who is told."""

    dr_mode: str = DrMode.COLD.value
    prefix: str = "twinsite"
    flow: str = ""
    """Whose lag, and at Google whose slot: in an account there may be more stacks than one."""
    region: str = ""
    cluster: str = ""
    """Empty: its pods are not watched here."""
    namespace: str = ""
    workload: str = ""
    least_pods: int = 1
    lag_seconds: int = 0
    slot_gib: int = 0
    """Both: 0 is not watched, as where nobody writes the metric; an alarm on it would never rest, or never speak."""
    pools: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """Names of the endpoints; where these are is secret."""

    @property
    def joined(self) -> bool:
        """Whether the mode has tunnels, and data on their way."""
        return keeps(DrMode(self.dr_mode), StandbyData.REPLICA).database

    @property
    def lag_watched(self) -> bool:
        """Whether data are on their way, and somebody measures how late they are."""
        return self.joined and self.lag_seconds > 0

    @property
    def slot_watched(self) -> bool:
        """Whether there is a slot that is measured here."""
        return self.joined and self.slot_gib > 0

    @property
    @abstractmethod
    def pods_run(self) -> bool:
        """Whether pods are watched here in this mode."""

    @property
    def alarms(self) -> int:
        """How many there are."""
        return len(self.tunnels) + self.lag_watched + self.slot_watched + self.pods_run + len(self.pools)

    @property
    def tunnels(self) -> list[int]:
        """Numbers of those that the mode has."""
        return list(range(1, TUNNELS + 1)) if self.joined else []

    def name(self, part: str) -> str:
        """Of an alarm, the same in either cloud."""
        return f"{self.prefix}-{part}"

    @property
    def of_flow(self) -> dict[str, int]:
        """What is watched by metrics that have the flow's name; argument -> its limit."""
        return {"lag_seconds": self.lag_seconds}

    def problems(self) -> list[str]:
        """Why nobody would hear of what is broken."""
        return [*told_problems(self.emails, self.urls), *_sizes(self)]


@dataclass(frozen=True, kw_only=True)
class GcpAlarmsIntent(LinkAlarmsIntent):
    """What GcpAlarms are meant to watch."""

    project: str = ""

    @property
    def of_flow(self) -> dict[str, int]:
        """Also the slot, which at AWS is RDS's metric."""
        return {**super().of_flow, "slot_gib": max(0, self.slot_gib)}

    @property
    def pods_run(self) -> bool:
        """Whether the mode keeps pods at the standby; fewer of them on purpose page nobody."""
        return bool(self.cluster) and keeps(DrMode(self.dr_mode), StandbyData.REPLICA).application

    @property
    def alarms(self) -> int:
        """Also one a session, which at AWS is in its tunnel's."""
        return super().alarms + len(self.tunnels)


@dataclass(frozen=True, kw_only=True)
class AwsLinkAlarmsIntent(LinkAlarmsIntent):
    """What AwsLinkAlarms are meant to watch."""

    database: str = ""
    """Identifier of the source, an RDS instance."""
    publishers: tuple[str, ...] = ()
    """Services beside CloudWatch that write to the topic."""

    @property
    def pods_run(self) -> bool:
        """At home, in every mode."""
        return bool(self.cluster)

    def problems(self) -> list[str]:
        """Also: the slots are the source's, and nobody writes to the topic for another account."""
        problems = super().problems()
        if self.slot_gib and not self.database:
            problems.append("database is empty, so nobody sees a slot fill the source's disk: set its id")
        for service in self.publishers:
            if service not in PUBLISHERS:
                problems.append(
                    f"publishers has {service}, which might write to the topic for anybody's account: leave it out, or "
                    f"use {', '.join(PUBLISHERS)}"
                )
        return problems


def _sizes(known: LinkAlarmsIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"
    if not NAME.fullmatch(known.prefix):
        yield f"prefix {known.prefix!r} begins no name: use lower-case letters, digits and -, 32 at most"
    if not known.region:
        yield "region is empty: set the cloud's own, like asia-northeast3"
    if known.lag_seconds and known.lag_seconds < LEAST_LAG_SECONDS:
        yield (
            f"lag_seconds {known.lag_seconds} is less than a heartbeat is read in, so the alarm would never rest: set "
            f"{LEAST_LAG_SECONDS} or more, less than the RPO that was promised, or leave it out"
        )
    measured = [name for name, value in known.of_flow.items() if value]
    if measured and not FLOW.fullmatch(known.flow):
        yield (
            f"{' and '.join(measured)} set and flow is {known.flow!r}, so another stack's metrics would be taken for "
            "this one's, or none: set flow to the `replica` of the LogicalReplica that writes them"
        )
    if known.slot_gib < 0:
        yield f"slot_gib {known.slot_gib} pages at once: set what the source's disk can spare, 1 or more, or none"
    if known.cluster and not (known.namespace and known.workload):
        yield "cluster is set, and which pods to count is not: set namespace and workload, or remove cluster"
    if known.least_pods < 1:
        yield f"least_pods {known.least_pods} is never missed: set 1 or more, or remove cluster"
    for pool in known.pools:
        if not NAME.fullmatch(pool):
            yield f"pools has {pool!r}: use the site's name, lower-case letters, digits and -"
