"""`twinsite review`: reads both trees, runs every stack and mode, some at once, and judges."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from . import trees, verdict
from .compare import compare
from .recorded import Ran, Recorder
from .rooms import Rooms, packages
from .settings import StackFile, environment, python, read
from .trees import CannotReview, Tree
from .warm import warmed
from .words import Combination, Review, Violation

AT_ONCE = (os.cpu_count() or 2) + 1
"""Rooms in which the engine works at the same time: each has one busy process, which sometimes waits for another."""


@dataclass(frozen=True)
class Asked:
    """What a person wants to be reviewed."""

    project: Path
    stand_ins: Path
    pulumi: str
    base: str = ""
    stacks: tuple[str, ...] = ()
    """None named: all that have a file."""
    fill: bool = False
    accepted: tuple[str, ...] = ()
    policy_config: str = ""
    kept: Path | None = None
    """Where base is kept; None: the cache."""


@dataclass(frozen=True)
class _Work:
    """One combination, with the files that it is made of."""

    given: Combination
    before: StackFile | None
    after: StackFile


@dataclass(frozen=True)
class _Sides:
    """What all combinations have in common."""

    recorder: Recorder
    base: Tree
    head: Tree
    same_code: bool


def recorded(asked: Asked, say: Callable[[str], None]) -> Review:
    """The review on stand-ins. CannotReview with the sentence."""
    kept = asked.kept or trees.cache()
    trees.prune(kept)
    head, base = trees.head(asked.project), trees.base(asked.project, asked.base, kept)
    stacks = [one for one in head.stacks if not asked.stacks or one in asked.stacks]
    if missing := sorted(set(asked.stacks) - set(head.stacks)):
        raise CannotReview(
            f"there is no Pulumi.{missing[0]}.yaml; stacks with a file: {', '.join(head.stacks) or 'none'}"
        )
    if not stacks:
        raise CannotReview(f"{asked.project} has no Pulumi.STACK.yaml: `pulumi stack init` makes one")
    virtualenv = environment(asked.project)
    with (
        tempfile.TemporaryDirectory(prefix="twinsite-review-") as room,
        _warmed(virtualenv, Path(room), kept) as warm,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        made = Rooms(asked.stand_ins, asked.pulumi, virtualenv, kept, Path(room), warm)
        recorder = Recorder(made, kept, asked.policy_config)
        common = [one for one in stacks if one in base.stacks]
        known = pool.map(lambda one: _before(base, one, python(head), asked.fill, kept), common)
        before = dict(zip(common, known, strict=True))
        same = trees.same_code(base, head)
        like = base if same else None  # whose program has just said it
        said = pool.map(lambda one: read(head, one, python(head), asked.fill, kept, like), stacks)
        after = dict(zip(stacks, said, strict=True))
        works = [work for one in stacks for work in combinations(before.get(one), after[one])]
        sides = _Sides(recorder, base, head, same)
        found = list(pool.map(lambda work: _timed(sides, work, say), works))
    return Review(
        base=base.title,
        head=head.title,
        ground="recorded by stand-ins, without an account",
        combinations=tuple(found),
        verdict=verdict.judge(found, asked.accepted),
        notes=tuple(_notes(head, base, stacks, list(after.values()))),
    )


def _warmed(virtualenv: Path | None, room: Path, kept: Path) -> AbstractContextManager[Path | None]:
    """One interpreter for all programs. None where the system's Python runs them."""
    if virtualenv is None:
        return nullcontext()
    known = hashlib.sha256("\n".join(packages(virtualenv)).encode()).hexdigest()[:24]
    return warmed(virtualenv, room / "warm", kept / "imported" / known)


def _before(tree: Tree, stack: str, interpreter: Path, fill: bool, kept: Path) -> StackFile | None:
    """None when base's own program cannot say what it is: then there is nothing to compare with."""
    try:
        return read(tree, stack, interpreter, fill, kept)
    except CannotReview:
        return None


