"""The drill as a command: lock, journal, run, undo, judge, evidence, report; one JSON object at the end, whatever
happens."""

import gzip
import json
import time
from dataclasses import asdict
from typing import Any

from components.inventory import Inventory

from .. import evidence, facts, journal, status
from ..console import Console
from ..guest import Guests, OtherGuest, look
from ..stack import Stack
from ..steps import Steps, iso, stoppable, unstoppable
from ..transport import RemoteFailed, Transport, Unreachable
from . import expectations, leftovers
from .expectations import Check
from .tunnel_cut import Plan, Refusal, Request, TunnelCut, plan

COMMAND = "drill tunnel-cut"
# What an ended fault of an earlier drill may need to heal.
AFTERMATH_SECONDS = 20.0


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
        "problems": problems,
        "evidence": None,
        "report": None,
    }


def run(
    stack: Stack, transport: Transport, request: Request, console: Console, break_lock: bool = False
) -> dict[str, Any]:
    """The drill from beginning to end. Its result is the JSON of DESIGN section 9, plus `checks` and `problems`."""
    started, clock = time.time(), time.monotonic()
    inventory = stack.inventory
    guests = Guests(inventory, transport)
    try:
        planned = plan(inventory, request)
        seen = look(guests)
        if inventory.hosts and len(seen.unreachable) == len(inventory.hosts):
            raise Refusal([status.nobody_there(facts.read(inventory, seen))])
    except Refusal as refusal:
        return refused(inventory, refusal.problems)

    name = name_of(started, request.how.value)
    log = journal.Journal(stack.folder / "journal" / f"{name}.jsonl", guests, name)
    steps = Steps(console, log.write)
    drill = TunnelCut(guests, planned, steps)
    log.write(
        {
            "kind": "begin",
            "command": COMMAND,
            "id": drill.identity,
            "cut": asdict(planned.cut),
            "digest": inventory.digest,
        }
    )
    problems: list[str] = []
    refusal_problems: list[str] = []
    try:
        with stoppable():
            _locked(steps, guests, drill, planned, break_lock)
            drill.run()
    except Refusal as refusal:
        refusal_problems = refusal.problems
    except journal.Locked as locked:
        refusal_problems = [str(locked)]
    except KeyboardInterrupt:
        problems.append("interrupted; what had been done was undone")
    except (Unreachable, RemoteFailed, TimeoutError, RuntimeError, OSError) as problem:
        problems.append(str(problem))
    finally:
        with unstoppable(console.say):
            problems += [f"could not be undone: {problem}" for problem in steps.undo_all()]

    result = _judge(stack, drill, steps, problems, refusal_problems)
    result["figures"]["total_seconds"] = round(time.monotonic() - clock, 1)
    if drill.findings() is not None:
        _keep(stack, drill, planned, result, name, started)
    log.write(
        {"kind": "end", "verdict": result["verdict"], "problems": result["problems"], "figures": result["figures"]}
    )
    unsent = log.close()
    if unsent:
        console.say(f"the journal is in {log.path}, but not in the store: {unsent}")
    return result


def _locked(steps: Steps, guests: Guests, drill: TunnelCut, planned: Plan, break_lock: bool) -> None:
    with steps.step("take the operation lock") as step:
        steps.undo_with("give the lock back", lambda: _unlock(guests, drill.identity))
        try:
            step.detail = journal.take_lock(guests, drill.identity, COMMAND, planned.longest_seconds, break_lock)
        except OtherGuest as other:  # where the store is, nothing of this version is: nothing was done yet
            raise Refusal([str(other)]) from None
    with steps.step("look for what an earlier drill left") as step:
        left = leftovers.clear(guests, planned.tunnel)
        step.detail = f"ended {', '.join(left)}" if left else "nothing"
    with steps.step("confirm the steady state") as step:
        step.detail = drill.steady_state(AFTERMATH_SECONDS if left else 0.0)


def _unlock(guests: Guests, identity: str) -> str | None:
    try:
        answer = json.loads(guests.store("unlock", "--id", identity))
    except OtherGuest:  # no store of this version, so no lock
        return None
    return "unlocked" if answer["unlocked"] else None


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
    clocks = {host: asdict(clock) for host, clock in drill.observers.clocks.items()}
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
        "clocks": clocks,
        "tape": tape.name,
    }
    place = stack.folder / "reports"
    place.mkdir(parents=True, exist_ok=True)
    report = page.write(place / f"{name}.html", content, found, drill.ack_times)
    result["report"] = content["report"] = str(report.resolve())
    path = stack.folder / "evidence" / f"{name}.json"
    result["evidence"] = content["evidence"] = str(path.resolve())
    evidence.write(stack.folder, name, content)
