"""adopt-name: look, decide, keep what was, one batch, import, look again; what went wrong in between is taken back."""

import json
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from components.hosted_zone import HostedZone, HostedZoneError
from components.rules import adoption
from components.rules.adoption import NameFacts, RecordSet
from components.rules.traffic import CLEAR_ADDRESS

from .. import dns, web
from ..console import Console
from ..failover.program import ProgramFailed
from ..steps import Steps, iso, unstoppable
from . import project
from .project import PREVIOUS, Project, Wanted

_KINDS = ("a-", "aaaa-", "cname-")


class Zone(Protocol):
    """What is needed of components.hosted_zone.HostedZone."""

    def sets(self, fqdn: str) -> list[dict[str, Any]]: ...

    def change(self, changes: Sequence[dict[str, Any]], comment: str) -> None: ...


@dataclass
class World:
    """What the command works with; tests put their own in place of the network's."""

    project: Project
    zone: Callable[[str, str], Zone]
    """By zone id and AWS profile."""
    resolve: Callable[[str], frozenset[str]]
    status: Callable[[str], int]
    served: Callable[[str, str, str], str]
    """(name, load balancer, path) → why it is not served there; empty when it is."""


def connect(stack: str) -> World:
    """The world of a desk."""
    return World(Project(stack, pathlib.Path.cwd()), HostedZone, _resolve, lambda url: web.page(url).status, _served)


def _resolve(name: str) -> frozenset[str]:
    servers = dns.resolvers()
    try:
        return frozenset(dns.addresses(dns.ask(servers[0], name, recursive=True))) if servers else frozenset()
    except dns.NoAnswer:
        return frozenset()


def _served(name: str, balancer: str, path: str) -> str:
    # TLS verifies the certificate against the name; the path shows that the listener's rules know it.
    page = web.page(f"https://{name}{path}", name, balancer)
    if not page.status:
        return page.words
    return f"it answers {page.status} to https://{name}{path}" if page.status >= 400 else ""


@dataclass(frozen=True)
class Seen:
    """What was read."""

    facts: NameFacts
    wanted: tuple[Wanted, ...]
    zone: Zone | None
    provider: str
    kept: Mapping[str, Sequence[RecordSet]]
    """What the setting has of every adopted name."""


def look(world: World, fqdn: str) -> Seen:
    """Read everything once."""
    steps = world.project.preview()
    every = project.records(steps)
    mine = tuple(one for one in every if one.fqdn == fqdn)
    settings = world.project.settings()
    kept = json.loads(settings.get(PREVIOUS) or "{}")
    unknown = any(one.unknown for one in mine)
    if not mine or unknown:
        # Nothing more is asked: the sentence is about the program alone.
        pair: tuple[RecordSet, ...] = ({},) if mine else ()
        nothing = NameFacts(fqdn, pair, unknown, (), (), frozenset(), CLEAR_ADDRESS, {}, {})
        return Seen(nothing, mine, None, "", kept)
    zone = world.zone(str(mine[0].inputs["zoneId"]), settings.get("aws:profile", ""))
    state = world.project.state()
    latch = next((one for one in state if one.get("type") == project.LATCH), {})
    said = latch.get("outputs") or {}
    pair = tuple(adoption.wanted(one.inputs) for one in mine)
    sets = tuple(zone.sets(fqdn))
    balancer = next((one["AliasTarget"]["DNSName"] for one in pair if one.get("Failover") == "PRIMARY"), "")
    path = project.page_path(steps)
    texts = [
        one for name in (fqdn, *(kind + fqdn for kind in _KINDS)) for one in zone.sets(name) if one["Type"] == "TXT"
    ]
    facts = NameFacts(
        fqdn=fqdn,
        pair=pair,
        unknown=False,
        sets=sets,
        texts=tuple(texts),
        witness=world.resolve(str(said.get("witness_name", ""))),
        witness_clear=CLEAR_ADDRESS,
        latch={str(url): world.status(str(url)) for url in said.get("urls") or ("the latch (not in the state)",)},
        pages={name: world.served(name, balancer, path) for name in sorted({one.fqdn for one in every})},
    )
    provider = next((str(one["provider"]) for one in state if one.get("type") == project.RECORD), "")
    return Seen(facts, mine, zone, provider, kept)


