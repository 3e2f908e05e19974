"""From facts to what has to be done, or to nothing, or to a refusal with its reason. Pure.

What the drill's document had a person do (bounce both ends, STOP and START REPLICA) is here, each only where the facts
call for it: with the shipped settings none of it should ever be needed after a cut.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from components.inventory import Replica, Tunnel

from ..facts import End, Facts, Server
from ..guest import GUEST

# The source no longer has what the replica lacks (MySQL: ER_SOURCE_FATAL_ERROR_READING_BINLOG with auto-position,
# and its
# successor in the error log).
PURGED = frozenset({1236, 13114})
RESEED = "reseed"
EMPTY = "empty-transactions"
"""What a person may confirm."""
_GTID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:[a-z_][a-z0-9_]{0,31})?:[0-9]+")


class Doing(StrEnum):
    """Kinds of steps."""

    UNDO_FAULT = "end a drill's fault"
    APPLY = "apply the role again"
    TERMINATE = "end a superfluous SA"
    INITIATE = "initiate the tunnel"
    FENCE = "close the replica for writing"
    START = "start replication"
    RESTART = "restart the receiver"
    EMPTY = "give the source empty transactions"
    RESEED = "seed the replica again"


@dataclass(frozen=True)
class Action:
    """One step: what runs as root on which host, and why."""

    doing: Doing
    host: str
    command: tuple[str, ...]
    why: str
    stdin: str = ""

    def __str__(self) -> str:
        return f"{self.doing.value} on {self.host}: {self.why}"


@dataclass(frozen=True)
class Sa:
    """One SA as a gateway's own look has it. `ike` is the IKE SA that a CHILD SA belongs to."""

    unique_id: int
    state: str
    ike: int = 0


@dataclass(frozen=True)
class Look:
    """A gateway's SAs one by one, and whether a drill's fault is active there."""

    ike: tuple[Sa, ...] = ()
    children: tuple[Sa, ...] = ()
    fault: str = ""
    """In words; empty when there is none."""


@dataclass(frozen=True)
class Own:
    """What a replica's binary log says of the transactions that only it has."""

    gtids: tuple[str, ...] = ()
    says: str = ""
    """Their statements, in words."""
    holds: str = ""
    """Why they are not to be forgiven: what they change, or why nobody knows; empty for neither rows nor DDL."""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Own":
        """From the answer of the guest's verb `decode`."""
        each = answer["transactions"]
        gtids = tuple(str(one["gtid"]) for one in each)
        holds = [str(answer["problem"])] if answer["problem"] else []
        holds += [f"{one['gtid']} holds {one['holds']}" for one in each if one["holds"]]
        holds += [f"{gtid!r} is no GTID" for gtid in gtids if not _GTID.fullmatch(gtid)]
        says = [str(one["says"]) or "nothing" for one in each]
        return cls(gtids, "; ".join(dict.fromkeys(says)), "; ".join(holds) or ("" if gtids else "nothing was decoded"))


UNKNOWN = Own(holds="they were not decoded")


@dataclass(frozen=True)
class Repair:
    """What was found, what will be done, and what is refused."""

    found: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass
class _Draft:
    found: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def plan(
    facts: Facts,
    looks: Mapping[str, Look],
    errant: Mapping[str, str | None],
    confirmed: frozenset[str] = frozenset(),
    own: Mapping[str, Own] | None = None,
) -> Repair:
    """`looks` by gateway host; `errant`: replica host → transactions that only it has ("" none, None not known), and
    `own` what they hold."""
    draft = _Draft()
    for host, look in looks.items():
        if look.fault:
            draft.found.append(f"a drill's fault is active on {host}: {look.fault}")
            command = ("python3", "/opt/twinsite/current/drill/fault.py", "undo")
            draft.actions.append(Action(Doing.UNDO_FAULT, host, command, look.fault))
    if draft.actions:
        # It explains whatever else is wrong: what does not heal by itself afterwards is the next repair's.
        return Repair(tuple(draft.found), tuple(draft.actions))
    for tunnel in facts.inventory.tunnels:
        _tunnel(facts, tunnel, looks, draft)
    for replica in facts.inventory.replicas:
        decoded = (own or {}).get(replica.replica, UNKNOWN)
        _replica(facts, replica, errant.get(replica.replica), decoded, confirmed, draft)
    return Repair(tuple(draft.found), tuple(draft.actions), tuple(draft.refused))


