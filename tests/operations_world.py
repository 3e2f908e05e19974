"""Worlds for tests of the operations: an inventory, healthy reports, and drills as they are seen when all goes well."""

from dataclasses import replace
from typing import Any

from operations.drill.expectations import Findings, Ledger, Rows
from operations.drill.kinds import How
from operations.drill.timeline import ClearLook, Fault, Ping, ReplicaLook, SaLook, SourceLook, Tape
from operations.host_facts import HostFacts
from operations.subjects.sources import Sources
from twinsite.inventory import MYSQL_REPLICA, Flow, Host, Inventory, Site, Ssh, Tunnel

BEGAN = 1_000_000.0
ROWS = ("replication_test_1", "replication_test_while_vpn_down", "replication_test_after")

INVENTORY = Inventory(
    topology="onprem-aws",
    dr_mode="pilot-light",
    sites=(Site("aws", ("aws",), "ap-northeast-2"), Site("onprem", ("command",))),
    home="aws",
    away="onprem",
    active_site="aws",
    hosts=(
        Host("aws-gateway", "aws", "10.20.1.10", ("gateway",), Ssh("203.0.113.128", "twinsite", "ssh-ed25519 AAAA1")),
        Host(
            "aws-source",
            "aws",
            "10.20.2.10",
            ("database",),
            Ssh("10.20.2.10", "twinsite", "ssh-ed25519 AAAA2", jump="aws-gateway"),
        ),
        Host(
            "onprem-gateway",
            "onprem",
            "192.168.64.10",
            ("gateway",),
            Ssh("203.0.113.64", "ubuntu", "ssh-ed25519 AAAA3", port=2210),
        ),
        Host(
            "onprem-database",
            "onprem",
            "192.168.64.20",
            ("database",),
            Ssh("203.0.113.64", "ubuntu", "ssh-ed25519 AAAA4", port=2220),
        ),
    ),
    tunnels=(Tunnel("onprem-aws", "onprem-gateway", "aws-gateway", "192.168.64.0/24", "10.20.0.0/16", 13.5),),
    flows=(
        Flow(
            "onprem-aws",
            "mysql",
            MYSQL_REPLICA,
            "aws-source",
            "onprem-database",
            "10.20.2.10",
            3306,
            "twinsite.heartbeat",
            6.0,
            24.0,
        ),
    ),
    store="ssh://onprem-database/var/lib/twinsite",
    digest="digest-1",
)

GATEWAYS = ("onprem-gateway", "aws-gateway")


def gateway_report(initiator: bool) -> dict[str, Any]:
    """A gateway in good health."""
    return {
        "connection": "onprem-aws",
        "role": "initiator" if initiator else "responder",
        "problem": "",
        "ike": [{"unique_id": 1, "state": "ESTABLISHED", "established_seconds": 90, "initiator": initiator}],
        "children": [
            {"name": "onprem-aws", "state": "INSTALLED", "bytes_in": 1, "bytes_out": 1, "installed_seconds": 90}
        ],
        "crossing": {"ok": True, "rtt_ms": 1.5},
        "guard": {"rules": True, "blackholes": ["10.20.0.0/16"], "forwarding": True},
        "last_words": ["established"],
        "config_digest": "x",
    }


def database_report(role: str) -> dict[str, Any]:
    """A database server in good health."""
    replica = role == "replica"
    state = "ON" if replica else "OFF"
    return {
        "role": role,
        "version": "9.7.4",
        "server_uuid": "3e11fa47-71ca-11e1-9e33-c80aa9429562",
        "server_id": 2 if replica else 1,
        "super_read_only": replica,
        "gtid_executed": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9",
        "receiver": {"state": state, "error_number": 0, "error": "", "heartbeats": 9, "last_heartbeat": None},
        "applier": {"state": state, "error": ""},
        "show_replica_status": {
            "Replica_IO_Running": "Yes" if replica else None,
            "Replica_SQL_Running": "Yes" if replica else None,
            "Seconds_Behind_Source": 0 if replica else None,
        },
        "heartbeat_age_seconds": 0.4,
        "problem": "",
    }


