"""The two JSON texts of a DMS task, its table mappings and its settings: made of typed values, or taken and checked.

Settings are compared as the provider does it (terraform-provider-aws, internal/service/dms/task_settings_json.go): what
the program says must be what DMS gives back, in the same type, and what it does not say is not looked at. So a text of
ours holds what is decided here and what its user adds, and nothing that DMS itself fills in. Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .intent import Part

SMALLEST_LOB_KIB = 64
LIMITED_UP_TO_KIB = 10 * 1024
"""Up to this a value is carried in one piece, above it in chunks (full LOB mode), which is slower and cuts nothing."""

COMMIT_ROWS = 10_000
LOAD_MEMORY_KIB = 1024 * 1024
"""Limited mode reserves LobMaxSize for each row of a commit [DMS user guide, best practices]: rows go down with it."""

VALUE_TYPES: Mapping[str, tuple[type, ...]] = {"text": (str,), "whether": (bool,), "number": (int, float)}


@dataclass(frozen=True)
class Decision:
    """A setting whose default hurts."""

    path: str
    value: str | bool | int
    upstream: str | bool | int
    """What DMS takes when nobody says."""
    why: str


DECISIONS = (
    Decision(
        "FullLoadSettings.TargetTablePrepMode",
        "DO_NOTHING",
        "DROP_AND_CREATE",
        "a task that is started again drops the target's tables, with indexes and keys that were made natively (K39)",
    ),
    Decision("ValidationSettings.EnableValidation", True, False, "nobody would see rows that differ (K40)"),
    Decision("Logging.EnableLogging", True, False, "a truncation is told in the task's log only (K40)"),
    Decision("ErrorBehavior.DataErrorPolicy", "STOP_TASK", "LOG_ERROR", "a row that does not fit is left out"),
    Decision("ErrorBehavior.DataTruncationErrorPolicy", "STOP_TASK", "LOG_ERROR", "a value that is too long is cut"),
    Decision(
        "ErrorBehavior.RecoverableErrorStopRetryAfterThrottlingMax",
        False,
        True,
        "a cut of more than half an hour ends the task for good, as ten minutes do a MySQL replica (K10)",
    ),
    Decision(
        "ErrorBehavior.RecoverableErrorCount",
        100_000,
        -1,
        "the task has failed for good after a few tries, which is what -1 means [DMS user guide, error handling]",
    ),
    Decision(
        "ErrorBehavior.RecoverableErrorThrottlingMax",
        10,
        1800,
        "the pause between two tries doubles up to that, so that after a cut the task sleeps on for as long as it was",
    ),
    Decision(
        "ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped",
        False,
        True,
        "a table dropped by mistake at the source is gone at the standby a second later",
    ),
)
"""Values of DMS's own that did or would do harm, and ours. A test holds each against upstream."""

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "TargetMetadata": {
        "TargetSchema": "text", "SupportLobs": "whether", "FullLobMode": "whether", "LobChunkSize": "number",
        "LimitedSizeLobMode": "whether", "LobMaxSize": "number", "InlineLobMaxSize": "number",
        "LoadMaxFileSize": "number",
        "ParallelLoadThreads": "number", "ParallelLoadBufferSize": "number", "BatchApplyEnabled": "whether",
        "ParallelApplyThreads": "number", "ParallelApplyBufferSize": "number", "ParallelApplyQueuesPerThread": "number",
        "ParallelLoadQueuesPerThread": "number", "TaskRecoveryTableEnabled": "whether",
    },
    "FullLoadSettings": {
        "TargetTablePrepMode": "text", "CreatePkAfterFullLoad": "whether", "StopTaskCachedChangesApplied": "whether",
        "StopTaskCachedChangesNotApplied": "whether", "MaxFullLoadSubTasks": "number",
        "TransactionConsistencyTimeout": "number", "CommitRate": "number",
    },
    "Logging": {"EnableLogging": "whether"},
    "StreamBufferSettings": {
        "StreamBufferCount": "number", "StreamBufferSizeInMB": "number", "CtrlStreamBufferSizeInMB": "number",
    },
    "ControlTablesSettings": {
        "ControlSchema": "text", "StatusTableEnabled": "whether", "SuspendedTablesTableEnabled": "whether",
        "HistoryTableEnabled": "whether", "HistoryTimeslotInMinutes": "number",
    },
    "ErrorBehavior": {
        "DataErrorPolicy": "text", "DataTruncationErrorPolicy": "text", "DataErrorEscalationPolicy": "text",
        "DataErrorEscalationCount": "number", "TableErrorPolicy": "text", "TableErrorEscalationPolicy": "text",
        "TableErrorEscalationCount": "number", "RecoverableErrorCount": "number", "RecoverableErrorInterval": "number",
        "RecoverableErrorThrottling": "whether", "RecoverableErrorThrottlingMax": "number",
        "RecoverableErrorStopRetryAfterThrottlingMax": "whether", "ApplyErrorDeletePolicy": "text",
        "ApplyErrorInsertPolicy": "text", "ApplyErrorUpdatePolicy": "text", "ApplyErrorEscalationPolicy": "text",
        "ApplyErrorEscalationCount": "number", "ApplyErrorFailOnTruncationDdl": "whether",
        "FullLoadIgnoreConflicts": "whether", "FailOnTransactionConsistencyBreached": "whether",
        "FailOnNoTablesCaptured": "whether",
    },
    "ChangeProcessingDdlHandlingPolicy": {
        "HandleSourceTableDropped": "whether", "HandleSourceTableTruncated": "whether",
        "HandleSourceTableAltered": "whether",
    },
    "ChangeProcessingTuning": {
        "BatchApplyPreserveTransaction": "whether", "BatchApplyTimeoutMin": "number", "BatchApplyTimeoutMax": "number",
        "BatchApplyMemoryLimit": "number", "BatchSplitSize": "number", "MinTransactionSize": "number",
        "CommitTimeout": "number", "MemoryLimitTotal": "number", "MemoryKeepTime": "number",
        "StatementCacheSize": "number",
    },
    "ValidationSettings": {
        "EnableValidation": "whether", "ValidationMode": "text", "ThreadCount": "number", "PartitionSize": "number",
        "FailureMaxCount": "number", "RecordFailureDelayInMinutes": "number", "RecordSuspendDelayInMinutes": "number",
        "MaxKeyColumnSize": "number", "TableFailureMaxCount": "number", "ValidationOnly": "whether",
        "HandleCollationDiff": "whether", "RecordFailureDelayLimitInMinutes": "number", "SkipLobColumns": "whether",
        "ValidationPartialLobSize": "number", "ValidationQueryCdcDelaySeconds": "number",
    },
}  # fmt: skip
"""What may be said, and of which type. Read in documents that DMS gave back (public repositories, 2021 to 2026)."""

