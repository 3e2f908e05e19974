"""From facts to what has to be done, or to nothing, or to a refusal with its reason. Pure.

What the drill's document had a person do (bounce both ends, STOP and START REPLICA) is here, each only where the facts
call for it: with the shipped settings none of it should ever be needed after a cut.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinsite.inventory import MYSQL_REPLICA, Flow, Inventory, Tunnel

from ..host_facts import End, HostFacts, Server
from ..subjects.complaint import for_persons
from .actions import Action, Apply, Empty, Fence, Initiate, Reseed, Restart, Start, StartAgent, Terminate, UndoFault

# The source no longer has what the replica lacks (MySQL: ER_SOURCE_FATAL_ERROR_READING_BINLOG with auto-position,
# and its
# successor in the error log).
PURGED = frozenset({1236, 13114})
RESEED = "reseed"
EMPTY = "empty-transactions"
"""What a person may confirm."""
_GTID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:[a-z_][a-z0-9_]{0,31})?:[0-9]+")


@dataclass(frozen=True)
class Sa:
    """One SA as a gateway's own look has it. `ike` is the IKE SA that a CHILD SA belongs to."""

    unique_id: int
    state: str
    ike: int = 0


@dataclass(frozen=True)
class GatewaySas:
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
    """What was found, what will be done, what is refused, and what is a person's, each with who must do what."""

    found: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    refused: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()


@dataclass
class _Draft:
    inventory: Inventory
    found: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def plan(
    facts: HostFacts,
    sas: Mapping[str, GatewaySas],
    errant: Mapping[str, str | None],
    confirmed: frozenset[str] = frozenset(),
    own: Mapping[str, Own] | None = None,
) -> Repair:
    """`sas` by gateway host; `errant`: replica host → transactions that only it has ("" none, None not known), and
    `own` what they hold."""
    draft = _Draft(facts.inventory)
    for host, look in sas.items():
        if look.fault:
            draft.found.append(f"a drill's fault is active on {host}: {look.fault}")
            draft.actions.append(UndoFault.of(draft.inventory.host(host), look.fault))
    if draft.actions:
        # It explains whatever else is wrong: what does not heal by itself afterwards is the next repair's.
        return Repair(tuple(draft.found), tuple(draft.actions))
    for tunnel in facts.inventory.tunnels:
        _tunnel(facts, tunnel, sas, draft)
    for replica in facts.inventory.flows_of(MYSQL_REPLICA):
        decoded = (own or {}).get(replica.target, UNKNOWN)
        _replica(facts, replica, errant.get(replica.target), decoded, confirmed, draft)
    return Repair(tuple(draft.found), tuple(draft.actions), tuple(draft.refused), tuple(for_persons(facts)))


def _own_complaints(host: End | Server, role: str, draft: _Draft) -> None:
    """What a host's role says of it: applied again where that mends it."""
    for kind in (StartAgent, Apply):
        words = [one.problem for one in host.complaints if one.mends == kind.mends]
        draft.found += [f"{host.host}: {one}" for one in words]
        again = kind.of(draft.inventory.host(host.host), role, "; ".join(words))
        if words and not any((action.host, action.command) == (again.host, again.command) for action in draft.actions):
            draft.actions.append(again)


def _tunnel(facts: HostFacts, tunnel: Tunnel, sas: Mapping[str, GatewaySas], draft: _Draft) -> None:
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
            draft.actions.append(Apply.of(draft.inventory.host(end.host), "gateway", what))
            broken = broken or bool(end.charon_problem)
        _own_complaints(end, "gateway", draft)
    # Both ends list the same SAs; ending them at one end tells the other.
    draft.actions += list(_duplicates(tunnel, initiator, sas, draft)) or list(
        _duplicates(tunnel, responder, sas, draft)
    )
    initiate = Initiate.of(draft.inventory.host(initiator.host), tunnel.name)
    if broken or not initiator.up or not responder.up:
        for end in (initiator, responder):
            if not end.up and not end.charon_problem:
                states = ", ".join(end.ike_states) or "none"
                draft.found.append(f"{tunnel.name}: {end.host} has no working SA (IKE SAs: {states})")
        if initiator.up and not responder.up:
            draft.actions.append(_terminate(draft, tunnel, initiator, "its peer has lost the SA"))
        draft.actions.append(initiate)
    elif not (initiator.crosses or responder.crosses):
        draft.found.append(f"{tunnel.name}: SAs are up, but no packet crosses")
        draft.actions += [_terminate(draft, tunnel, end, "its SA carries nothing") for end in (initiator, responder)]
        draft.actions.append(initiate)


