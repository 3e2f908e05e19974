"""The engine's events (`pulumi up --json`, `policy analyze --json`) and states, as values. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .stateful import holds_data
from .words import Change, Op, Property, Snapshot, Told, Violation

SHORT = 48
"""Characters of a value that a reader is shown."""

_OPS = {
    "create": Op.CREATE,
    "import": Op.CREATE,
    "update": Op.UPDATE,
    "replace": Op.REPLACE,
    "import-replacement": Op.REPLACE,
    "delete": Op.DELETE,
}
"""The engine's words; what is not here is another step of one of these (`create-replacement`) or changes nothing."""

_AFTER = ("update failed", "preview failed", "resource registration failed")
"""What the engine says of a stack after it has said why."""


def read(lines: Iterable[str]) -> Told:
    """Of a run's standard output, a JSON object a line; other lines are passed over."""
    changes: dict[str, Change] = {}
    violations: dict[Violation, None] = {}
    problems: dict[str, None] = {}
    finished = False
    for event in _events(lines):
        if step := event.get("resourcePreEvent"):
            change = _change(step["metadata"])
            known = changes.get(change.urn) if change else None
            if change and (known is None or known.op != Op.REPLACE):
                changes[change.urn] = change
        elif said := event.get("policyEvent"):
            violations[_violation(said)] = None
        elif said := event.get("diagnosticEvent"):
            if said.get("severity") == "error" and (sentence := _sentence(said)):
                problems[sentence] = None
        elif event.get("summaryEvent"):
            finished = True
    return Told(tuple(changes.values()), tuple(violations), tuple(problems), finished)


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found


def parts(urn: str) -> tuple[str, str]:
    """(type, name) of a URN."""
    fields = urn.split("::", 3)
    if len(fields) < 4:
        return "", urn
    return fields[2].rpartition("$")[2], fields[3]


def _change(metadata: Mapping[str, Any]) -> Change | None:
    op = _OPS.get(metadata["op"])
    kind, name = parts(metadata["urn"])
    if op is None or kind == "pulumi:pulumi:Stack":
        return None
    found = () if op in (Op.CREATE, Op.DELETE) else tuple(_properties(metadata))
    if kind.startswith("pulumi:providers:") and not found:
        return None
    return Change(op, kind, name, metadata["urn"], holds_data(kind), found)


def _properties(metadata: Mapping[str, Any]) -> Iterator[Property]:
    old = (metadata.get("old") or {}).get("inputs") or {}
    new = (metadata.get("new") or {}).get("inputs") or {}
    detailed: Mapping[str, Mapping[str, Any]] = metadata.get("detailedDiff") or {}
    keys = set(metadata.get("keys") or ())
    forcing = {_first(path) for path, one in detailed.items() if "replace" in str(one.get("diffKind"))} | keys
    shown = set()
    for path, before, after in differences(old, new):
        shown.add(_first(path))
        yield Property(path, *_texts(before, after), _first(path) in forcing)
    for key in sorted(({_first(path) for path in detailed} | set(metadata.get("diffs") or ()) | keys) - shown):
        yield Property(key, forces=key in forcing)


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


_NOTHING = object()
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_FILES = ("c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7")
"""How the engine marks assets and archives."""


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, before, after) of each value that differs; a list counts as one value unless its length stays."""
    if _asset(old) or _asset(new):
        if old != new:
            yield path, old, new
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if key != "__defaults":
                below = f"{path}.{key}" if path else str(key)
                yield from differences(old.get(key, _NOTHING), new.get(key, _NOTHING), below)
    elif _lists(old, new) and len(old) == len(new):
        for at, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, f"{path}[{at}]")
    elif old is not new and old != new:
        yield path, old, new


def _asset(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(_SIGNATURE) in _FILES


def _lists(old: Any, new: Any) -> bool:
    return all(isinstance(one, Sequence) and not isinstance(one, str) for one in (old, new))


def _texts(old: Any, new: Any) -> tuple[str, str]:
    """Both as a reader sees them; of long ones the place where they begin to differ."""
    before, after = _text(old), _text(new)
    if max(len(before), len(after)) <= SHORT:
        return before or "none", after or "none"
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    start = max(0, same - SHORT // 4)
    return _window(before, start), _window(after, start)


def _window(text: str, start: int) -> str:
    head, tail = "…" if start else "", "…" if len(text) > start + SHORT else ""
    return f"{head}{text[start : start + SHORT]}{tail}" if text else "none"


def _text(value: Any) -> str:
    if value is _NOTHING or value is None:
        return ""
    if _asset(value):
        return f"content {str(value.get('hash'))[:8]}"
    if isinstance(value, str):
        return " ".join(value.split())
    return json.dumps(value, ensure_ascii=False)


def _violation(said: Mapping[str, Any]) -> Violation:
    kind, name = parts(str(said.get("resourceUrn") or ""))
    why, _, message = str(said.get("message", "")).rpartition("\n")
    return Violation(
        policy=str(said.get("policyName")),
        type=kind,
        name=name,
        message=message.strip(),
        why=why.strip(),
        severity=str(said.get("severity") or ""),
        mandatory=said.get("enforcementLevel") == "mandatory",
    )


def _sentence(said: Mapping[str, Any]) -> str:
    text = re.sub(r"<\{%.*?%\}>|\x1b\[[0-9;]*m", "", str(said.get("message", ""))).strip()
    text = re.sub(r"\n\s*File \".*", "", text, flags=re.DOTALL) if "Traceback" in text else text
    if lost := re.search(r'hook "([^"]+)" was not registered', text):
        return f"what guards against this deletion ({lost[1]}) is no longer in the program: a new name, or a part gone"
    return "" if text.startswith(_AFTER) else text


def snapshot(exported: Mapping[str, Any]) -> Snapshot:
    """Of a state as `pulumi stack export` writes it."""
    found = [one for one in (exported.get("deployment") or {}).get("resources") or [] if not one.get("delete")]
    (stack,) = [one for one in found if one["type"] == "pulumi:pulumi:Stack"] or [{}]
    count = sum(not one["type"].startswith(("pulumi:pulumi:", "pulumi:providers:")) for one in found)
    return Snapshot(count, stack.get("outputs") or {})
