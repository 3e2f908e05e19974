"""From a task, what its databases answered and a person's words to steps, or to a refusal. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from twinsite.inventory import Flow
from twinsite.rules.dms_source import FRESH, RELOAD, RESUME

from . import assessment
from .actions import RUNS, Change, Connect, OnTask, ReloadTables, Start, Stop
from .answers import Answers, Row, Unasked
from .questions import SOURCE, TARGET
from .service import MOST_TABLES, Described, with_fix
from .words import Verb, Word


@dataclass(frozen=True)
class Request:
    """What was asked for, about which flow, and the words given for it."""

    verb: Verb
    flow: Flow
    tables: tuple[str, ...] = ()
    confirmed: frozenset[str] = frozenset()
    away_serves: bool = False
    """The stack's active site is the one where the data go."""
    circle: tuple[str, ...] = ()
    """Tasks that bring rows from this one's target to its source, and do not stand still."""


@dataclass(frozen=True)
class Decision:
    """Steps in their order, or what stands against them; `says` is what a person should know all the same."""

    problems: tuple[str, ...] = ()
    steps: tuple[OnTask, ...] = ()
    says: tuple[str, ...] = field(default=())


def decide(request: Request, task: Described, answers: Answers | Unasked | None) -> Decision:
    """`answers` None where the verb asks nothing."""
    problems, says = list(_state(request, task)), []
    if request.verb.loads and not problems:
        against, known = _databases(request, task, answers)
        problems, says = list(against), list(known)
    if problems:
        return Decision(tuple(problems), says=tuple(says))
    return Decision(steps=tuple(_steps(request, task)), says=tuple(says))


def _steps(request: Request, task: Described) -> Iterator[OnTask]:
    at = request.flow.name, request.flow.region
    tried = [Connect(*at, side) for side in (SOURCE, TARGET)]
    if request.verb == Verb.START:
        yield from (*tried, Start(*at, FRESH))
    elif request.verb == Verb.STOP and task.state == RUNS:
        yield Stop(*at)
    elif request.verb == Verb.RESUME and task.state != RUNS:
        yield from (*tried, Start(*at, RESUME))
    elif request.verb == Verb.MODIFY and task.state != RUNS:
        yield Change(*at)
    elif request.verb == Verb.MODIFY:
        # An endpoint that was changed is tried again before DMS starts anything.
        yield from (Stop(*at, for_change=True), Change(*at), *tried, Start(*at, RESUME))
    elif request.verb == Verb.RELOAD and request.tables:
        yield ReloadTables(*at, request.tables)
    elif request.verb == Verb.RELOAD:
        yield from (*tried, Start(*at, RELOAD))


def _state(request: Request, task: Described) -> Iterator[str]:
    verb, name = request.verb, request.flow.name
    settled = (RUNS, "stopped", "failed", "ready")
    if task.state not in settled:
        yield f"{name} is {task.state}: run this again when it is one of {', '.join(settled)}"
        return
    if verb in (Verb.RESUME, Verb.RELOAD) and request.away_serves and Word.HOME_SERVES not in request.confirmed:
        yield (
            f"the stack's active site is where {name} brings rows, so old ones would be written over those of its "
            f"users: use a task the other way, or set active_site; if {request.flow.source} serves, --confirm "
            f"{Word.HOME_SERVES}"
        )
    if request.circle and verb not in (Verb.STOP, Verb.MODIFY) and task.state != RUNS:
        yield (
            f"{', '.join(request.circle)} brings rows from {request.flow.target} to {request.flow.source}, and a row "
            "would go round for ever, or an old one win: let that task be stopped first (`twinsite dms stop`), and go "
            "away when this one stays"
        )
    if verb == Verb.START and task.state != "ready":
        why = with_fix(f"; it failed with: {task.why}") if task.state == "failed" else ""
        yield f"{name} is {task.state}, and a start would load everything again: use `twinsite dms resume`{why}"
    if verb == Verb.RESUME and task.state == "ready":
        yield f"{name} was never started, and there is nothing to resume: use `twinsite dms start`"
    if verb == Verb.RELOAD:
        yield from _reload(request, task)


def _reload(request: Request, task: Described) -> Iterator[str]:
    if task.migration_type == "cdc":
        yield f"{request.flow.name} carries changes only (cdc) and loads nothing: seed the tables natively again"
    if request.tables:
        if task.state != RUNS:
            yield f"{request.flow.name} is {task.state}, and tables are loaded while it runs: `twinsite dms resume`"
        if len(request.tables) > MOST_TABLES:
            yield f"{len(request.tables)} tables are more than DMS takes at once: name {MOST_TABLES}, then the others"
        known = {one.name for one in task.tables}
        if strange := [one for one in request.tables if one not in known]:
            yield f"{', '.join(strange)} is none of its tables: name {', '.join(sorted(known)) or 'none, it has none'}"
    elif task.state == RUNS:
        yield f"{request.flow.name} runs: stop it first (`twinsite dms stop`), or name tables with --table"
    elif task.state == "ready":
        yield f"{request.flow.name} was never started: use `twinsite dms start`"


def _databases(
    request: Request, task: Described, answers: Answers | Unasked | None
) -> tuple[Sequence[str], Sequence[str]]:
    """(what stands against it, what there is to say)."""
    said = request.confirmed
    if not isinstance(answers, Answers):
        words = answers.words if answers else "nobody asked"
        if Word.UNASKED in said:
            return [], [f"the databases were not asked ({words}): your word stands for it"]
        return [
            f"what the databases hold is not known ({words}): let them be asked, or, when you have asked them by hand, "
            f"--confirm {Word.UNASKED}"
        ], []
    answers = answers.of_tables(task.carries)
    if request.verb == Verb.RELOAD:
        against = list(assessment.loads(RELOAD, task, _only(answers, request.tables)))
        if Word.LOSE_ROWS in said:
            kept = [words for words in against if "that the target alone has" not in words]
            return kept, [f"{words}; they may go, by your word" for words in against if words not in kept]
        if not against and answers.alone is None:
            known = "rows were counted and not compared, so that others of the same number are not seen"
            return [f"{known}: let them be compared by key, then --confirm {Word.LOSE_ROWS}"], []
        return against, []
    hard = [
        *assessment.hard(request.flow.engine, task, answers, request.flow.tolerated_outage_hours),
        *assessment.loads(FRESH, task, answers),
    ]
    soft = list(assessment.soft(request.flow.engine, answers))
    if Word.LEFT_BEHIND in said:
        return hard, soft
    if soft:
        soft.append(f"if keys, types and the target's schema may be so: write --confirm {Word.LEFT_BEHIND}")
    return [*hard, *soft], []


def _only(answers: Answers, tables: Sequence[str]) -> Answers:
    """Of these tables, or of all."""
    if not tables:
        return answers

    def chosen(found: Sequence[Row]) -> list[Row]:
        return [row for row in found if f"{row.get('schema')}.{row.get('table')}" in tables]

    rows = {end: {name: chosen(found) for name, found in of.items()} for end, of in answers.rows.items()}
    alone = None if answers.alone is None else {one: rows for one, rows in answers.alone.items() if one in tables}
    return Answers(rows, alone)