def combinations(before: StackFile | None, after: StackFile) -> Iterator[_Work]:
    """Every mode that head offers, and the way from base's configured mode to head's. Pure."""
    moved = before is not None and before.mode != after.mode
    if moved and before is not None:
        given = Combination(after.name, after.mode, was=before.mode, configured=True)
        yield _Work(given, before, after)
    for mode in after.modes or (after.mode,):
        if moved and mode == after.mode:
            continue
        # A base from before the modes could be asked for has the configured one.
        has = before is not None and mode in (before.modes or (before.mode,))
        given = Combination(after.name, mode, configured=mode == after.mode)
        yield _Work(given, before if has else None, after)


def _timed(sides: _Sides, work: _Work, say: Callable[[str], None]) -> Combination:
    began = time.monotonic()
    try:
        found = _one(sides, work)
    except CannotReview as problem:
        found = replace(work.given, not_reviewed=str(problem))
    say(f"{found.title}: {time.monotonic() - began:.1f} s")
    return found


def _one(sides: _Sides, work: _Work) -> Combination:
    """Head onto base's state is what the next `up` does; head from nothing shows what a state of before hides (a value
    that is ignored once it is set), and is what the next review of what is merged begins with."""
    recorder, given, was = sides.recorder, work.given, work.before
    before = recorder.anew(sides.base, was, given.was or given.mode) if was else None
    if before is not None and before.snapshot is None:
        given = replace(given, base_failed=before.not_reviewed or "; ".join(before.told.problems))
        before = None
    if before is None or was is None:
        ran = anew = recorder.anew(sides.head, work.after, given.mode)
    else:
        ran = recorder.onto(before, was, sides.head, work.after, given.mode)
        if ran.same_as(before) and (sides.same_code or not ran.asked.hooked):
            recorder.adopt(before, sides.head, work.after, given.mode)
            anew = before
        else:
            anew = recorder.anew(sides.head, work.after, given.mode)
    violations, had = _judged(recorder, before, ran, anew)
    told = replace(ran.told, violations=violations)
    found = compare(given, told, before.snapshot if before else None, ran.snapshot, had)
    failed = "" if ran is anew or anew.snapshot else "; ".join(anew.told.problems)
    return replace(found, not_reviewed=ran.not_reviewed or anew.not_reviewed, anew_failed=failed)


def _judged(
    recorder: Recorder, before: Ran | None, ran: Ran, anew: Ran
) -> tuple[tuple[Violation, ...], tuple[Violation, ...]]:
    """What the policies say of head, and what they said of base where that matters."""
    if before is not None and ran.same_as(before):
        had = recorder.judge(before).violations  # the same things, asked for in the same words
        return had, had
    violations = list(recorder.judge(ran).violations) if ran.snapshot else []
    if ran is not anew and anew.snapshot:
        fresh = recorder.judge(anew).violations
        known = {one.key for one in violations}
        violations += [replace(one, anew=True) for one in fresh if one.key not in known]
    return tuple(violations), recorder.judge(before).violations if before and violations else ()


def _notes(head: Tree, base: Tree, stacks: Sequence[str], files: Sequence[StackFile]) -> Iterator[str]:
    for one in files:
        if one.filled:
            yield f"Pulumi.{one.name}.yaml lacks {', '.join(one.filled)}: the topology's example stands in for them."
        for note in one.notes:
            yield f"Pulumi.{one.name}.yaml {note}."
        if secrets := [key for key in one.secrets if key.removeprefix(f"{one.project}:") not in one.filled]:
            yield f"Pulumi.{one.name}.yaml: no secret is read ({len(secrets)} are): a new value of one is not seen."
    if gone := sorted(set(base.stacks) - set(head.stacks)):
        yield f"{', '.join(gone)}: the stack's file is gone; what it has made stays until `pulumi destroy`."
    yield (
        "Base is what its program makes from nothing, not what is up: drift, and what older versions left, only "
        "`pulumi preview` with credentials shows. Values that a provider computes, quotas, rights and prices of your "
        "contract are not known here. `gate` is read as handover: nothing answers that could be waited for."
    )
    if _requirements(head) != _requirements(base):
        yield "requirements.txt differs: base was run with head's packages."


def _requirements(tree: Tree) -> bytes:
    file = tree.folder / "requirements.txt"
    return file.read_bytes() if file.exists() else b""


def find_pulumi() -> str:
    """The CLI on PATH. CannotReview without one."""
    found = shutil.which("pulumi")
    if found is None:
        raise CannotReview("there is no `pulumi` on PATH: install Pulumi's CLI")
    return found
