"""A MySQL replica: its source and itself, as their hosts report them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import MYSQL_REPLICA, Flow

from ..host_facts import HostFacts, Server
from .complaint import complaints
from .sources import Sources
from .subject import Subject, line

HEARTBEAT_ALARM_SECONDS = 10.0
"""p99 in steady state is under 2 s; the alarm is at 10 s (FACTS section 18)."""
FUTURE_SECONDS = -2.0
NO_PATH = frozenset({0, 2002, 2003, 2005, 2006, 2013})
"""Errors of a receiver that finds no way to its source (none yet among them): it goes on trying. Any other, access
denied or TLS for instance, comes back each time until somebody does something."""
_MANAGED = "mend it by the means of whoever runs it: it is asked by SQL only"
_PATIENCE = "it tries again by itself; when the tunnel is up and it does not, {}"


@dataclass(frozen=True)
class ReplicaSeen:
    """One flow of kind mysql-replica."""

    flow: Flow
    source: Server
    here: Server
    """The replica's."""
    unreachable: frozenset[str]
    delivery: Mapping[str, str]
    """Host → what brings it its guest."""
    path_complains: bool = False
    """An end of a tunnel has found something on itself, which may be what the replica waits for."""

    def problems(self) -> Iterator[str]:
        for server in (self.source, self.here):
            if not server.known and server.host not in self.unreachable:
                fix = self.delivery.get(server.host, "check its address, its user and the authority of its certificate")
                yield f"{server.host} does not report ({server.words}): {fix}"
        if self.source.known:
            yield from _source_problems(self.source, self._has_guest(self.source))
            yield from complaints(self.source)
        if self.here.known:
            guests = self._has_guest(self.source), self._has_guest(self.here)
            yield from _replica_problems(self.flow, self.here, self.path_complains, guests)
            yield from complaints(self.here)

    def _has_guest(self, server: Server) -> bool:
        """Whether it runs on a host of ours, where `repair` and a login can do something."""
        return server.host in self.delivery

    def shown(self) -> Mapping[str, Any]:
        here = self.here
        return {
            "replicas": [
                {
                    "name": self.flow.name,
                    "source": self.flow.source,
                    "replica": self.flow.target,
                    "receiver": here.receiver if here.known else None,
                    "applier": here.applier if here.known else None,
                    "replica_io_running": here.io,
                    "replica_sql_running": here.sql,
                    "seconds_behind_source": here.lag_seconds,
                    "heartbeat_age_seconds": here.heartbeat_age_seconds,
                    "super_read_only": here.super_read_only,
                    "version": here.version or None,
                }
            ]
        }

    def lines(self) -> Iterator[str]:
        here = self.here
        receiver, applier = (here.receiver, here.applier) if here.known else ("unknown", "unknown")
        age = here.heartbeat_age_seconds
        data = "of unknown age" if age is None else f"{age:.1f} s old"
        version = here.version or "unknown"
        words = f"receiver {receiver}, applier {applier}, data {data}, MySQL {version}"
        yield line("replica", self.flow.target, words)


def _source_problems(source: Server, guest: bool) -> Iterator[str]:
    if source.problem:
        yield f"{source.host}: {source.problem}: {'run `sudo systemctl status mysql` there' if guest else _MANAGED}"
    elif source.super_read_only:
        yield (
            f"{source.host} is the source, but closed for writing: if it was fenced for a failover, leave it so; "
            f"otherwise {'run `sudo twinsite-guest database apply` there' if guest else _MANAGED}"
        )


def _replica_problems(replica: Flow, here: Server, broken: bool, guests: tuple[bool, bool]) -> Iterator[str]:
    """`broken`: an end of a tunnel has found something on itself, which may be what the replica waits for. `guests`:
    whether the source and the replica have one."""
    source_guest, guest = guests
    fix = "run `twinsite repair`" if guest else _MANAGED
    if here.problem:
        yield f"{here.host}: {here.problem}: {fix}"
        return
    if here.super_read_only is False:
        yield f"{here.host} is a replica, but writable; a write there parts the two for good: {fix}, which closes it"
    age = "unknown" if here.heartbeat_age_seconds is None else f"{here.heartbeat_age_seconds:.1f} s"
    if here.applier_error or (here.applier != "ON" and here.receiver != "OFF"):
        yield f"{here.host}: the applier does not run ({here.applier_error or 'stopped by hand'}): {fix}"
    if here.receiver != "ON":
        words = here.error or ("stopped by hand" if here.receiver == "OFF" else "no error yet")
        again = fix
        if here.receiver != "OFF" and here.error_number in NO_PATH:
            again = f"mend first what the gateways say, then {fix}" if broken else _PATIENCE.format(fix)
        yield (
            f"{here.host} does not receive from {replica.source} ({here.receiver}: {words}); age of its data: "
            f"{age}: {again}"
        )
    elif here.heartbeat_age_seconds is None:
        yield (
            f"{here.host} has no heartbeat of {replica.source}: "
            + (
                f"run `sudo twinsite-guest database apply` on {replica.source}"
                if source_guest
                else f"have an event of {replica.source} write {replica.heartbeat_table} each second"
            )
        )
    elif here.heartbeat_age_seconds > HEARTBEAT_ALARM_SECONDS:
        yield (
            f"{here.host} receives, but its newest heartbeat is {age} old (alarm at "
            f"{HEARTBEAT_ALARM_SECONDS:g} s): it lags, or the "
            f"event scheduler of {replica.source} is off, or the hosts' clocks differ"
        )
    elif here.heartbeat_age_seconds < FUTURE_SECONDS:
        yield (
            f"{here.host}: the newest heartbeat is {-here.heartbeat_age_seconds:.1f} s in the future, so no age of its "
            f"data is true: the clock of {replica.source} is ahead: run NTP on both hosts (`timedatectl`)"
        )


def seen(facts: HostFacts) -> list[ReplicaSeen]:
    """Each replica of what the hosts report."""
    unreachable = frozenset(facts.unreachable)
    delivery = {host.name: host.delivery for host in facts.inventory.hosts}
    broken = any(end.complaints for end in facts.ends.values())
    flows = facts.inventory.flows_of(MYSQL_REPLICA)
    return [ReplicaSeen(one, *facts.pair(one), unreachable, delivery, broken) for one in flows]


def read(sources: Sources) -> Sequence[Subject]:
    """One each."""
    return seen(sources.hosts())
