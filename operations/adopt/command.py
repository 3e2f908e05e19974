"""adopt-name: look, decide, keep what was, one batch, import, look again; what went wrong in between is taken back."""

import json
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from twinsite.hosted_zone import HostedZone, HostedZoneError
from twinsite.rules import adoption
from twinsite.rules.adoption import NameFacts, RecordSet
from twinsite.rules.traffic import CLEAR_ADDRESS

from .. import chain, dns, web
from ..console import Console
from ..journal.document import Journal, begin, name_of
from ..journal.keepers import OnDisk
from ..journal.process import me
from ..moves.program import ProgramFailed
from ..steps import Outcome, Say, Step, Steps, control_plane, data_plane, unstoppable
from . import project
from .project import PREVIOUS, Project, Wanted

_KINDS = ("a-", "aaaa-", "cname-")


class Zone(Protocol):
    """What is needed of twinsite.hosted_zone.HostedZone."""

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
class Survey:
    """What was read."""

    facts: NameFacts
    wanted: tuple[Wanted, ...]
    zone: Zone | None
    provider: str
    kept: Mapping[str, Sequence[RecordSet]]
    """What the setting has of every adopted name."""


def survey(world: World, fqdn: str) -> Survey:
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
        others = tuple(sorted({one.fqdn for one in every}))
        nothing = NameFacts(fqdn, pair, unknown, (), (), frozenset(), CLEAR_ADDRESS, {}, {}, others)
        return Survey(nothing, mine, None, "", kept)
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
    return Survey(facts, mine, zone, provider, kept)


def run(
    world: World,
    fqdn: str,
    console: Console,
    only_plan: bool,
    folder: pathlib.Path,
    tell: chain.Planned = chain.unasked,
) -> dict[str, Any]:
    """The command's JSON. `tell` is told the plan before its first step."""
    fqdn = fqdn.rstrip(".").lower()
    result: dict[str, Any] = {"command": "adopt-name", "name": fqdn, "verdict": "refused", "figures": {}, "steps": [],
                              "plan": [], "problems": [], "next": [], "evidence": None, "report": None}  # fmt: skip
    try:
        seen = survey(world, fqdn)
    except (ProgramFailed, HostedZoneError, ValueError) as problem:
        return result | {"problems": [str(problem)]}
    if seen.wanted and all(one.change == "same" for one in seen.wanted):
        return result | {"verdict": "passed", "next": [f"{fqdn} is adopted already: nothing to do"]}
    result["problems"] = adoption.adoption_problems(seen.facts)
    if result["problems"] or seen.zone is None:
        return result
    gone, made = adoption.replaced(seen.facts), adoption.missing(seen.facts)
    result["plan"] = [*(f"- {words(one)}" for one in gone), *(f"+ {words(one)}" for one in made)]
    try:
        tell([{"title": change} for change in result["plan"]], {})
    except chain.NotApproved as problem:
        return result | {"problems": [str(problem)]}
    if only_plan:
        return result | {"verdict": "passed", "next": [f"`twinsite adopt-name {fqdn}` does it"]}
    return result | _act(world, seen, seen.zone, gone, made, console, folder)