def run(world: World, fqdn: str, console: Console, only_plan: bool, folder: pathlib.Path) -> dict[str, Any]:
    """The command's JSON."""
    fqdn = fqdn.rstrip(".").lower()
    result: dict[str, Any] = {"command": "adopt-name", "name": fqdn, "verdict": "refused", "figures": {}, "steps": [],
                              "plan": [], "problems": [], "next": [], "evidence": None, "report": None}  # fmt: skip
    try:
        seen = look(world, fqdn)
    except (ProgramFailed, HostedZoneError, ValueError) as problem:
        return result | {"problems": [str(problem)]}
    if seen.wanted and all(one.change == "same" for one in seen.wanted):
        return result | {"verdict": "passed", "next": [f"{fqdn} is adopted already: nothing to do"]}
    result["problems"] = adoption.adoption_problems(seen.facts)
    if result["problems"] or seen.zone is None:
        return result
    gone, made = adoption.replaced(seen.facts), adoption.missing(seen.facts)
    result["plan"] = [*(f"- {words(one)}" for one in gone), *(f"+ {words(one)}" for one in made)]
    if only_plan:
        return result | {"verdict": "passed", "next": [f"`twinsite adopt-name {fqdn}` does it"]}
    return result | _act(world, seen, seen.zone, gone, made, console, folder)


def _act(
    world: World,
    seen: Seen,
    zone: Zone,
    gone: Sequence[RecordSet],
    made: Sequence[RecordSet],
    console: Console,
    folder: pathlib.Path,
) -> dict[str, Any]:
    """`gone` gives way to `made`. Neither, when an earlier run was killed after its batch: then what is kept is old."""
    fqdn, wanted = seen.facts.fqdn, [one for one in seen.wanted if one.change != "same"]
    old = list(gone or seen.kept.get(fqdn, ()))
    # What the state has already is not ours to take back.
    new = list(made) or [adoption.wanted(one.inputs) for one in wanted]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"adopt-{fqdn}.jsonl"

    def journal(entry: Mapping[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": iso(time.time()), **entry}) + "\n")

    journal({"kind": "before", "name": fqdn, "sets": old, "made": new})
    steps = Steps(console, journal)
    problems: list[str] = []
    try:
        with steps.step(f"keep what {fqdn} was (setting {PREVIOUS})"):
            if old:
                world.project.keep({**seen.kept, fqdn: old})
        if old:
            steps.undo_with(f"put the records of {fqdn} back", lambda: _back(zone, old, new, world, seen))
        if gone or made:
            with steps.step("replace its records in one batch") as step:
                zone.change(adoption.batch(gone, made), f"twinsite adopt-name {fqdn}")
                step.detail = f"{len(gone)} gone, {len(made)} there"
        for one in wanted:
            steps.undo_with(f"forget {one.identity}", lambda urn=one.urn: _forget(world, urn))  # type: ignore[misc]
        with steps.step("import them into the stack"):
            world.project.take(wanted, seen.provider)
        with steps.step("look whether the program wants nothing else of them"):
            _require_same(world, {one.urn for one in seen.wanted})
    except (ProgramFailed, HostedZoneError, KeyboardInterrupt) as problem:
        problems.append(str(problem) or "interrupted")
        with unstoppable(console.say):
            problems += steps.undo_all()
    return {
        "verdict": "failed" if problems else "passed",
        "problems": problems,
        "steps": [vars(step) for step in steps.done],
        "evidence": str(path),
        "next": [] if problems else [f"keep the stack file: {PREVIOUS} is in it", "`pulumi up` makes what is left"],
    }


def _require_same(world: World, urns: set[str]) -> None:
    steps = world.project.preview()
    wrong = [
        f"{step['urn'].rpartition('::')[2]}: {step['op']}"
        for step in steps
        if step["urn"] in urns and step["op"] != "same"
    ]
    gone = [f"{step['urn'].rpartition('::')[2]}: {step['op']}" for step in steps if step["op"] in ("delete", "replace")]
    if wrong or gone:
        raise ProgramFailed(f"after the import `pulumi preview` still wants changes: {', '.join([*wrong, *gone])}")


def _back(zone: Zone, old: Sequence[RecordSet], new: Sequence[RecordSet], world: World, seen: Seen) -> str | None:
    fqdn = seen.facts.fqdn
    now = zone.sets(fqdn)
    there = [one for one in new if any(adoption.same(one, other) for other in now)]
    if there:
        zone.change(adoption.batch(there, old), f"twinsite adopt-name {fqdn}: taken back")
    world.project.keep({name: list(sets) for name, sets in seen.kept.items() if name != fqdn})
    return "as they were" if there else None


def _forget(world: World, urn: str) -> str | None:
    if not any(one["urn"] == urn for one in world.project.state()):
        return None
    world.project.forget(urn)
    return "out of the state"


def words(one: RecordSet) -> str:
    """A record set in one line."""
    target = one.get("AliasTarget")
    leads = (
        f"alias {target['DNSName']}" if target else " ".join(str(value["Value"]) for value in one["ResourceRecords"])
    )
    role = f" {one['Failover']}" if one.get("Failover") else ""
    ttl = f" TTL {one['TTL']}" if one.get("TTL") is not None else ""
    return f"{str(one['Name']).rstrip('.')} {one['Type']}{role} {leads}{ttl}"
