"""The doctor's answer for a person: one line a question, its fix below it; what was said above is not said again."""

import textwrap
from collections.abc import Mapping
from typing import Any

WIDTH = 100
_MARKS = {"ok": "✓", "not ok": "✗", "could not ask": "?"}


def text(found: Mapping[str, Any]) -> str:
    """Plain text of at most 100 columns."""
    if found["verdict"] == "refused":
        return "\n".join(f"✗ {problem}" for problem in found["problems"])
    lines = [
        f"{found['topology']}, {found['dr_mode']}, stack {found['stack']}: what it needs, asked for its {found['who']}"
    ]
    lines += [f"  note: {found['note']}"] if found["note"] else []
    family = ""
    said: set[tuple[str, str]] = set()
    for line in found["lines"]:
        if line["family"] != family:
            family = line["family"]
            lines.append(family)
        lines += _one(line, said)
    counts = {answer: sum(line["answer"] == answer for line in found["lines"]) for answer in _MARKS}
    lines.append(", ".join(f"{count} {answer}" for answer, count in counts.items()))
    if counts["could not ask"]:
        lines.append("what could not be asked is not known, and not counted as ok")
    return "\n".join(lines)


def _one(line: Mapping[str, Any], said: set[tuple[str, str]]) -> list[str]:
    words, fix = line["words"], line["fix"]
    if line["answer"] == "could not ask":
        words = f"could not ask: {words}"
    again = line["answer"] != "ok" and (line["words"], fix) in said
    said.add((line["words"], fix))
    head = f"  {_MARKS[line['answer']]} " + (f"{line['question']:<18} " if line["question"] else "")
    shown = _wrapped(head, words)
    return shown if not fix or again else [*shown, *_wrapped(" " * len(head) + "→ ", fix)]


def _wrapped(head: str, words: str) -> list[str]:
    # Commands are copied by people: they are never cut in their middle by a hyphen.
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def files(found: Mapping[str, Any]) -> str:
    """What `--policies` wrote."""
    if found["verdict"] == "refused":
        return "\n".join(f"✗ {problem}" for problem in found["problems"])
    return "\n".join(
        f"{one['path']}" + (f": fill in <{'>, <'.join(one['left'])}>" if one["left"] else "") for one in found["files"]
    )
