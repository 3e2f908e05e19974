"""The repair as a command: lock, look, plan, do, look again."""

import functools
import json
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from twinsite.inventory import MYSQL_REPLICA

from .. import chain, host_facts
from ..console import Console
from ..drill.observers import clocks_of
from ..guest import GUEST, Guests, gather
from ..host_store import HostStore
from ..journal.document import Journal, begin
from ..journal.keepers import OnDesk
from ..journal.lock import Hold, Locked
from ..journal.process import me
from ..journal.step import TakeLock
from ..stack import Stack
from ..steps import Outcome, Plane, Say, Step, Steps, data_plane, stoppable, unstoppable, wait
from ..store import NoStore, Unavailable
from ..subjects import complaint, hosts, link
from ..transport import RemoteFailed, Transport, Unreachable
from .actions import RESEED_SECONDS, Empty
from .plan import UNKNOWN, GatewaySas, Own, Repair, Sa, plan

COMMAND = "repair"
LOCK_SECONDS = 600
"""Moved on before every step; none but a copy lasts longer."""
# Tunnel and replication come back within this after what was needed has been done.
EFFECT_SECONDS = 30.0
DECODE_SECONDS = 310.0


@dataclass
class Closely:
    """SAs one by one and active faults of the gateways; transactions that only a replica has, and what they hold."""

    sas: dict[str, GatewaySas] = field(default_factory=dict)
    errant: dict[str, str | None] = field(default_factory=dict)
    own: dict[str, Own] = field(default_factory=dict)


def look_closely(guests: Guests, seen: host_facts.HostFacts) -> Closely:
    """What the reports do not say."""
    found = Closely()
    inventory = guests.inventory

    def gateway(tunnel: str, host: str) -> None:
        sas = guests.tool(host, "probe", "look", "--gateway", tunnel)["sa"]
        ike = tuple(Sa(sa["unique_id"], sa["state"]) for sa in sas["ike"])
        children = tuple(Sa(sa["unique_id"], sa["state"], sa["ike"]) for sa in sas["children"])
        fault = guests.tool(host, "fault", "status")
        words = f"{fault['fault']['verb']}, ends by itself" if fault["active"] and fault["fault"] else ""
        found.sas[host] = GatewaySas(ike, children, words or ("unknown" if fault["active"] else ""))

    def own(source: str, replica: str) -> None:
        found.errant[replica] = None
        theirs = guests.tool(replica, "probe", "gtids")["gtids"]
        errant = str(guests.tool(source, "probe", "gtids", "--minus", theirs)["missing"])
        if errant:
            found.own[replica] = _decoded(guests, replica, errant)
        found.errant[replica] = errant

    tasks = [
        functools.partial(gateway, tunnel.name, end.host)
        for tunnel in inventory.tunnels
        for end in seen.tunnel_ends(tunnel)
        if end.known
    ]
    for replica in inventory.flows_of(MYSQL_REPLICA):
        if all(server.known and not server.problem for server in seen.pair(replica)):
            tasks.append(functools.partial(own, replica.source, replica.target))
    if tasks:
        with ThreadPoolExecutor(max_workers=len(tasks)) as pool:
            for task in [pool.submit(each) for each in tasks]:
                task.result()
    return found


def _decoded(guests: Guests, replica: str, errant: str) -> Own:
    command = [GUEST, "database", "decode", "--gtids", errant]
    try:
        return Own.of(json.loads(guests.call(replica, command, timeout_seconds=DECODE_SECONDS)))
    except RemoteFailed as problem:
        return replace(UNKNOWN, holds=f"{UNKNOWN.holds}: {problem}")


def run(
    stack: Stack,
    transport: Transport,
    console: Console,
    only_plan: bool,
    confirmed: frozenset[str],
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
) -> dict[str, Any]:
    """What was found, planned, refused and done; `verdict` as in DESIGN section 9. `tell` is told the plan before
    its first step, and may refuse it."""
    guests = Guests(stack.inventory, transport)
    result: dict[str, Any] = {
        "command": COMMAND,
        "topology": stack.inventory.topology,
        "dr_mode": stack.inventory.dr_mode,
        "verdict": "refused",
        "found": [],
        "planned": [],
        "refused": [],
        "steps": [],
        "clocks": {},
        "problems": [],
    }
    if only_plan:
        try:
            seen, repair = _plan(guests, confirmed)
        except (Unreachable, RemoteFailed) as problem:
            return {**result, "refused": [str(problem)]}
        _told(tell, repair)
        _fill(result, repair, seen)
        result["verdict"] = "refused" if repair.refused else "passed"
        return result
    everyone = gather(guests)
    if guests.hosts and len(everyone.unreachable) == len(guests.hosts):
        return {**result, "refused": [hosts.nobody_there(len(guests.hosts), everyone.unreachable)]}
    store = HostStore(guests)
    document = begin(COMMAND, me(COMMAND), to="", **{"from": stack.inventory.dr_mode})
    log = Journal(document, OnDesk(stack.folder, store))
    # Looks, and what else is mended, come on top of a copy.
    seconds = LOCK_SECONDS + (RESEED_SECONDS if confirmed else 0)
    hold = Hold(store, "r" + secrets.token_hex(4), COMMAND, seconds)
    steps = Steps(console, log, hold.keep)
    work = Work(guests, confirmed, result, tell)
    try:
        with stoppable():
            steps.run(TakeLock(break_lock), hold)
            _repair(work, steps)
    except (Locked, Unavailable) as problem:
        result |= {"verdict": "failed", "problems": [str(problem)]} if hold.until else {"refused": [_unlocked(problem)]}
    except KeyboardInterrupt:
        result |= {"verdict": "failed", "problems": ["interrupted; run the same command again to go on"]}
    except (Unreachable, RemoteFailed, TimeoutError) as problem:
        result |= {"verdict": "failed", "problems": [str(problem)]}
    finally:
        with unstoppable(console.say):
            result["problems"] += steps.undo_all()
    result["steps"] = [asdict(step) for step in steps.done]
    log.note(found=result["found"], refused=result["refused"])
    log.close(result["verdict"])
    if log.unsent:
        console.say(f"the journal {log.id} is not whole in the store: {log.unsent}")
    return result


