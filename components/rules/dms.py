"""Refusals for a DMS task that keeps a standby current (FACTS K39, K40, K41, K44), and what it is told. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..modes import DrMode
from . import rds
from .dms_task import (
    SelectionPart,
    TransformationPart,
    mappings_problems,
    mappings_text,
    settings_problems,
    settings_text,
)
from .intent import Intent, Part
from .logical import BEATS

FAMILIES = {"mysql": "mysql", "aurora": "mysql", "postgres": "postgres", "aurora-postgresql": "postgres"}
"""DMS's name of an engine → the database that it is."""
PORTS = {"mysql": 3306, "postgres": 5432}

LOAD_AND_CDC, CDC = "full-load-and-cdc", "cdc"

CLASS = re.compile(r"dms\.[a-z]\d+[a-z]*\.(?:micro|small|medium|large|\d*xlarge)")
TASK_ID = re.compile(r"[a-z](?:-?[a-z0-9])*")
ID_LIMIT = 31
"""Of the end of a task's ARN, by which CloudWatch knows it (provider, resource_identifier)."""
STORAGE_GIB = range(5, 6145)
"""What the provider takes [internal/service/dms/replication_instance.go]."""

NOT_PROMISED = (
    "a bound on what is lost: DMS promises no latency, and below its alarm a failover loses whatever is on its way",
    "a standby while a load lasts: the target has a part of the rows, and a failover wants your word for the rest",
)
"""What a standby that DMS keeps current lacks (ADR 70), in words."""

PERIOD_SECONDS = 60
"""DMS tells CloudWatch once a minute; three of them are no hiccup, which is the default."""
LATENCY_MINUTES = range(1, 11)
LATENCY_SECONDS = range(10, 3601)

STARTS = {
    "mysql": re.compile(r"[\w.-]+\.\d{6,}:\d+"),
    "postgres": re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}"),
}
"""Where CDC can begin: a binary log with a position, or an LSN."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, kw_only=True)
class DmsEndPart(Part):
    """A database at one end."""

    engine: str = ""
    address: str | None = None
    """None: not given, or known while resources are made only."""
    name: str = ""
    port: int = 0
    database: str = ""
    tls: str = "verify-full"
    tls_ca: str | None = None
    slot_name: str = ""
    heartbeat_schema: str = ""

    @property
    def family(self) -> str:
        """mysql or postgres; "" for another engine."""
        return FAMILIES.get(self.engine, "")


@dataclass(frozen=True, kw_only=True)
class DmsCdcTaskIntent(Intent):
    """What a DmsCdcTask is meant to be."""

    dr_mode: str = DrMode.COLD.value
    region: str = ""
    task_id: str = ""
    source: DmsEndPart = field(default_factory=DmsEndPart)
    target: DmsEndPart = field(default_factory=DmsEndPart)
    migration_type: str = LOAD_AND_CDC
    start_time: str = ""
    start_position: str = ""
    tables: tuple[SelectionPart, ...] = ()
    transformations: tuple[TransformationPart, ...] = ()
    table_mappings: str = ""
    largest_lob_kib: int | None = None
    settings: str = ""
    instance_class: str = "dms.t3.medium"
    storage_gib: int = 100
    multi_az: bool = True
    engine_version: str = ""
    subnet_ids: dict[str, str | None] = field(default_factory=dict)
    """By zone; one whose id is not known yet is "" here."""
    log_retention_hours: int = 0
    latency_alarm_seconds: int = 60
    latency_alarm_minutes: int = 3
    free_memory_mib: int = 512
    account_roles: bool = False
    serverless: bool = False
    stopped_for: tuple[str, ...] = ()
    through: str = ""

    @property
    def told_in(self) -> str:
        """Schema of a PostgreSQL target in which the task says how it is, where a job looks; "" where none does."""
        return BEATS["schema"] if self.through and self.target.family == "postgres" else ""

    @property
    def runs(self) -> bool:
        """Whether the mode has a task: a replica's from pilot-light on."""
        return self.dr_mode != DrMode.COLD

    @property
    def mappings(self) -> str:
        """`tableMappings`."""
        return mappings_text(self.tables, self.transformations, self.table_mappings)

    @property
    def task_settings(self) -> str:
        """`replicationTaskSettings`."""
        return settings_text(self.largest_lob_kib or 0, self.settings, self.told_in)

    @property
    def seen_after_seconds(self) -> float:
        """What may be lost when the alarm comes up: its threshold, and the minutes until it does."""
        return float(self.latency_alarm_seconds + self.latency_alarm_minutes * PERIOD_SECONDS)

    def problems(self) -> list[str]:
        """Why there must be no such task."""
        return [*_ends(self), *_start(self), *_what(self), *_instance(self), *_watch(self)]


