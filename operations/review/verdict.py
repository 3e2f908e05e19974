"""Whether it may be merged, and why not. Pure."""

from collections.abc import Collection, Iterable, Iterator

from .words import Change, Combination, Judged, Op, Verdict, Violation


def judge(combinations: Iterable[Combination], accepted: Collection[str] = ()) -> Verdict:
    """`accepted`: names of resources whose data may go, on a person's word."""
    found = list(combinations)
    harm = _together((sentence, one) for one in found for sentence in _harm(one, accepted))
    blind = _together((one.not_reviewed, one) for one in found if one.not_reviewed)
    if harm:
        return Verdict(Judged.FAILED, (*harm, *blind))
    return Verdict(Judged.UNKNOWN if blind else Judged.PASSED, blind)


def _together(said: Iterable[tuple[str, Combination]]) -> tuple[str, ...]:
    """Each sentence once, after all that it is true of."""
    where: dict[str, dict[str, None]] = {}
    for sentence, one in said:
        where.setdefault(sentence, {})[one.title] = None
    return tuple(f"{', '.join(titles)}: {sentence}" for sentence, titles in where.items())


def _harm(one: Combination, accepted: Collection[str]) -> Iterator[str]:
    # A mode that base cannot be raised to either is not this change's doing.
    if one.told.problems and (one.configured or not one.base_failed):
        yield f"`up` would fail: {one.told.problems[0]}"
    elif one.anew_failed:
        yield f"the stack could not be made from nothing any more: {one.anew_failed}"
    policies: dict[str, dict[str, None]] = {}
    for violation in refusing(one):
        # One over the whole graph is said of the stack, and names its resource in words.
        over_graph = violation.type in ("", "pulumi:pulumi:Stack")
        name = violation.message.partition(":")[0] if over_graph else violation.name
        policies.setdefault(violation.policy, {})[name] = None
    for policy, names in policies.items():
        yield f"policy {policy} refuses {', '.join(names)}"
    lost = [change.name for change in losing(one) if change.name not in accepted]
    if lost and not one.moves:
        yield (
            f"data are lost with {', '.join(dict.fromkeys(lost))}: keep it (`aliases` where only a name changes), or "
            "move the data first and say so with `--accept NAME`"
        )


def refusing(one: Combination) -> list[Violation]:
    """What the policy pack does not let pass."""
    return [violation for violation in one.told.violations if violation.mandatory]


def losing(one: Combination) -> list[Change]:
    """What holds data and is deleted or replaced."""
    return [change for change in one.told.changes if change.stateful and change.op in (Op.DELETE, Op.REPLACE)]