FORBIDDEN = {
    "ValidationSettings.ValidationOnly": "carries no row",
    "ValidationSettings.SkipLobColumns": "leaves out what is cut off most often",
    "FullLoadSettings.StopTaskCachedChangesApplied": "ends the task after the load",
    "FullLoadSettings.StopTaskCachedChangesNotApplied": "ends the task after the load",
}
"""Switches that must stay off, and what each does."""

ACTIONS = ("include", "exclude", "explicit")
TARGETS = ("schema", "table", "column")
WITH_VALUE = ("rename", "add-prefix", "remove-prefix", "add-suffix", "remove-suffix")
CHANGES = (*WITH_VALUE, "replace-prefix", "replace-suffix", "convert-lowercase", "convert-uppercase", "remove-column")


@dataclass(frozen=True, kw_only=True)
class SelectionPart(Part):
    """Tables that go, or do not."""

    schema: str = ""
    table: str = "%"
    action: str = "include"


@dataclass(frozen=True, kw_only=True)
class TransformationPart(Part):
    """What is called or written otherwise at the target."""

    target: str = ""
    action: str = ""
    schema: str = ""
    table: str = ""
    column: str = ""
    value: str = ""
    old_value: str = ""


@dataclass(frozen=True)
class Lob:
    """How long values go."""

    full: bool
    """In chunks, of any length."""
    max_kib: int
    """In limited mode: what is longer is cut off."""
    commit_rows: int


