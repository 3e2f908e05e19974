"""The drill as a command: lock, journal, run, undo, judge, evidence, report; one JSON object at the end, whatever
happens."""

import gzip
import json
import time
from dataclasses import asdict
from typing import Any

from twinsite.inventory import Inventory

from .. import chain, evidence, predicted, sql
from ..console import Console
from ..guest import Guests, gather
from ..host_store import HostStore
from ..journal.document import Journal, begin
from ..journal.document import name_of as name_in_store
from ..journal.keepers import OnDesk
from ..journal.lock import Hold, Locked
from ..journal.process import me
from ..journal.step import TakeLock
from ..stack import Stack
from ..steps import Steps, iso, stoppable, unstoppable
from ..store import NoStore, Unavailable
from ..subjects import hosts
from ..transport import RemoteFailed, Transport, Unreachable
from . import expectations
from .cut_steps import steps_of
from .expectations import Check
from .tunnel_cut import Plan, Refusal, Request, TunnelCut, plan

COMMAND = "drill tunnel-cut"


def name_of(started: float, how: str) -> str:
    """Evidence, report and journal of one drill share this name; they sort by time."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(started))
    return f"{stamp}-tunnel-cut-{how}"


def refused(inventory: Inventory, problems: list[str]) -> dict[str, Any]:
    """The JSON of a drill that did not start."""
    return {
        "command": COMMAND,
        "topology": inventory.topology,
        "dr_mode": inventory.dr_mode,
        "verdict": "refused",
        "figures": {},
        "checks": [],
        "steps": [],
        "predicted": {"ground": "", "phases": []},
        "problems": problems,
        "evidence": None,
        "report": None,
    }


def run(
    stack: Stack,
    transport: Transport,
    request: Request,
    console: Console,
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
) -> dict[str, Any]:
    """The drill from beginning to end. Its result is the JSON of DESIGN section 9, plus `checks`, `clocks` and
    `problems`. `tell` is told the plan before its first step, and may refuse it."""
    started, clock = time.time(), time.monotonic()
    inventory = stack.inventory
    guests = Guests(inventory, transport)
    try:
        planned = plan(inventory, request)
        seen = gather(guests)
        if guests.hosts and len(seen.unreachable) == len(guests.hosts):
            raise Refusal([hosts.nobody_there(len(guests.hosts), seen.unreachable)])
        steps_to_do = steps_of(planned)
        tell([step.told() for step in steps_to_do], asdict(planned.cut))
        drill = TunnelCut(guests, HostStore(guests), planned)
    except Refusal as refusal:
        return refused(inventory, refusal.problems)
    except (sql.Refused, chain.NotApproved) as problem:  # the password of a server that is asked from here
        return refused(inventory, [str(problem)])

    name = name_of(started, request.how.value)
    store = drill.store
    cut = {"cut": asdict(planned.cut), "digest": inventory.digest}
    document = begin(COMMAND, me(COMMAND), name, to="", **{"from": inventory.dr_mode}, **cut)
    log = Journal(document, OnDesk(stack.folder, store))
    hold = Hold(store, drill.identity, COMMAND, planned.longest_seconds, dark=True)
    steps = Steps(console, log, hold.keep)
    problems: list[str] = []
    refusal_problems: list[str] = []
    try:
        with stoppable():
            steps.run(TakeLock(break_lock), hold)
            for step in steps_to_do:
                steps.run(step, drill)
    except Refusal as refusal:
        refusal_problems = refusal.problems
    except (Locked, NoStore) as problem:
        (problems if hold.until else refusal_problems).append(str(problem))
    except Unavailable as problem:
        (problems if hold.until else refusal_problems).append(f"nothing is done without journal and lock: {problem}")
    except KeyboardInterrupt:
        problems.append("interrupted; what had been done was undone")
    except (Unreachable, RemoteFailed, sql.Refused, TimeoutError, RuntimeError, OSError) as problem:
        problems.append(str(problem))
    finally:
        with unstoppable(console.say):
            problems += [f"could not be undone: {problem}" for problem in steps.undo_all()]
        drill.close()

    result = _judge(stack, drill, steps, problems, refusal_problems)
    result["figures"]["total_seconds"] = round(time.monotonic() - clock, 1)
    if drill.findings() is not None:
        _keep(stack, drill, planned, result, name, started)
    log.note(problems=result["problems"], figures=result["figures"])
    log.close(result["verdict"])
    if log.unsent:
        console.say(f"the journal is in {stack.folder / name_in_store(name)}, but not in the store: {log.unsent}")
    return result


def _judge(stack: Stack, drill: TunnelCut, steps: Steps, problems: list[str], refusals: list[str]) -> dict[str, Any]:
    inventory = stack.inventory
    found = drill.findings()
    checks: list[Check] = expectations.checks(found) if found else []
    figures = expectations.figures(found) if found else {}
    verdict = "passed" if expectations.passed(checks) and not problems else "failed"
    return {
        "command": COMMAND,
        "topology": inventory.topology,
        "dr_mode": inventory.dr_mode,
        "verdict": "refused" if refusals else verdict,
        "figures": figures,
        "checks": [asdict(check) for check in checks],
        "steps": [asdict(step) for step in steps.done],
        "predicted": predicted.shown(inventory, predicted.of_cut(inventory, drill.plan.cut.seconds, figures)),
        "problems": refusals + problems,
        "evidence": None,
        "report": None,
    }


def _keep(stack: Stack, drill: TunnelCut, planned: Plan, result: dict[str, Any], name: str, started: float) -> None:
    """Evidence, the raw lines behind it, and the report."""
    from ..report import page

    found = drill.findings()
    assert found is not None
    tape = stack.folder / "evidence" / f"{name}.tape.gz"
    tape.parent.mkdir(parents=True, exist_ok=True)
    clocks = result["clocks"] = {host: asdict(clock) for host, clock in drill.observers.clocks.items()}
    with gzip.open(tape, "wt", encoding="utf-8") as file:
        json.dump({"clocks": clocks, "lines": drill.observers.raw, "acks": drill.ack_times}, file)
    content = {
        **result,
        "started": iso(started),
        "finished": iso(time.time()),
        "stack": stack.name,
        "digest": stack.inventory.digest,
        "cut": asdict(planned.cut),
        "fault": asdict(found.fault),
        "tape": tape.name,
    }
    place = stack.folder / "reports"
    place.mkdir(parents=True, exist_ok=True)
    report = page.write(place / f"{name}.html", content, found, drill.ack_times)
    result["report"] = content["report"] = str(report.resolve())
    path = stack.folder / "evidence" / f"{name}.json"
    result["evidence"] = content["evidence"] = str(path.resolve())
    evidence.write(stack.folder, name, content)
