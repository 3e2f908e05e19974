"""The world as the roles' reports tell it, in frozen values. Reading is here; judging is in subjects/ and repair/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinsite.inventory import MYSQL_REPLICA, Flow, Inventory, Tunnel

from .guest import Reports, brief


@dataclass(frozen=True)
class Complaint:
    """What a host's own role finds wrong with it (`Problem` of components/guest/health.py)."""

    what: str
    problem: str
    fix: str
    mends: str = ""
    """What a repair does about it: `apply` the role again, start the `agent`; empty: a person must."""


@dataclass(frozen=True)
class End:
    """One gateway's end of a tunnel. `known` is False when its host did not say anything; `words` says why."""

    host: str
    known: bool
    words: str = ""
    established: int = 0
    """IKE SAs in state ESTABLISHED."""
    ike_states: tuple[str, ...] = ()
    installed: int = 0
    """CHILD SAs in state INSTALLED."""
    established_seconds: int | None = None
    crosses: bool = False
    rtt_ms: float | None = None
    charon_problem: str = ""
    last_words: tuple[str, ...] = ()
    guarded: bool = True
    """Rules and routes that keep clear text in are in place."""
    cause: str = ""
    """Why the ends do not come together, by charon's last words: keys, connection, path; empty: they do not tell."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Generation → fingerprint of the key that this end was told."""
    complaints: tuple[Complaint, ...] = ()

    @property
    def up(self) -> bool:
        return self.established > 0 and self.installed > 0


@dataclass(frozen=True)
class Server:
    """One database server's report. `known` is False when its host did not say anything; `words` says why."""

    host: str
    known: bool
    words: str = ""
    problem: str = ""
    """The server's own, for instance that it does not answer."""
    version: str = ""
    super_read_only: bool | None = None
    gtid_executed: str = ""
    io: str | None = None
    sql: str | None = None
    lag_seconds: int | None = None
    receiver: str = "OFF"
    error_number: int = 0
    error: str = ""
    applier: str = "OFF"
    applier_error: str = ""
    heartbeat_age_seconds: float | None = None
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True)
class HostFacts:
    """All of it: the ends of each tunnel by (tunnel, host), the servers by host."""

    inventory: Inventory
    ends: Mapping[tuple[str, str], End]
    servers: Mapping[str, Server]
    unreachable: Mapping[str, str]

    def tunnel_ends(self, tunnel: Tunnel) -> tuple[End, End]:
        """(initiator's, responder's)."""
        return self.ends[tunnel.name, tunnel.initiator], self.ends[tunnel.name, tunnel.responder]

    def pair(self, replica: Flow) -> tuple[Server, Server]:
        """(source's, replica's)."""
        return self.servers[replica.source], self.servers[replica.target]


def _silence(seen: Reports, host: str, role: str) -> str:
    return seen.unreachable.get(host) or seen.failed.get((host, role)) or f"it has no role {role}"


def complaints(report: Mapping[str, Any]) -> tuple[Complaint, ...]:
    """What a role's report says of its host. An older guest's has none."""
    found = report.get("problems") or []
    return tuple(
        Complaint(str(one["what"]), str(one["problem"]), str(one["fix"]), str(one.get("mends") or "")) for one in found
    )


def _end(host: str, report: Mapping[str, Any]) -> End:
    ike, children = report.get("ike") or [], report.get("children") or []
    established = [sa for sa in ike if sa.get("state") == "ESTABLISHED"]
    crossing, guard = report.get("crossing") or {}, report.get("guard") or {}
    return End(
        host=host,
        known=True,
        established=len(established),
        ike_states=tuple(str(sa.get("state")) for sa in ike),
        installed=sum(1 for child in children if child.get("state") == "INSTALLED"),
        established_seconds=max((int(sa.get("established_seconds") or 0) for sa in established), default=None),
        crosses=bool(crossing.get("ok")),
        rtt_ms=crossing.get("rtt_ms"),
        charon_problem=brief(str(report.get("problem") or "")),
        last_words=tuple(str(line) for line in report.get("last_words") or []),
        # An older gateway's report has no guard at all; then nothing is said about it.
        guarded=not guard or (bool(guard.get("rules")) and bool(guard.get("blackholes"))),
        cause=str(report.get("cause") or ""),
        keys={str(generation): str(digest) for generation, digest in (report.get("keys") or {}).items()},
        complaints=complaints(report),
    )


def _server(host: str, report: Mapping[str, Any]) -> Server:
    receiver, applier = report.get("receiver") or {}, report.get("applier") or {}
    shown = report.get("show_replica_status") or {}
    age = report.get("heartbeat_age_seconds")
    return Server(
        host=host,
        known=True,
        problem=str(report.get("problem") or ""),
        version=str(report.get("version") or ""),
        super_read_only=report.get("super_read_only"),
        gtid_executed=str(report.get("gtid_executed") or ""),
        io=shown.get("Replica_IO_Running"),
        sql=shown.get("Replica_SQL_Running"),
        lag_seconds=shown.get("Seconds_Behind_Source"),
        receiver=str(receiver.get("state") or "OFF"),
        error_number=int(receiver.get("error_number") or 0),
        error=str(receiver.get("error") or ""),
        applier=str(applier.get("state") or "OFF"),
        applier_error=str(applier.get("error") or ""),
        heartbeat_age_seconds=None if age is None else float(age),
        complaints=complaints(report),
    )


def read(inventory: Inventory, seen: Reports) -> HostFacts:
    """From one round of reports. Pure; whatever did not report is an End or Server that is not `known`."""
    ends, servers = {}, {}
    for tunnel in inventory.tunnels:
        for host in (tunnel.initiator, tunnel.responder):
            report = seen.reports.get((host, "gateway"))
            words = _silence(seen, host, "gateway")
            ends[tunnel.name, host] = End(host, False, words) if report is None else _end(host, report)
    for replica in inventory.flows_of(MYSQL_REPLICA):
        for host in (replica.source, replica.target):
            report = seen.reports.get((host, "database"))
            words = _silence(seen, host, "database")
            servers[host] = Server(host, False, words) if report is None else _server(host, report)
    return HostFacts(inventory, ends, servers, dict(seen.unreachable))
