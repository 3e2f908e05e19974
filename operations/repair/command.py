"""The repair as a command: lock, look, plan, do, look again."""

import contextlib
import functools
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .. import facts, journal, status
from ..console import Console
from ..guest import GUEST, Guests, OtherGuest, look
from ..stack import Stack
from ..steps import Steps, stoppable, unstoppable, wait
from ..transport import RemoteFailed, Transport, Unreachable
from .plan import UNKNOWN, Action, Doing, Look, Own, Repair, Sa, plan

COMMAND = "repair"
LOCK_SECONDS = 600
# Tunnel and replication come back within this after what was needed has been done.
EFFECT_SECONDS = 30.0
SELF_SECONDS = 3.0
RESEED_SECONDS = 3600.0
DECODE_SECONDS = 310.0


@dataclass
class Closely:
    """SAs one by one and active faults of the gateways; transactions that only a replica has, and what they hold."""

    looks: dict[str, Look] = field(default_factory=dict)
    errant: dict[str, str | None] = field(default_factory=dict)
    own: dict[str, Own] = field(default_factory=dict)


def look_closely(guests: Guests, seen: facts.Facts) -> Closely:
    """What the reports do not say."""
    found = Closely()
    inventory = guests.inventory

    def gateway(tunnel: str, host: str) -> None:
        sas = guests.tool(host, "probe", "look", "--gateway", tunnel)["sa"]
        ike = tuple(Sa(sa["unique_id"], sa["state"]) for sa in sas["ike"])
        children = tuple(Sa(sa["unique_id"], sa["state"], sa["ike"]) for sa in sas["children"])
        fault = guests.tool(host, "fault", "status")
        words = f"{fault['fault']['verb']}, ends by itself" if fault["active"] and fault["fault"] else ""
        found.looks[host] = Look(ike, children, words or ("unknown" if fault["active"] else ""))

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
    for replica in inventory.replicas:
        if all(server.known and not server.problem for server in seen.pair(replica)):
            tasks.append(functools.partial(own, replica.source, replica.replica))
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
) -> dict[str, Any]:
    """What was found, planned, refused and done; `verdict` as in DESIGN section 9."""
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
        "problems": [],
    }
    identity = "r" + secrets.token_hex(4)
    if only_plan:
        try:
            seen, repair = _plan(guests, confirmed)
        except (Unreachable, RemoteFailed) as problem:
            return {**result, "refused": [str(problem)]}
        _fill(result, repair, seen)
        result["verdict"] = "refused" if repair.refused else "passed"
        return result
    everyone = look(guests)
    if stack.inventory.hosts and len(everyone.unreachable) == len(stack.inventory.hosts):
        return {**result, "refused": [status.nobody_there(facts.read(stack.inventory, everyone))]}
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{COMMAND}"
    log = journal.Journal(stack.folder / "journal" / f"{name}.jsonl", guests, name)
    steps = Steps(console, log.write)
    try:
        with stoppable():
            with steps.step("take the operation lock") as step:
                steps.undo_with("give the lock back", lambda: _unlock(guests, identity))
                seconds = RESEED_SECONDS if confirmed else LOCK_SECONDS
                step.detail = journal.take_lock(guests, identity, COMMAND, seconds, break_lock)
            _repair(guests, steps, result, confirmed)
    except journal.Locked as locked:
        result["refused"] = [f"{locked}. A drill breaks things on purpose and mends them itself"]
    except KeyboardInterrupt:
        result |= {"verdict": "failed", "problems": ["interrupted; run the same command again to go on"]}
    except (Unreachable, RemoteFailed, TimeoutError) as problem:
        result |= {"verdict": "failed", "problems": [str(problem)]}
    finally:
        with unstoppable(console.say):
            result["problems"] += steps.undo_all()
    result["steps"] = [asdict(step) for step in steps.done]
    log.write({"kind": "end", "verdict": result["verdict"], "found": result["found"], "refused": result["refused"]})
    log.close()
    return result


def _unlock(guests: Guests, identity: str) -> str | None:
    with contextlib.suppress(OtherGuest):  # no store of this version, so no lock
        guests.store("unlock", "--id", identity)
    return None


def _plan(guests: Guests, confirmed: frozenset[str]) -> tuple[facts.Facts, Repair]:
    seen = facts.read(guests.inventory, look(guests))
    if seen.unreachable and len(seen.unreachable) == len(guests.inventory.hosts):
        return seen, Repair(refused=(status.nobody_there(seen),))
    closely = look_closely(guests, seen)
    return seen, plan(seen, closely.looks, closely.errant, confirmed, closely.own)


def _fill(result: dict[str, Any], repair: Repair, seen: facts.Facts) -> None:
    result["found"] = list(repair.found)
    result["planned"] = [str(action) for action in repair.actions]
    result["refused"] = list(repair.refused)
    if not repair.found and not repair.refused:
        # What status complains of and repair cannot mend, for instance clocks that differ.
        result["problems"] = [*status.tunnel_problems(seen), *status.replica_problems(seen)]


def _do(guests: Guests, action: Action) -> str:
    """One action; a sentence on how it went."""
    if action.doing is Doing.TERMINATE:
        return _terminate(guests, action)
    if action.doing is not Doing.INITIATE:
        seconds = RESEED_SECONDS if action.doing is Doing.RESEED else 90.0
        guests.call(action.host, list(action.command), action.stdin, seconds)
        return action.why
    # What was done before may have brought it back: the initiator starts by itself.
    connection = action.command[action.command.index("--child") + 1]

    def up() -> bool:
        found = guests.tool(action.host, "probe", "look", "--gateway", connection)
        return any(child["state"] == "INSTALLED" for child in found["sa"]["children"])

    try:
        wait("the initiator", up, SELF_SECONDS)
        return "it had come back by itself"
    except TimeoutError:
        pass
    try:
        guests.call(action.host, list(action.command), timeout_seconds=60)
        return action.why
    except RemoteFailed as problem:
        # An attempt of charon's own may be under way; whether it helped is seen at the end.
        return f"charon says: {problem.words}"


def _terminate(guests: Guests, action: Action) -> str:
    try:
        guests.call(action.host, list(action.command))
    except RemoteFailed as problem:
        # The other end's DELETE was faster.
        if "no matching" not in problem.words:
            raise
        return "it was gone already"
    return action.why


def _repair(guests: Guests, steps: Steps, result: dict[str, Any], confirmed: frozenset[str]) -> None:
    with steps.step("look at both sites") as step:
        seen, repair = _plan(guests, confirmed)
        step.detail = "; ".join(repair.found) or "nothing to do"
    _fill(result, repair, seen)
    for action in repair.actions:
        with steps.step(f"{action.doing.value} on {action.host}") as step:
            step.detail = _do(guests, action)
    if repair.actions and not repair.refused:
        with steps.step("see that it helped"):
            left: list[str] = []

            def well() -> bool:
                again = facts.read(guests.inventory, look(guests))
                left[:] = [*status.tunnel_problems(again), *status.replica_problems(again)]
                if not left and any(action.doing is Doing.EMPTY for action in repair.actions):
                    own = look_closely(guests, again).errant
                    left[:] = [f"{host} still has {gtids} of its own" for host, gtids in own.items() if gtids]
                return not left

            wait("tunnel and replication to work", well, EFFECT_SECONDS, lambda: "; ".join(left))
    if repair.refused:
        result["verdict"] = "refused"
    else:
        result["verdict"] = "failed" if result["problems"] else "passed"