def _act(
    world: World,
    seen: Survey,
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
    before = {"name": fqdn, "sets": old, "made": new}
    identity = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-adopt-{fqdn}"
    log = Journal(begin("adopt-name", me("adopt-name"), identity, **before), OnDisk(folder))
    log.decide({})
    steps = Steps(console, log)
    work = Work(world, zone, seen, old, new)
    problems: list[str] = []
    try:
        steps.run(KeepWhatWas(fqdn, bool(old)), work)
        if gone or made:
            steps.run(Replace(fqdn, tuple(gone), tuple(made)), work)
        steps.run(Import(fqdn, tuple(wanted)), work)
        steps.run(LookAgain(fqdn), work)
    except (ProgramFailed, HostedZoneError, KeyboardInterrupt) as problem:
        problems.append(str(problem) or "interrupted")
        with unstoppable(console.say):
            problems += steps.undo_all()
    verdict = "failed" if problems else "passed"
    log.close(verdict)
    return {
        "verdict": verdict,
        "problems": problems,
        "steps": [asdict(step) for step in steps.done],
        "evidence": str(folder / name_of(log.id)),
        "next": [] if problems else [f"keep the stack file: {PREVIOUS} is in it", "`pulumi up` makes what is left"],
    }


@dataclass(frozen=True)
class Work:
    """What the steps share."""

    world: World
    zone: Zone
    seen: Survey
    old: Sequence[RecordSet]
    new: Sequence[RecordSet]


_ZONE = control_plane("the zone's records, changed with this desk's identity")
_STATE = control_plane("Pulumi's state")


@dataclass(frozen=True)
class KeepWhatWas(Step[Work]):
    """Before anything goes: what a person puts back on the day on which the pair goes."""

    fqdn: str
    holds: bool
    name = "keep-what-was"
    needs = "the stack file can be written"
    planes = (data_plane("the stack file on this desk"),)

    @property
    def title(self) -> str:
        return f"keep what {self.fqdn} was (setting {PREVIOUS})"

    @property
    def back(self) -> str:
        return f"put the records of {self.fqdn} back" if self.holds else ""

    @property
    def undo(self) -> str:
        return self.back or "none"

    def do(self, hands: Work, choices: Mapping[str, str], say: Say) -> Outcome:
        if hands.old:
            hands.world.project.keep({**hands.seen.kept, self.fqdn: list(hands.old)})
        return Outcome()

    def take_back(self, hands: Work) -> str | None:
        return _back(hands.zone, hands.old, hands.new, hands.world, hands.seen)


@dataclass(frozen=True)
class Replace(Step[Work]):
    """At no moment is the name without records."""

    fqdn: str
    gone: tuple[RecordSet, ...]
    made: tuple[RecordSet, ...]
    name = "replace-records"
    title = "replace its records in one batch"
    needs = "what was is kept"
    planes = (_ZONE,)
    undo = "put the old ones back, in one batch"

    def do(self, hands: Work, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.zone.change(adoption.batch(self.gone, self.made), f"twinsite adopt-name {self.fqdn}")
        return Outcome(f"{len(self.gone)} gone, {len(self.made)} there")


@dataclass(frozen=True)
class Import(Step[Work]):
    """The stack takes them for its own."""

    fqdn: str
    wanted: tuple[Wanted, ...]
    name = "import-records"
    title = "import them into the stack"
    needs = "they are there"
    planes = (_STATE, _ZONE)

    @property
    def back(self) -> str:
        return f"forget {', '.join(one.identity for one in self.wanted)}" if self.wanted else ""

    @property
    def undo(self) -> str:
        return self.back or "none"

    def do(self, hands: Work, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.world.project.take(list(self.wanted), hands.seen.provider)
        return Outcome()

    def take_back(self, hands: Work) -> str | None:
        there = {one["urn"] for one in hands.world.project.state()}
        forgotten = [one.urn for one in reversed(self.wanted) if one.urn in there]
        for urn in forgotten:
            hands.world.project.forget(urn)
        return "out of the state" if forgotten else None


@dataclass(frozen=True)
class LookAgain(Step[Work]):
    """The next `up` must not want them otherwise."""

    fqdn: str
    name = "look-again"
    title = "look whether the program wants nothing else of them"
    needs = "they are imported"
    planes = (_STATE,)

    def do(self, hands: Work, choices: Mapping[str, str], say: Say) -> Outcome:
        _require_same(hands.world, {one.urn for one in hands.seen.wanted})
        return Outcome()


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


def _back(zone: Zone, old: Sequence[RecordSet], new: Sequence[RecordSet], world: World, seen: Survey) -> str | None:
    fqdn = seen.facts.fqdn
    now = zone.sets(fqdn)
    there = [one for one in new if any(adoption.same(one, other) for other in now)]
    if there:
        zone.change(adoption.batch(there, old), f"twinsite adopt-name {fqdn}: taken back")
    world.project.keep({name: list(sets) for name, sets in seen.kept.items() if name != fqdn})
    return "as they were" if there else None


def words(one: RecordSet) -> str:
    """A record set in one line."""
    target = one.get("AliasTarget")
    leads = (
        f"alias {target['DNSName']}" if target else " ".join(str(value["Value"]) for value in one["ResourceRecords"])
    )
    role = f" {one['Failover']}" if one.get("Failover") else ""
    ttl = f" TTL {one['TTL']}" if one.get("TTL") is not None else ""
    return f"{str(one['Name']).rstrip('.')} {one['Type']}{role} {leads}{ttl}"