def _tunnel(facts: Facts, tunnel: Tunnel, looks: Mapping[str, Look], draft: _Draft) -> None:
    initiator, responder = facts.tunnel_ends(tunnel)
    for end in (initiator, responder):
        if not end.known:
            draft.refused.append(
                f"{end.host} cannot be asked ({end.words}): bring it back first; a repair without it would guess"
            )
    if not (initiator.known and responder.known):
        return
    broken = False
    for end in (initiator, responder):
        if end.charon_problem or not end.guarded:
            what = (
                f"charon does not answer ({end.charon_problem})"
                if end.charon_problem
                else "the clear-text rules are missing"
            )
            draft.found.append(f"{tunnel.name}: on {end.host} {what}")
            draft.actions.append(Action(Doing.APPLY, end.host, (GUEST, "gateway", "apply"), what))
            broken = broken or bool(end.charon_problem)
    # Both ends list the same SAs; ending them at one end tells the other.
    draft.actions += list(_duplicates(tunnel, initiator, looks, draft)) or list(
        _duplicates(tunnel, responder, looks, draft)
    )
    initiate = Action(
        Doing.INITIATE,
        initiator.host,
        ("swanctl", "--initiate", "--child", tunnel.name, "--timeout", "20"),
        "one end of a tunnel initiates, this one",
    )
    if broken or not initiator.up or not responder.up:
        for end in (initiator, responder):
            if not end.up and not end.charon_problem:
                states = ", ".join(end.ike_states) or "none"
                draft.found.append(f"{tunnel.name}: {end.host} has no working SA (IKE SAs: {states})")
        if initiator.up and not responder.up:
            draft.actions.append(_terminate(tunnel, initiator, "its peer has lost the SA"))
        draft.actions.append(initiate)
    elif not (initiator.crosses or responder.crosses):
        draft.found.append(f"{tunnel.name}: SAs are up, but no packet crosses")
        draft.actions += [_terminate(tunnel, end, "its SA carries nothing") for end in (initiator, responder)]
        draft.actions.append(initiate)


def _terminate(tunnel: Tunnel, end: End, why: str) -> Action:
    return Action(
        Doing.TERMINATE, end.host, ("swanctl", "--terminate", "--ike", tunnel.name, "--force", "--timeout", "5"), why
    )


def _duplicates(tunnel: Tunnel, end: End, looks: Mapping[str, Look], draft: _Draft) -> Iterator[Action]:
    """The older ones of several SAs; the newest stays, traffic is on it."""
    look = looks.get(end.host, Look())
    established = sorted(sa.unique_id for sa in look.ike if sa.state == "ESTABLISHED")
    newest = established[-1] if established else 0
    old_ike = established[:-1]
    children = sorted(sa.unique_id for sa in look.children if sa.state == "INSTALLED" and sa.ike not in old_ike)
    if not old_ike and len(children) < 2:
        return
    draft.found.append(
        f"{tunnel.name}: {end.host} has {len(established)} IKE SAs and {end.installed} CHILD SAs instead of one"
    )
    for unique_id in old_ike:
        command = ("swanctl", "--terminate", "--ike-id", str(unique_id), "--timeout", "5")
        yield Action(Doing.TERMINATE, end.host, command, f"IKE SA {unique_id} is older than {newest}")
    for unique_id in children[:-1]:
        command = ("swanctl", "--terminate", "--child-id", str(unique_id), "--timeout", "5")
        yield Action(Doing.TERMINATE, end.host, command, f"CHILD SA {unique_id} is older than {children[-1]}")


def _replica(
    facts: Facts, replica: Replica, errant: str | None, own: Own, confirmed: frozenset[str], draft: _Draft
) -> None:
    source, here = facts.pair(replica)
    for server in (source, here):
        if not server.known:
            draft.refused.append(f"{server.host} cannot be asked ({server.words}): bring it back first")
    if source.known and source.super_read_only:
        draft.refused.append(
            f"{source.host} is the source and closed for writing: a repair does not open it, because it may "
            "have been fenced "
            "for a failover; if it was not, run `sudo twinsite-guest database apply` there"
        )
    if not here.known or not source.known:
        return
    if here.problem:
        draft.found.append(f"{here.host}: {here.problem}")
        draft.actions.append(Action(Doing.APPLY, here.host, (GUEST, "database", "apply"), here.problem))
        return
    if errant and not _forgiven(source, here, errant, own, confirmed, draft):
        return
    if here.super_read_only is False:
        if here.receiver == "OFF":
            draft.refused.append(
                f"{here.host} is writable and does not replicate: it may have been promoted, and a repair "
                "never undoes a failover"
            )
            return
        draft.found.append(f"{here.host} is a replica, but writable")
        fence = "SET PERSIST super_read_only = ON;\n"
        draft.actions.append(Action(Doing.FENCE, here.host, _SQL, "a write there would part the two", fence))
    _threads(here, confirmed, draft)