def lob(largest_kib: int) -> Lob:
    """Mode and size from the largest value that the source holds: twice that, so that it may grow until somebody sees
    it."""
    wanted = max(SMALLEST_LOB_KIB, 2 * largest_kib)
    if wanted > LIMITED_UP_TO_KIB:
        return Lob(full=True, max_kib=0, commit_rows=COMMIT_ROWS)
    return Lob(full=False, max_kib=wanted, commit_rows=min(COMMIT_ROWS, LOAD_MEMORY_KIB // wanted))


def settings_text(largest_lob_kib: int, more: str = "", told_in: str = "") -> str:
    """`replicationTaskSettings`, the same text for the same meaning. `more` is JSON that `settings_problems` allows.
    `told_in`: schema of the target in which the task says how it is, for a job that looks."""
    document: dict[str, dict[str, Any]] = {section: dict(said) for section, said in _document(more).items()}
    for path, value in _decided(largest_lob_kib, told_in).items():
        section, _, key = path.partition(".")
        document.setdefault(section, {})[key] = value
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _decided(largest_lob_kib: int, told_in: str) -> dict[str, Any]:
    size = lob(largest_lob_kib)
    mode: dict[str, Any] = {"TargetMetadata.LobChunkSize": 64}
    if not size.full:
        mode = {"TargetMetadata.LobMaxSize": size.max_kib}
    told: dict[str, Any] = {
        "ControlTablesSettings.ControlSchema": told_in,
        "ControlTablesSettings.StatusTableEnabled": True,
        "ControlTablesSettings.SuspendedTablesTableEnabled": True,
    }
    return {
        **(told if told_in else {}),
        "TargetMetadata.SupportLobs": True,
        "TargetMetadata.FullLobMode": size.full,
        "TargetMetadata.LimitedSizeLobMode": not size.full,
        **mode,
        "FullLoadSettings.CommitRate": size.commit_rows,
        **{one.path: one.value for one in DECISIONS},
    }


def settings_problems(largest_lob_kib: int, more: str, told_in: str = "") -> Iterator[str]:
    """Why these further settings cannot be."""
    if largest_lob_kib < 0:
        yield f"largest_lob_kib is {largest_lob_kib}: set what the source's largest value has, 0 where it has no LOB"
        return
    if not more:
        return
    try:
        document = json.loads(more)
    except ValueError as error:
        yield f"settings is no JSON ({error}): write it as the sections of a task's settings"
        return
    if not isinstance(document, dict):
        yield "settings is no JSON object: write it as the sections of a task's settings"
        return
    ours = _decided(largest_lob_kib, told_in)
    for section, said in document.items():
        known = SETTINGS.get(section)
        if known is None or not isinstance(said, dict):
            yield (
                f"settings has {section}, which DMS gives back as null, as a list or not at all, so that every preview "
                f"would show a difference: remove it (what may stay is in {', '.join(SETTINGS)})"
            )
            continue
        for key, value in said.items():
            yield from _setting(f"{section}.{key}", value, known.get(key), ours)


def _setting(path: str, value: Any, kind: str | None, ours: Mapping[str, Any]) -> Iterator[str]:
    if kind is None:
        yield (
            f"settings has {path}, which DMS is not known to give back, so that every preview would show a "
            "difference: remove it"
        )
    elif path in ours and ours[path] != value:
        why = _WHY.get(path, _TOLD if path.startswith("ControlTables") else "it follows from largest_lob_kib")
        yield f"settings has {path} {json.dumps(value)} instead of {json.dumps(ours[path])}, and {why}: remove it"
    elif not isinstance(value, VALUE_TYPES[kind]) or (kind == "number" and isinstance(value, bool)):
        yield (
            f"settings has {path} {json.dumps(value)}, which is no {kind}, and the provider breaks off on another type "
            "than DMS has: write it as JSON has it, without quotes around numbers, true and false"
        )
    elif path in FORBIDDEN and value is True:
        yield f"settings has {path} true, which {FORBIDDEN[path]}: remove it"


_WHY = {one.path: one.why for one in DECISIONS}
_TOLD = "the job that looks reads there whether a load has ended, when AWS is gone"


def _document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def mappings_text(
    selections: Sequence[SelectionPart], transformations: Sequence[TransformationPart], given: str = ""
) -> str:
    """`tableMappings`, the same text for the same meaning; `given` is JSON that `mappings_problems` allows."""
    document = (
        json.loads(given) if given else {"rules": [*_selected(selections), *_changed(transformations, selections)]}
    )
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _selected(selections: Sequence[SelectionPart]) -> Iterator[dict[str, Any]]:
    for at, one in enumerate(selections, start=1):
        locator = {"schema-name": one.schema, "table-name": one.table}
        yield {**_numbered(at, "selection"), "object-locator": locator, "rule-action": one.action}


def _changed(
    transformations: Sequence[TransformationPart], selections: Sequence[SelectionPart]
) -> Iterator[dict[str, Any]]:
    for at, one in enumerate(transformations, start=1 + len(selections)):
        places = {"schema-name": one.schema, "table-name": one.table, "column-name": one.column}
        depth = TARGETS.index(one.target) + 1
        rule = {
            **_numbered(at, "transformation"),
            "rule-target": one.target,
            "object-locator": dict(list(places.items())[:depth]),
            "rule-action": one.action,
        }
        values = {"value": one.value, "old-value": one.old_value}
        yield {**rule, **{name: value for name, value in values.items() if value}}


def _numbered(at: int, kind: str) -> dict[str, str]:
    return {"rule-type": kind, "rule-id": str(at), "rule-name": f"{kind}-{at}"}


def mappings_problems(
    selections: Sequence[SelectionPart], transformations: Sequence[TransformationPart], given: str = ""
) -> Iterator[str]:
    """Why a task must not be told this."""
    if given:
        if selections or transformations:
            yield "table_mappings is given beside tables or transformations, and only one can hold: remove one of them"
        yield from _given_problems(given)
        return
    yield from _selection_problems(selections)
    for at, one in enumerate(transformations):
        yield from _transformation_problems(f"transformations[{at}]", one)


def _selection_problems(selections: Sequence[SelectionPart], field: str = "tables") -> Iterator[str]:
    if not any(one.action != "exclude" for one in selections):
        yield f"{field} includes nothing, so the task would carry no table: list the schemas that go"
    for at, one in enumerate(selections):
        if not one.schema:
            yield f"{field}[{at}] has no schema: set the one whose tables go"
        elif one.schema == "%" and one.action == "include":
            yield (
                f"{field}[{at}] includes every schema (%), the server's own among them, whose accounts and settings "
                "would be written over: list the application's own schemas"
            )
        if one.action not in ACTIONS:
            yield f"{field}[{at}] has action {one.action!r}: set one of {', '.join(ACTIONS)}"
        elif one.action == "explicit" and ("%" in one.schema or "%" in one.table):
            yield f"{field}[{at}] is explicit and has a wildcard (%), which DMS refuses: use include, or write the name"


def _transformation_problems(field: str, one: TransformationPart) -> Iterator[str]:
    if one.target not in TARGETS:
        yield f"{field} has target {one.target!r}: set one of {', '.join(TARGETS)}"
        return
    if one.action not in CHANGES:
        yield f"{field} has action {one.action!r}: set one of {', '.join(CHANGES)}"
        return
    for name in TARGETS[: TARGETS.index(one.target) + 1]:
        if not getattr(one, name):
            yield f"{field} is on a {one.target} and has no {name}: set it, % for all"
    if one.action in WITH_VALUE and not one.value:
        yield f"{field} is {one.action} without a value: set what it shall be"
    if one.action.startswith("replace-") and not (one.value and one.old_value):
        yield f"{field} is {one.action} and needs what is replaced and by what: set old_value and value"
    if one.action == "remove-column":
        if one.target != "column":
            yield f"{field} is remove-column on a {one.target}: set target column"
        yield (
            f"{field} removes column {one.schema}.{one.table}.{one.column} on the way, which a standby would lack at "
            "the failover and nothing could bring home: let it go, or leave the table out"
        )


def _given_problems(given: str) -> Iterator[str]:
    try:
        rules = json.loads(given)["rules"]
        kinds = [one["rule-type"] for one in rules]
    except (ValueError, KeyError, TypeError):
        yield (
            'table_mappings is no JSON {"rules": [{"rule-type": …}]}: write it as the user guide of DMS has it, or use '
            "tables and transformations"
        )
        return
    for name in ("rule-id", "rule-name"):
        said = [str(one.get(name, "")) for one in rules]
        if len(set(said)) < len(said) or "" in said:
            yield f"table_mappings has rules without a {name} of their own: use another {name} in each"
    if other := sorted({str(kind) for kind in kinds} - {"selection", "transformation"}):
        yield (
            f"table_mappings has rules of type {', '.join(other)}, which may set sizes of LOBs or leave out rows "
            "behind the settings that are checked here: remove them"
        )
    chosen = [one for one in rules if one.get("rule-type") == "selection"]
    if any(one.get("filters") for one in chosen):
        yield "table_mappings has filters, and a standby with a part of the rows is none: remove them"
    selections = [
        SelectionPart.of(
            {
                "schema": _place(one, "schema-name"),
                "table": _place(one, "table-name"),
                "action": str(one.get("rule-action", "")),
            }
        )
        for one in chosen
    ]
    yield from _selection_problems(selections, "table_mappings' selection rules")
    for at, one in enumerate(one for one in rules if one.get("rule-type") == "transformation"):
        plain = {
            "target": str(one.get("rule-target", "")),
            "action": str(one.get("rule-action", "")),
            "value": str(one.get("value") or ""),
            "old_value": str(one.get("old-value") or ""),
            **{name: _place(one, f"{name}-name") for name in TARGETS},
        }
        yield from _transformation_problems(f"table_mappings' transformation {at + 1}", TransformationPart.of(plain))


def _place(rule: Mapping[str, Any], name: str) -> str:
    locator = rule.get("object-locator")
    return str(locator.get(name, "")) if isinstance(locator, Mapping) else ""


def schemas(selections: Sequence[SelectionPart], given: str = "") -> tuple[str, ...]:
    """The schemas whose tables go, in order, each once."""
    if given:
        rules = json.loads(given)["rules"]
        selections = [
            SelectionPart(schema=_place(one, "schema-name"), action=str(one["rule-action"]))
            for one in rules
            if one["rule-type"] == "selection"
        ]
    return tuple(dict.fromkeys(one.schema for one in selections if one.action != "exclude"))


def carried(mappings: str, schema: str, table: str) -> bool:
    """Whether `tableMappings` select this table: by name or by wildcards (% any text, _ any character), an exclusion
    over an inclusion [DMS user guide, selection rules and actions]."""
    rules = [one for one in json.loads(mappings)["rules"] if one["rule-type"] == "selection"]

    def meets(rule: Mapping[str, Any]) -> bool:
        named = ((_place(rule, "schema-name"), schema), (_place(rule, "table-name"), table))
        return all(re.fullmatch(_pattern(said), name) for said, name in named)

    found = {str(one["rule-action"]) for one in rules if meets(one)}
    return bool(found) and "exclude" not in found


def _pattern(said: str) -> str:
    return re.escape(said).replace("%", ".*").replace("_", ".")