def _terminate(draft: _Draft, tunnel: Tunnel, end: End, why: str) -> Action:
    return Terminate.of(draft.inventory.host(end.host), ("--ike", tunnel.name, "--force"), why)


def _duplicates(tunnel: Tunnel, end: End, sas: Mapping[str, GatewaySas], draft: _Draft) -> Iterator[Action]:
    """The older ones of several SAs; the newest stays, traffic is on it."""
    look = sas.get(end.host, GatewaySas())
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
        why = f"IKE SA {unique_id} is older than {newest}"
        yield Terminate.of(draft.inventory.host(end.host), ("--ike-id", str(unique_id)), why)
    for unique_id in children[:-1]:
        why = f"CHILD SA {unique_id} is older than {children[-1]}"
        yield Terminate.of(draft.inventory.host(end.host), ("--child-id", str(unique_id)), why)


def _replica(
    facts: HostFacts, replica: Flow, errant: str | None, own: Own, confirmed: frozenset[str], draft: _Draft
) -> None:
    source, here = facts.pair(replica)
    for server in (source, here):
        if server.host not in {host.name for host in draft.inventory.hosts}:
            draft.refused.append(
                f"{server.host} is asked by SQL only, and a repair works on hosts: mend what `twinsite status` says of "
                "it by the means of whoever runs it"
            )
        elif not server.known:
            draft.refused.append(f"{server.host} cannot be asked ({server.words}): bring it back first")
    if source.known and source.super_read_only:
        draft.refused.append(
            f"{source.host} is the source and closed for writing: a repair does not open it, because it may "
            "have been fenced "
            "for a failover; if it was not, run `sudo twinsite-guest database apply` there"
        )
    # A source that stands still is started only beside a replica that is seen closed: nobody went on without it.
    alone = (
        bool(here.super_read_only) if source.problem else here.super_read_only is not False or here.receiver != "OFF"
    )
    if source.known and not source.super_read_only and alone:
        _own_complaints(source, "database", draft)
    if not here.known or not source.known:
        return
    if here.problem:
        draft.found.append(f"{here.host}: {here.problem}")
        draft.actions.append(Apply.of(draft.inventory.host(here.host), "database", here.problem))
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
        draft.actions.append(Fence.of(draft.inventory.host(here.host)))
    _own_complaints(here, "database", draft)
    _threads(here, confirmed, draft)


def _forgiven(source: Server, here: Server, errant: str, own: Own, confirmed: frozenset[str], draft: _Draft) -> bool:
    """Whether what only the replica has becomes empty transactions on the source; else it is refused or given up."""
    draft.found.append(f"{here.host} has transactions that its source has not: {errant}")
    why_not = own.holds or ("" if source.super_read_only is False else f"{source.host} takes no writes")
    if EMPTY in confirmed and not why_not:
        why = f"confirmed; {errant} on {here.host} hold neither rows nor DDL ({own.says})"
        draft.actions.append(Empty.of(draft.inventory.host(source.host), own.gtids, why))
        return True
    if RESEED in confirmed:
        why = f"confirmed; {errant} are given up"
        draft.actions.append(Reseed.of(draft.inventory.host(here.host), why, given_up=errant))
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
    why = "confirmed; its data is replaced by the source's"
    draft.actions.append(Reseed.of(draft.inventory.host(here.host), why))


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
        draft.actions.append(Start.of(draft.inventory.host(here.host), why))
    elif here.receiver == "CONNECTING":
        why = here.error or "no error yet"
        draft.found.append(f"{here.host}: the receiver is connecting ({why})")
        if any(isinstance(action, Initiate) for action in draft.actions):
            # It tries each second; once the tunnel is back it needs nobody.
            return
        draft.actions.append(Restart.of(draft.inventory.host(here.host), f"the tunnel is up, and still: {why}"))
