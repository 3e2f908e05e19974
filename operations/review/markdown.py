"""A review as one comment of a pull request. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from .verdict import losing, refusing
from .words import Change, Combination, Delta, Judged, Op, Property, Review, Violation

MARK = "<!-- twinsite review -->"
"""By which the comment is found again, to be updated."""
LONGEST = 60_000
"""Characters; GitHub takes 65,536 in a comment."""
ROWS = 12
"""Of a table, before the rest is folded."""
REASONS = 8
SENTENCE = 700
"""Characters of what a program, a hook or a provider says."""
PROPERTIES = 4
_HEAD = {
    Judged.PASSED: "✅ **May be merged.**",
    Judged.FAILED: "❌ **Must not be merged.**",
    Judged.UNKNOWN: "⚠️ **Could not be reviewed.**",
}


def markdown(review: Review) -> str:
    """The comment. Where nothing changed it says so in one line."""
    said = [one for one in review.combinations if not one.silent]
    lines = [MARK, f"{_HEAD[review.verdict.judged]} {_summary(review, said)}".rstrip()]
    reasons = [f"- {_short(_escaped(reason))}" for reason in review.verdict.reasons]
    lines += [""] if reasons else []
    lines += [*reasons[:REASONS], *_folded(f"{len(reasons) - REASONS} more", reasons[REASONS:])]
    if said:
        lines += ["", *_modes(review.combinations), *_causes(said), *_stacks(said), *_policies(said), *_evidence(said)]
    notes = [f"- {_escaped(note)}" for note in review.notes]
    lines += [
        "",
        f"<sub>{review.base} → {review.head}; {review.ground}.</sub>",
        *_folded("What this does not show", notes),
    ]
    text = "\n".join(lines) + "\n"
    return text if len(text) <= LONGEST else text[:LONGEST] + "\n\n… cut here; `twinsite review --json` has the rest.\n"


def _summary(review: Review, said: Sequence[Combination]) -> str:
    if not said:
        titles = ", ".join(f"`{one.title}`" for one in review.combinations) or "no stack"
        return f"Nothing changes in {titles}."
    parts = []
    for one in said:
        if (one.configured or one.moves) and (counts := _counts(one.told.changes)):
            parts.append(f"`{one.title}`: {counts}")
    for one in said:
        if lost := dict.fromkeys(f"`{change.name}`" for change in losing(one)):
            where = "" if one.configured else f" in `{one.title}`"
            parts.append(f"**data go with {', '.join(lost)}**{where}")
    if kept := list(dict.fromkeys(words for one in said for words in one.shorter)):
        parts.append(f"**kept for a shorter time**: {_escaped('; '.join(kept))}")
    others = ", ".join(f"`{one.title}`" for one in said if one.told.changes)
    if not parts and others:
        parts.append(f"What is configured does not change, {others} would")
    return "; ".join(parts) + "." if parts else ""


def _counts(changes: Iterable[Change]) -> str:
    ops = [change.op for change in changes]
    return ", ".join(
        f"{ops.count(op)} {_bold(op)}" for op in (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE) if op in ops
    )


def _bold(op: Op) -> str:
    return f"**{op.value}**" if op in (Op.REPLACE, Op.DELETE) else op.value


def _modes(combinations: Sequence[Combination]) -> Iterator[str]:
    """Every stack and mode, changed or not: the other modes are what somebody raises it to at night."""
    yield "| stack | mode | changes | resources | cost per month | RTO | RPO | policies |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in combinations:
        mode = f"{one.was} → {one.mode}" if one.moves else one.mode or "–"
        mode = f"**{mode}**" if one.configured else mode
        refused = len(refusing(one))
        known = one.told.finished and not one.told.problems and not one.not_reviewed
        yield _row(
            f"`{one.stack}`",
            mode,
            ("new: " if not one.known_before else "") + (_counts(one.told.changes) or ("none" if known else "–")),
            _figure(one.resources, _plain),
            _figure(one.cost_usd_month, _money),
            _figure(one.rto_seconds, _time),
            _figure(one.rpo_seconds, _time),
            "not judged" if not known else f"**{refused} refuse**" if refused else "pass",
        )
    if any(one.configured for one in combinations):
        yield ""
        yield "<sub>Bold: what the next `pulumi up` of the stack does.</sub>"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(delta: Delta, show: "type[_Show]") -> str:
    before, after = show.text(delta.before), show.text(delta.after)
    words = [f"unknown: {', '.join(delta.unknown)}"] if delta.unknown else []
    words += ["partly remembered"] if delta.remembered else []
    after = f"≥ {after}" if delta.unknown else after
    weak = f" <sub>{_escaped('; '.join(words))}</sub>" if words else ""
    if delta.before is None or delta.before == delta.after:
        return after + weak
    return f"{before} → **{after}**{weak}" if delta.after is not None else f"{before} → not known"


class _Show:
    """How a figure is written."""

    @staticmethod
    def text(value: float | None) -> str:
        """ "–" where nobody knows it."""
        return "–" if value is None else f"{value:g}"


class _Money(_Show):
    @staticmethod
    def text(value: float | None) -> str:
        return "–" if value is None else f"${value:,.2f}"


class _Time(_Show):
    @staticmethod
    def text(value: float | None) -> str:
        if value is None:
            return "–"
        seconds = round(value)
        if seconds < 120:
            return f"{seconds} s"
        if seconds < 7200:
            return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")
        minutes = round(seconds / 60)
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


_plain, _money, _time = _Show, _Money, _Time


def _causes(said: Sequence[Combination]) -> Iterator[str]:
    """Why a figure moved."""
    lines = dict.fromkeys(
        f"- `{one.title}` {name}: {_escaped(cause)}"
        for one in said
        for name, delta in (("cost", one.cost_usd_month), ("RTO", one.rto_seconds), ("RPO", one.rpo_seconds))
        for cause in delta.because
    )
    if lines:
        yield from ("", "What moved the figures:", *_cut(list(lines)))


def _stacks(said: Sequence[Combination]) -> Iterator[str]:
    """Changes by stack; modes in which the same happens are one heading."""
    alike: dict[tuple[str, tuple[Change, ...]], list[Combination]] = {}
    for one in said:
        if one.told.changes and one.known_before:
            alike.setdefault((one.stack, one.told.changes), []).append(one)
        elif one.told.changes:
            yield from ("", f"**`{one.title}`** is new: {_counts(one.told.changes)}.")
    for (stack, changes), ones in alike.items():
        modes = ", ".join(one.title.removeprefix(stack).strip() for one in ones)
        yield from ("", f"### `{stack}` {modes}".rstrip(), "")
        if ones[0].renamed:
            yield (
                f"{ones[0].renamed} of these look renamed: deleted, and created with the same type. With `aliases` "
                "(`pulumi.ResourceOptions(aliases=[pulumi.Alias(name=OLD)])`) they stay what they are."
            )
            yield ""
        yield from _table([_change(change) for change in changes])


def _change(change: Change) -> str:
    what = f"`{change.type}` {change.name}"
    if change.stateful:
        what = f"**{what}** (data)" if change.op in (Op.DELETE, Op.REPLACE) else f"{what} (data)"
    forcing = [one for one in change.properties if one.forces]
    shown = forcing + [one for one in change.properties if not one.forces]
    words = [_property(one) for one in shown[:PROPERTIES]]
    if change.op == Op.REPLACE and not forcing:
        words.append("replaced with what it depends on")
    if len(shown) > PROPERTIES:
        words.append(f"and {len(shown) - PROPERTIES} more")
    return _row(_bold(change.op), _cell(what), "<br>".join(words))


def _property(one: Property) -> str:
    value = f": {_code(one.old)} → {_code(one.new)}" if one.old or one.new else " differs"
    return f"`{one.path}`{value}" + (" **forces it**" if one.forces else "")


def _table(rows: Sequence[str]) -> Iterator[str]:
    head = ["| | resource | what |", "|---|---|---|"]
    yield from (*head, *rows[:ROWS])
    if rows[ROWS:]:
        yield from ("", *_folded(f"{len(rows) - ROWS} more", [*head, *rows[ROWS:]]))


def _policies(said: Sequence[Combination]) -> Iterator[str]:
    """By policy: its reason once, then each resource with where."""
    found: dict[str, dict[tuple[str, ...], tuple[Violation, list[str]]]] = {}
    for one in said:
        for violation in one.told.violations:
            alike = found.setdefault(violation.policy, {})
            alike.setdefault((*violation.key, _since(violation)), (violation, []))[1].append(f"`{one.title}`")
    if not found:
        return
    yield from ("", "### Policies", "")
    lines = []
    for policy, ones in found.items():
        first = next(iter(ones.values()))[0]
        about = ", ".join(word for word in (first.severity, "" if first.mandatory else "advice") if word)
        lines.append(f"- **{policy}** ({about}) <sub>{_escaped(first.why)}</sub>")
        lines += [
            f"  - {_escaped(violation.message)} ({', '.join(titles)}; {_since(violation)})"
            for violation, titles in ones.values()
        ]
    yield from _cut(lines)


def _since(violation: Violation) -> str:
    return "was there before" if violation.before else "new, in what is made anew" if violation.anew else "new"


def _evidence(said: Sequence[Combination]) -> Iterator[str]:
    stale = [one for one in said if one.stale]
    if stale:
        yield from ("", "### Evidence that goes stale", "")
        for one in stale:
            old, new = (digest or "none" for digest in one.digests)
            when = "with the next `up`" if one.configured or one.moves else "in this mode"
            yield f"- `{one.title}`, {when}: bound to `{old}`, and the stack becomes `{new}`: run its drills again."


def _short(text: str) -> str:
    return text if len(text) <= SENTENCE else f"{text[:SENTENCE]}…"


def _cut(lines: Sequence[str]) -> list[str]:
    return [*lines[:ROWS], *_folded(f"{len(lines) - ROWS} more", lines[ROWS:])]


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return ["", "<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"] if lines else []


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39)).replace('|', '¦')}`" if text else "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _escaped(text: str) -> str:
    """Words that somebody else wrote: no tags, no mentions, one line."""
    plain = " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("@", "@\u200b")