def _ends(known: DmsCdcTaskIntent) -> Iterator[str]:
    for name, end in (("source", known.source), ("target", known.target)):
        if not end.family:
            yield f"{name}.engine {end.engine!r} is no engine of this component: set one of {', '.join(FAMILIES)}"
            continue
        if end.address == "":
            yield f"{name}.address is empty: set the host name that its certificate is for, as it is in the secret"
        if end.family == "postgres" and not end.database:
            yield f"{name}.database is empty, and a session of PostgreSQL is in one database: set it"
        if end.tls not in ("verify-full", "verify-ca"):
            yield (
                f"{name}.tls is {end.tls!r}, with which whoever answers is believed, or all is clear text beyond "
                "the tunnel (K15): set verify-full, or verify-ca where its certificate has no name, as Cloud SQL's"
            )
        yield from _authority(name, end)
    one, other = known.source.family, known.target.family
    if one and other and one != other:
        yield (
            f"source is {one} and target {other}: types, collations and sequences become others on the way, and "
            "nothing could come home: use the same engine at both ends"
        )
    if known.source.address and known.source.address == known.target.address:
        yield f"source and target are both {known.source.address}: set target.address to the standby's"
    if known.source.family != "postgres" and known.source.slot_name:
        yield f"source.slot_name is {known.source.slot_name!r}, and only PostgreSQL has slots: remove it"
    if known.target.heartbeat_schema or (known.source.family != "postgres" and known.source.heartbeat_schema):
        yield "heartbeat_schema is of a PostgreSQL source alone, which DMS's own heartbeat is written to: remove it"
    if known.target.slot_name:
        yield f"target.slot_name is {known.target.slot_name!r}, and a target is written to: remove it"


def _authority(name: str, end: DmsEndPart) -> Iterator[str]:
    if end.tls_ca is None:
        return  # known while resources are made only
    if "-----BEGIN CERTIFICATE-----" in end.tls_ca:
        return
    region = rds.region_of((end.address or "").rstrip(".").lower())
    where = f", for its region `curl -fsS {rds.bundle_url(region)}`" if region else ""
    yield (
        f"{name}.tls_ca is {end.tls_ca[:40]!r}, not the PEM text of the authority that signed the certificate of "
        f"{end.address or 'its host'}: set the text itself{where}"
    )