# A user or host in ~/.mylogin.cnf, which is read all the same, does not win over these.
_SQL = ("mysql", "--no-defaults", "--protocol=socket", "--user=root")


def _forgiven(source: Server, here: Server, errant: str, own: Own, confirmed: frozenset[str], draft: _Draft) -> bool:
    """Whether what only the replica has becomes empty transactions on the source; else it is refused or given up."""
    draft.found.append(f"{here.host} has transactions that its source has not: {errant}")
    why_not = own.holds or ("" if source.super_read_only is False else f"{source.host} takes no writes")
    if EMPTY in confirmed and not why_not:
        sql = "".join(f"SET GTID_NEXT = '{gtid}'; BEGIN; COMMIT;\n" for gtid in own.gtids)
        why = f"confirmed; {errant} on {here.host} hold neither rows nor DDL ({own.says})"
        # MySQL skips a number that the source has by now, so this may be run again.
        draft.actions.append(Action(Doing.EMPTY, source.host, _SQL, why, f"{sql}SET GTID_NEXT = 'AUTOMATIC';\n"))
        return True
    if RESEED in confirmed:
        command = (GUEST, "database", "reseed", "--discard", errant)
        draft.actions.append(Action(Doing.RESEED, here.host, command, f"confirmed; {errant} are given up"))
        return False
    if not why_not:
        draft.refused.append(
            f"{here.host} holds transactions of its own ({errant}) with neither rows nor DDL ({own.says}): nothing is "
            f"lost by giving {source.host} empty ones of these numbers, which `twinsite repair --confirm {EMPTY}` does"
        )
        return False
    draft.refused.append(
        f"{here.host} holds transactions of its own ({errant}), and empty ones on {source.host} are no remedy: "
        f"{why_not}. "
        f"Look at them first (`mysqlbinlog --include-gtids='{errant}'` there); to give them up and copy the source "
        f"again, run `twinsite repair --confirm {RESEED}`"
    )
    return False


def _copy_again(here: Server, confirmed: frozenset[str], draft: _Draft, unless_confirmed: str) -> None:
    """Replace a replica's data by the source's, or refuse in these words."""
    if RESEED not in confirmed:
        draft.refused.append(unless_confirmed)
        return
    command = (GUEST, "database", "reseed")
    draft.actions.append(Action(Doing.RESEED, here.host, command, "confirmed; its data is replaced by the source's"))


def _threads(here: Server, confirmed: frozenset[str], draft: _Draft) -> None:
    if here.error_number in PURGED and here.receiver != "ON":
        draft.found.append(f"{here.host}: the source no longer has what is missing ({here.error})")
        _copy_again(
            here,
            confirmed,
            draft,
            f"{here.host} was away longer than the source's binary logs last: only a new copy helps, which replaces "
            f"its data: run `twinsite repair --confirm {RESEED}`",
        )
        return
    if here.applier_error:
        draft.found.append(f"{here.host}: the applier stopped: {here.applier_error}")
        _copy_again(
            here,
            confirmed,
            draft,
            f"{here.host} cannot apply what it received ({here.applier_error}): started again it would stop again; "
            f"find out why its data differs, or copy the source again with `twinsite repair --confirm {RESEED}`",
        )
        return
    if here.receiver == "OFF" or here.applier != "ON":
        why = here.error or "stopped by hand"
        draft.found.append(f"{here.host}: receiver {here.receiver}, applier {here.applier} ({why})")
        draft.actions.append(Action(Doing.START, here.host, _SQL, why, "START REPLICA;\n"))
    elif here.receiver == "CONNECTING":
        why = here.error or "no error yet"
        draft.found.append(f"{here.host}: the receiver is connecting ({why})")
        if any(action.doing is Doing.INITIATE for action in draft.actions):
            # It tries each second; once the tunnel is back it needs nobody.
            return
        sql = "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD;\n"
        draft.actions.append(Action(Doing.RESTART, here.host, _SQL, f"the tunnel is up, and still: {why}", sql))