def _unlocked(problem: Locked | Unavailable) -> str:
    """Why nothing was begun."""
    if isinstance(problem, Locked):
        return f"{problem}. A drill breaks things on purpose and mends them itself"
    return str(problem) if isinstance(problem, NoStore) else f"nothing is done without journal and lock: {problem}"


def _plan(guests: Guests, confirmed: frozenset[str]) -> tuple[host_facts.HostFacts, Repair]:
    seen = host_facts.read(guests.inventory, gather(guests))
    if seen.unreachable and len(seen.unreachable) == len(guests.hosts):
        return seen, Repair(refused=(hosts.nobody_there(len(guests.hosts), seen.unreachable),))
    closely = look_closely(guests, seen)
    return seen, plan(seen, closely.sas, closely.errant, confirmed, closely.own)


def _told(tell: chain.Planned, repair: Repair) -> None:
    if not repair.refused:
        tell([action.told() for action in repair.actions], {})


def _fill(result: dict[str, Any], repair: Repair, seen: host_facts.HostFacts) -> None:
    result["found"] = list(repair.found)
    result["planned"] = [str(action) for action in repair.actions]
    result["refused"] = list(repair.refused)
    if not repair.found and not repair.refused:
        # What status complains of and repair cannot mend, for instance clocks that differ.
        result["problems"] = link.problems(seen)
    else:
        result["problems"] = list(repair.persons)


@dataclass(frozen=True)
class LookAtBoth(Step["Work"]):
    """Everything that the plan rests on, with the lock in hand."""

    sites: tuple[str, ...]
    name = "look"
    title = "look at both sites"
    needs = "the operation lock"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return tuple(data_plane(f"SSH to {site}'s hosts", site) for site in self.sites)

    def do(self, hands: "Work", choices: Mapping[str, str], say: Say) -> Outcome:
        hands.result["clocks"] = {host: asdict(clock) for host, clock in clocks_of(hands.guests).items()}
        seen, hands.repair = _plan(hands.guests, hands.confirmed)
        try:
            _told(hands.tell, hands.repair)
        except chain.NotApproved as problem:
            hands.repair = Repair(hands.repair.found, refused=(str(problem),))
        _fill(hands.result, hands.repair, seen)
        return Outcome("; ".join(hands.repair.found) or "nothing to do")


@dataclass(frozen=True)
class SeeThatItHelped(LookAtBoth):
    """Until nothing is left that is not a person's."""

    name = "see-that-it-helped"
    title = "see that it helped"
    needs = "every step was done"

    def do(self, hands: "Work", choices: Mapping[str, str], say: Say) -> Outcome:
        left: list[str] = []
        looks: list[list[str]] = []
        guests = hands.guests

        def well() -> bool:
            again = host_facts.read(guests.inventory, gather(guests))
            persons = list(complaint.for_persons(again))
            every = link.problems(again)
            left[:] = [words for words in every if words not in persons]
            hands.result["problems"] = persons
            looks.append(persons)
            if not left and any(isinstance(action, Empty) for action in hands.repair.actions):
                own = look_closely(guests, again).errant
                left[:] = [f"{host} still has {gtids} of its own" for host, gtids in own.items() if gtids]
            # A look may have begun before the last step took effect: a person's work is believed the second time.
            return not left and (not persons or len(looks) > 1)

        wait("tunnel and replication to work", well, EFFECT_SECONDS, lambda: "; ".join(left))
        return Outcome()


@dataclass
class Work:
    """What the steps of a repair share."""

    guests: Guests
    confirmed: frozenset[str]
    result: dict[str, Any]
    tell: chain.Planned
    repair: Repair = field(default_factory=Repair)


def _repair(work: Work, steps: Steps) -> None:
    sites = tuple(dict.fromkeys(host.site for host in work.guests.hosts))
    steps.run(LookAtBoth(sites), work)
    for action in work.repair.actions:
        steps.run(action, work.guests)
    if work.repair.actions and not work.repair.refused:
        steps.run(SeeThatItHelped(sites), work)
    if work.repair.refused:
        work.result["verdict"] = "refused"
    else:
        work.result["verdict"] = "failed" if work.result["problems"] else "passed"