def of_hosts(found: HostFacts) -> Sources:
    """Nothing but what the hosts have reported already."""

    def never() -> Any:
        raise AssertionError("nothing but the hosts was to be asked")

    return Sources(found.inventory, lambda: found, never)


def reports() -> dict[tuple[str, str], dict[str, Any]]:
    """Everything in good health."""
    return {
        ("onprem-gateway", "gateway"): gateway_report(True),
        ("aws-gateway", "gateway"): gateway_report(False),
        ("aws-source", "database"): database_report("source"),
        ("onprem-database", "database"): database_report("replica"),
    }


def times(start: float, end: float, step: float) -> list[float]:
    """Moments of looks, relative to the cut."""
    return [start + step * number for number in range(int((end - start) / step))]


def drill(how: How, seconds: float = 30.0, back: float = 1.0, caught_up: float = 4.0, after: float = 25.0) -> Findings:
    """A drill in which all goes well: the tunnel is back `back` and replication `caught_up` seconds after the path."""
    lost = seconds if how.cuts_link else 6.0 if how.restarts else 0.0
    path_back = BEGAN + lost
    end = BEGAN + lost + after
    tape = Tape()
    for host in GATEWAYS:
        tape.sas[host] = [_sa(how, t, lost, back) for t in times(-3.0, lost + after, 0.2)]
        tape.clear[host] = [ClearLook(BEGAN + t, 0, 1 if t > -1 else 0) for t in times(-3.0, lost + after, 0.5)]
    tape.pings["onprem-gateway"] = [
        Ping(BEGAN + t, None if 0 <= t < lost + back else BEGAN + t + 0.001) for t in times(-3.0, lost + after, 0.1)
    ]
    tape.replica = [_replica(t, lost, caught_up) for t in times(-3.0, lost + after, 0.2)]
    tape.source = [SourceLook(BEGAN + t, BEGAN + t, int(20 * (t + 3))) for t in times(-3.0, lost + after, 0.2)]
    fault = Fault(
        how,
        BEGAN,
        finished=BEGAN + 0.05 if how is How.TERMINATE else None,
        link_back=path_back if how.cuts_link else None,
        answers_again=path_back if how.restarts else None,
    )
    return Findings(
        fault=fault,
        seconds=seconds if how.cuts_link else 0.0,
        gateways=GATEWAYS,
        at="onprem-gateway",
        since=BEGAN - 1,
        resume_seconds=6.0,
        tape=tape,
        ledger=Ledger(800, 0, 0, 0, "found", acked_during=400, sessions=4),
        rows=Rows(ROWS, ROWS),
        settled=end - 1.0,
        undone_by="timer",
        restarted=True if how.restarts else None,
        errant="",
    )


def _sa(how: How, t: float, lost: float, back: float) -> SaLook:
    up = ((1, "ESTABLISHED"),), ((1, "INSTALLED"),)
    renewed = ((2, "ESTABLISHED"),), ((2, "INSTALLED"),)
    if t < 0 or (how.cuts_link and (t < 13.4 or lost < 13.4)):
        ike, children = up
    elif t < lost + back:
        ike, children = ((2, "CONNECTING"),), ()
    else:
        ike, children = renewed
    return SaLook(BEGAN + t, ike, children, heard=int(100 * (t + 4)) if t < 0 else 400)


def _replica(t: float, lost: float, caught_up: float) -> ReplicaLook:
    moment = BEGAN + t
    if t < 0 or lost == 0.0:
        return ReplicaLook(moment, "Yes", "Yes", 0, "ON", "", moment - 0.5, 10)
    if t < lost + caught_up:
        heard = t >= 5.0
        return ReplicaLook(
            moment,
            "Connecting" if heard else "Yes",
            "Yes",
            None if heard else 0,
            "CONNECTING" if heard else "ON",
            "",
            BEGAN,
        )
    return ReplicaLook(moment, "Yes", "Yes", 0, "ON", "", moment - 0.5, 20)


def with_tape(found: Findings, **lists: Any) -> Findings:
    """The same drill with some of its tape replaced."""
    return replace(found, tape=replace(found.tape, **lists))