def _start(known: DmsCdcTaskIntent) -> Iterator[str]:
    told = [name for name in ("start_time", "start_position") if getattr(known, name)]
    family = known.source.family
    if known.migration_type == LOAD_AND_CDC:
        if told:
            yield f"{told[0]} is set and migration_type is {LOAD_AND_CDC}, which begins by itself: remove {told[0]}"
        return
    if known.migration_type != CDC:
        yield (
            f"migration_type {known.migration_type!r} does not keep a standby current: set {LOAD_AND_CDC}, or {CDC} "
            "after a native seed"
        )
        return
    if len(told) != 1:
        said = "both start_time and start_position" if told else "neither start_time nor start_position"
        yield (
            f"migration_type is cdc with {said}, so what changed between the seed and the start would be lost or come "
            f"twice (K39): set the seed's position, or use {LOAD_AND_CDC}"
        )
    if known.start_time and not TIME.fullmatch(known.start_time):
        yield f"start_time {known.start_time!r} is no time in UTC: write it like 2026-11-29T03:00:00Z"
    if family == "postgres" and known.start_time:
        yield (
            "start_time is set, and PostgreSQL has no way from a time to its log: set start_position to the LSN and "
            "source.slot_name to the slot that was made before the seed"
        )
    if family == "postgres" and known.start_position and not known.source.slot_name:
        yield (
            "start_position is set without source.slot_name, and nothing kept the log since the seed: set the slot "
            "that was made before it"
        )
    if family and known.start_position and not STARTS[family].fullmatch(known.start_position):
        example = "binlog.000024:373" if family == "mysql" else "4AF/B00000D0"
        yield f"start_position {known.start_position!r} is none of {family}: write it like {example}"


def _what(known: DmsCdcTaskIntent) -> Iterator[str]:
    yield from mappings_problems(known.tables, known.transformations, known.table_mappings)
    if known.largest_lob_kib is None:
        yield (
            "largest_lob_kib is not given, and DMS cuts off what is longer than 32 KiB without a word (K40): set what "
            "the source's largest value has, as `rules.dms_source` measures it, 0 where there is no LOB"
        )
        return
    yield from settings_problems(known.largest_lob_kib, known.settings, known.told_in)


def _instance(known: DmsCdcTaskIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"
    if known.serverless:
        yield (
            "serverless is true, and the provider's event subscription knows replication-instance and replication-task "
            "only: nobody would be told that a serverless replication failed, and storage and memory have no metric "
            "(ADR 51): set it to false and choose instance_class"
        )
    if not known.region:
        yield "region is empty: set the one of the replication instance, like ap-northeast-2"
    if not TASK_ID.fullmatch(known.task_id) or len(known.task_id) > ID_LIMIT:
        yield (
            f"task_id {known.task_id!r} cannot name a task: use lower-case letters, digits and single -, a letter "
            f"first, at most {ID_LIMIT}"
        )
    if not CLASS.fullmatch(known.instance_class):
        yield f"instance_class {known.instance_class!r} is none of DMS's: write it like dms.t3.medium or dms.r6i.large"
    if known.storage_gib not in STORAGE_GIB:
        yield (
            f"storage_gib {known.storage_gib} is none of DMS's: set {STORAGE_GIB.start} to {STORAGE_GIB.stop - 1}, "
            "enough for what the source writes while the target is away"
        )
    if len(known.subnet_ids) < 2:
        yield (
            f"subnet_ids has {len(known.subnet_ids)}, and a replication subnet group wants two zones: list a subnet "
            "for each of two"
        )


def _watch(known: DmsCdcTaskIntent) -> Iterator[str]:
    if known.log_retention_hours < 24:
        yield (
            f"log_retention_hours is {known.log_retention_hours}, so a task that stops on a Friday night finds its "
            "place in the source's log gone: set 24 or more, at the source, too (72 is twice a long weekend's outage)"
        )
    if known.latency_alarm_seconds not in LATENCY_SECONDS:
        yield (
            f"latency_alarm_seconds is {known.latency_alarm_seconds}: set {LATENCY_SECONDS.start} to "
            f"{LATENCY_SECONDS.stop - 1}, what of the last writes may be lost"
        )
    if known.latency_alarm_minutes not in LATENCY_MINUTES:
        yield (
            f"latency_alarm_minutes is {known.latency_alarm_minutes}: set {LATENCY_MINUTES.start} to "
            f"{LATENCY_MINUTES.stop - 1}, for how long it must last"
        )
    if known.free_memory_mib < 128:
        yield (f"free_memory_mib is {known.free_memory_mib}, at which the instance swaps already: set 128 or more")
