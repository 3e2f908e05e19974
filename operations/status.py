"""`twinsite status`: what holds, what does not, and what to do about it. Pure: facts in, one JSON object out."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.inventory import Replica, Tunnel

from .facts import End, Facts, Server

HEARTBEAT_ALARM_SECONDS = 10.0
"""p99 in steady state is under 2 s; the alarm is at 10 s (FACTS section 18)."""


def status(facts: Facts, evidence: Mapping[str, Any], note: str = "") -> dict[str, Any]:
    """The JSON of DESIGN section 9. `healthy` speaks of the running system; `evidence` of what was proved about it."""
    inventory = facts.inventory
    found = [*host_problems(facts), *tunnel_problems(facts), *replica_problems(facts)]
    return {
        "topology": inventory.topology,
        "dr_mode": inventory.dr_mode,
        "active_site": inventory.active_site,
        "hosts": [
            {"name": host.name, "site": host.site, "reachable": host.name not in facts.unreachable}
            for host in inventory.hosts
        ],
        "tunnels": [_tunnel(facts, tunnel) for tunnel in inventory.tunnels],
        "replicas": [_replica(facts, replica) for replica in inventory.replicas],
        "names": [],
        "latch": None,
        "evidence": dict(evidence),
        "note": note,
        "healthy": not found,
        "problems": found,
    }


def _tunnel(facts: Facts, tunnel: Tunnel) -> dict[str, Any]:
    ends = facts.tunnel_ends(tunnel)
    known = [end for end in ends if end.known]
    rtts = [end.rtt_ms for end in known if end.rtt_ms is not None]
    ages = [end.established_seconds for end in known if end.established_seconds is not None]
    return {
        "name": tunnel.name,
        "initiator": tunnel.initiator,
        "responder": tunnel.responder,
        "up": None if not known else all(end.up for end in known) and any(end.crosses for end in known),
        "ike_sas": max((end.established for end in known), default=None),
        "child_sas": max((end.installed for end in known), default=None),
        "established_seconds": min(ages, default=None),
        "rtt_ms": min(rtts, default=None),
        "unknown_ends": [end.host for end in ends if not end.known],
    }


def _replica(facts: Facts, replica: Replica) -> dict[str, Any]:
    _, here = facts.pair(replica)
    return {
        "name": replica.name,
        "source": replica.source,
        "replica": replica.replica,
        "receiver": here.receiver if here.known else None,
        "applier": here.applier if here.known else None,
        "replica_io_running": here.io,
        "replica_sql_running": here.sql,
        "seconds_behind_source": here.lag_seconds,
        "heartbeat_age_seconds": here.heartbeat_age_seconds,
        "super_read_only": here.super_read_only,
        "version": here.version or None,
    }


def host_problems(facts: Facts) -> Iterator[str]:
    """Each host that cannot be reached, and what that means."""
    inventory = facts.inventory
    if inventory.hosts and len(facts.unreachable) == len(inventory.hosts):
        yield nobody_there(facts)
        return
    for host in inventory.hosts:
        words = facts.unreachable.get(host.name)
        if words is None:
            continue
        jump = host.transport.jump
        if jump in facts.unreachable:
            yield (
                f"{host.name} is reached through {jump}, which cannot be reached: nothing is known of it until "
                f"{jump} is back"
            )
            continue
        means = {"gateway": "its end of the tunnel is unknown", "database": "its server's state is unknown"}
        unknown = " and ".join(means.get(role, f"role {role} is unknown") for role in host.roles)
        if not host.transport.user:
            yield f"{host.name} cannot be asked ({words}): {unknown}"
            continue
        where = f"{host.transport.user}@{host.transport.address}:{host.transport.port}"
        yield (
            f"{host.name} cannot be reached at {where} ({words}): {unknown}; check that it runs and admits your "
            "address and key"
        )


def nobody_there(facts: Facts) -> str:
    """The sentence for a stack of which no host answers."""
    hosts = facts.inventory.hosts
    first = next(iter(facts.unreachable.items()), ("", ""))
    words = f"; {first[0]}: {first[1]}" if first[0] else ""
    return (
        f"none of the {len(hosts)} hosts can be reached{words}: check your own network, address and key; if they are "
        "right, the hosts do not run or do not exist: bring them up, then run `pulumi up --refresh`"
    )


def tunnel_problems(facts: Facts) -> Iterator[str]:
    """What is wrong with the tunnels."""
    for tunnel in facts.inventory.tunnels:
        for end in facts.tunnel_ends(tunnel):
            if end.known:
                yield from _end_problems(tunnel, end)
            elif end.host not in facts.unreachable:
                yield (
                    f"{tunnel.name}: {end.host} does not report ({end.words}): "
                    f"{facts.inventory.host(end.host).delivery}"
                )


def _end_problems(tunnel: Tunnel, end: End) -> Iterator[str]:
    fix = "run `twinsite repair`"
    where = f"{tunnel.name}: {end.host}"
    if end.charon_problem:
        yield f"{where}: charon does not answer ({end.charon_problem}): {fix}, which starts it"
    elif end.established == 0:
        states = f" (IKE SAs: {', '.join(end.ike_states)})" if end.ike_states else ""
        last = f"; charon's last words: {end.last_words[-1]}" if end.last_words else ""
        yield (
            f"{where} has no established IKE SA{states}{last}: it comes back by itself when the path does; if "
            f"it does not, {fix}"
        )
    elif end.installed == 0:
        yield f"{where} has an IKE SA but no installed CHILD SA, so nothing crosses: {fix}"
    elif end.installed > 1 or end.established > 1:
        yield (
            f"{where} has {end.established} IKE and {end.installed} CHILD SAs instead of one each: {fix}, which "
            "ends the older ones"
        )
    elif not end.crosses:
        yield f"{where} has its SAs, but no packet crosses: check routes and firewalls behind the peer, then {fix}"
    if not end.guarded:
        yield (
            f"{where} lacks the rules that keep clear text in: run `sudo twinsite-guest gateway apply` there, "
            "or `pulumi up`"
        )


def replica_problems(facts: Facts) -> Iterator[str]:
    """What is wrong with the replicas."""
    for replica in facts.inventory.replicas:
        source, here = facts.pair(replica)
        for server in (source, here):
            if not server.known and server.host not in facts.unreachable:
                fix = facts.inventory.host(server.host).delivery
                yield f"{server.host} does not report ({server.words}): {fix}"
        if source.known:
            yield from _source_problems(source)
        if here.known:
            yield from _replica_problems(replica, here)


def _source_problems(source: Server) -> Iterator[str]:
    if source.problem:
        yield f"{source.host}: {source.problem}: run `sudo systemctl status mysql` there"
    elif source.super_read_only:
        yield (
            f"{source.host} is the source, but closed for writing: if it was fenced for a failover, leave it so; "
            "otherwise run `sudo twinsite-guest database apply` there"
        )


def _replica_problems(replica: Replica, here: Server) -> Iterator[str]:
    fix = "run `twinsite repair`"
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
        again = (
            fix if here.receiver == "OFF" else f"it tries again by itself; when the tunnel is up and it does not, {fix}"
        )
        yield (
            f"{here.host} does not receive from {replica.source} ({here.receiver}: {words}); age of its data: "
            f"{age}: {again}"
        )
    elif here.heartbeat_age_seconds is None:
        yield (
            f"{here.host} has no heartbeat of {replica.source}: run `sudo twinsite-guest database apply` on "
            f"{replica.source}"
        )
    elif here.heartbeat_age_seconds > HEARTBEAT_ALARM_SECONDS:
        yield (
            f"{here.host} receives, but its newest heartbeat is {age} old (alarm at "
            f"{HEARTBEAT_ALARM_SECONDS:g} s): it lags, or the "
            f"event scheduler of {replica.source} is off, or the hosts' clocks differ"
        )
