"""Refusals for PostgreSQL's own logical replication (FACTS K42-K44), and what is computed for it. Pure.

What only the servers know, tables and rights among it, the job refuses (guest/logical/check.py).
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..guest.logical.check import LONGEST_TIMEOUT_MS, OLDEST_SOURCE, SYSTEM_SINCE, WORKERS
from ..guest.logical.config import HEARTBEAT, KEEPALIVES, MARGIN, NAME
from ..modes import DrMode
from . import rds
from .backup import label_problems, pod_problems, schedule_problems
from .cloud_sql import REPLICATES, series
from .intent import Intent, Part

TIMEOUT_MS = 10_000
"""After which either end takes the other for dead."""
RETRY_SECONDS = 5
"""wal_retrieve_retry_interval's default: how often a subscription tries."""
SEGMENT_MIB = 16
"""PostgreSQL keeps WAL in whole segments."""
FOLLOWS, TAKEN_AWAY, ABANDONED = "follows", "taken-away", "abandoned"
REPLICATIONS = (FOLLOWS, TAKEN_AWAY, ABANDONED)
"""What is to become of a flow: it goes on; it is taken away at both ends; or at the target, for the source is gone."""
STATIC = ("max_replication_slots", "max_wal_senders", "rds.logical_replication")
"""Of RDS: a change waits for a reboot [Amazon RDS user guide, Performing logical replication for PostgreSQL]."""

SUBSCRIPTION, BY_DMS = "", "dms"
CARRIERS = (SUBSCRIPTION, BY_DMS)
"""Who brings the rows: PostgreSQL itself, or a DmsCdcTask for which definitions and gate are made."""
BEATS: dict[str, str] = {"schema": HEARTBEAT[0], "table": HEARTBEAT[1]}
"""What such a task carries beside the schemas, in its `tables`: the heartbeat, which says how late rows are."""


@dataclass(frozen=True, kw_only=True)
class LogicalEnd(Part):
    """One server of the two."""

    address: str | None = None
    port: int = 5432
    database: str = ""
    user: str = ""
    version: str = ""
    tls_ca: str | None = None


@dataclass(frozen=True, kw_only=True)
class LogicalReplicaIntent(Intent):
    """What a LogicalReplica is meant to be."""

    dr_mode: str = DrMode.COLD.value
    replication: str = FOLLOWS
    replica: str = ""
    source: LogicalEnd = LogicalEnd()
    target: LogicalEnd = LogicalEnd()
    replication_user: str = ""
    schemas: tuple[str, ...] = ()
    authority_at_target: str = ""
    back_user: str = ""
    authority_at_source: str = ""
    target_as_seen_by_source: str = ""
    target_bounds_slots: bool = True
    left_out_extensions: tuple[str, ...] = ()
    owner_at_target: str = ""
    wal_mib_per_hour: float = 0.0
    tolerated_outage_hours: float = 0.0
    source_free_gib: float = 0.0
    source_settings: dict[str, str] | None = None
    margin: int = MARGIN
    namespace: str = ""
    image: str = ""
    schedule: str = "*/5 * * * *"
    copy_seconds: int = 3600
    metrics_project: str = ""
    carrier: str = SUBSCRIPTION
    tags: dict[str, str] | None = None

    @property
    def runs(self) -> bool:
        """Whether the mode has a live copy."""
        return self.dr_mode != DrMode.COLD

    @property
    def follows(self) -> bool:
        """Whether rows are to come."""
        return self.runs and self.replication == FOLLOWS

    @property
    def slot_wal_keep_mib(self) -> int:
        """What max_slot_wal_keep_size of the source has to be."""
        return keep_mib(self.wal_mib_per_hour, self.tolerated_outage_hours)

    @property
    def source_parameters(self) -> dict[str, str]:
        """Of the source's parameter group at RDS, in a stable order."""
        return source_parameters(self.slot_wal_keep_mib)

    def problems(self) -> list[str]:
        """Why there must be no such flow."""
        found = [*_names(self), *_versions(self), *_outage(self), *_settings(self), *_ends(self)]
        return [*found, *(_carrier(self) if self.carrier else [*_authority(self), *_back(self)])]


def keep_mib(wal_mib_per_hour: float, outage_hours: float) -> int:
    """max_slot_wal_keep_size that an outage of so many hours needs at this rate, in whole segments and one for the
    segment in which it begins. MiB."""
    return (math.ceil(wal_mib_per_hour * outage_hours / SEGMENT_MIB) + 1) * SEGMENT_MIB


def outage_hours(keep: int, wal_mib_per_hour: float) -> float:
    """The other way: the outage that a max_slot_wal_keep_size of so many MiB covers at this rate. Infinite without
    writes."""
    return max(keep - SEGMENT_MIB, 0) / wal_mib_per_hour if wal_mib_per_hour > 0 else math.inf


def detect_seconds() -> int:
    """After which a silent peer is taken for dead, at the latest, by the timeouts or by TCP: keepalives see it after
    idle + interval × count = 5 + 2 × 3 s, unsent data after tcp_user_timeout = 10 s."""
    tcp = int(KEEPALIVES["keepalives_idle"]) + int(KEEPALIVES["keepalives_interval"]) * int(
        KEEPALIVES["keepalives_count"]
    )
    return max(TIMEOUT_MS // 1000, tcp)


def resume_seconds() -> int:
    """From the path's return to rows, without the tunnel's share: the old sender lets go of the slot, one interval, one
    connection. Measured in the lab: 2 to 8 s after cuts of 1 to 15 minutes, PostgreSQL 18."""
    return TIMEOUT_MS // 1000 + RETRY_SECONDS + int(KEEPALIVES["connect_timeout"])


def source_parameters(slot_wal_keep_mib: int) -> dict[str, str]:
    """What the source's parameter group at RDS must say; STATIC ones take a reboot. Sizes in MB, times in ms."""
    return {
        "max_replication_slots": REPLICATES["POSTGRES"]["max_replication_slots"],
        "max_slot_wal_keep_size": str(slot_wal_keep_mib),
        "max_wal_senders": REPLICATES["POSTGRES"]["max_wal_senders"],
        "rds.logical_replication": "1",
        "wal_sender_timeout": str(TIMEOUT_MS),
    }


def _names(known: LogicalReplicaIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"
    if known.replication not in REPLICATIONS:
        yield f"replication {known.replication!r} is none of {', '.join(REPLICATIONS)}: set one of them"
    if not NAME.fullmatch(known.replica):
        yield (
            f"replica {known.replica!r} cannot name a slot: use a letter, then up to 40 lower-case letters, digits "
            "and _"
        )
    yield from pod_problems(known.image, namespace=known.namespace)
    if not known.schemas or HEARTBEAT[0] in known.schemas:
        yield f"schemas are {list(known.schemas)}: list those that are replicated, without {HEARTBEAT[0]}"
    yield from schedule_problems(known.schedule)
    yield from label_problems(known.tags or {})


def _versions(known: LogicalReplicaIntent) -> Iterator[str]:
    source, target = series(known.source.version)[:1], series(known.target.version)[:1]
    for name, found, version in (("source", source, known.source.version), ("target", target, known.target.version)):
        if not found:
            yield f"{name}.version {version!r} is no version: set what SHOW server_version says, for instance 17.5"
    if not source or not target:
        return
    if source[0] < OLDEST_SOURCE:
        yield (
            f"source.version {known.source.version} keeps WAL for a forgotten slot without end: use one of "
            f"{OLDEST_SOURCE} or later"
        )
    if target < source:
        yield (
            f"target.version {known.target.version} is older than the source's {known.source.version}: definitions "
            "need not load there: use the source's version or a later one"
        )


def _outage(known: LogicalReplicaIntent) -> Iterator[str]:
    for name, value in (
        ("wal_mib_per_hour", known.wal_mib_per_hour),
        ("tolerated_outage_hours", known.tolerated_outage_hours),
    ):
        if not isinstance(value, float) or not 0 < value < math.inf:
            yield f"{name} is {value!r}: set it above 0, max_slot_wal_keep_size is computed from it"
            return
    needed = known.slot_wal_keep_mib / 1024
    if known.source_free_gib and needed > known.source_free_gib:
        covered = outage_hours(int(known.source_free_gib * 1024), known.wal_mib_per_hour)
        yield (
            f"an outage of {known.tolerated_outage_hours:g} h keeps {needed:.1f} GiB of WAL at the source, which has "
            f"{known.source_free_gib:g} GiB free: set tolerated_outage_hours to {covered:.1f}, or enlarge its disk"
        )


def _settings(known: LogicalReplicaIntent) -> Iterator[str]:
    """Of what the program says that the source is set to."""
    given: Mapping[str, str] = known.source_settings or {}
    wanted = known.source_parameters
    for name in sorted(given):
        value = given[name]
        if name not in wanted:
            yield f"source_settings has {name}, which is not judged: remove it; known are {', '.join(wanted)}"
        elif name == "rds.logical_replication":
            if value not in ("1", "on"):
                yield f"source_settings: {name} is {value}: set it to 1 and reboot, the parameter is static"
        elif not re.fullmatch(r"-?\d+", value):
            yield f"source_settings: {name} is {value!r}: write the number as pg_settings has it"
        elif name == "wal_sender_timeout":
            if not 0 < int(value) <= LONGEST_TIMEOUT_MS:
                yield (
                    f"source_settings: {name} is {value}, which hides a dead peer and keeps its slot: set it to "
                    f"{TIMEOUT_MS}, or for the replication user alone with ALTER ROLE … SET when a DMS task wants 0 "
                    "(K42)"
                )
        elif name == "max_slot_wal_keep_size":
            if int(value) == -1:
                yield f"source_settings: {name} is -1, and a forgotten slot fills the disk: set it to {wanted[name]}"
            elif int(value) < known.slot_wal_keep_mib:
                hours = outage_hours(int(value), known.wal_mib_per_hour)
                yield (
                    f"source_settings: {name} is {value} MB, an outage of {hours:.1f} h: set it to {wanted[name]} for "
                    f"the {known.tolerated_outage_hours:g} h that are to heal by themselves"
                )
        elif int(value) < WORKERS:
            yield f"source_settings: {name} is {value}: set it to {wanted[name]} and reboot, the copy takes {WORKERS}"


def _ends(known: LogicalReplicaIntent) -> Iterator[str]:
    for name, end in (("source", known.source), ("target", known.target)):
        for field in ("database", "user"):
            if not getattr(end, field):
                yield f"{name}.{field} is empty: set it"
        if end.address is not None and end.address.startswith("/"):
            yield f"{name}.address {end.address} is a socket: set a host name or address, which the pod can reach"
        yield from rds.authority_problems(f"{name}.tls_ca", end.address, end.tls_ca)
    if known.source.address is not None and known.source.address == known.target.address:
        yield f"source and target are both {known.source.address}: set the address of another server"
    if not known.replication_user or known.replication_user == known.source.user:
        yield (
            f"replication_user is {known.replication_user!r}: set a role of its own at the source, which reads and "
            "replicates; its password is kept in the target's catalog"
        )


def _authority(known: LogicalReplicaIntent) -> Iterator[str]:
    version = series(known.target.version)
    if known.authority_at_target == "system" and version and version[0] < SYSTEM_SINCE:
        yield (
            f"authority_at_target is system, which PostgreSQL {version[0]} does not know: set it to a file of the "
            f"target's machine, or use {SYSTEM_SINCE} or later there"
        )
    if not known.authority_at_target:
        yield (
            "authority_at_target is empty, and a subscription that does not verify the source would give its password "
            "to anybody: set the file at the target's server, `system` where the source's authority is a public one, "
            "or `channel-binding`, by which its own password proves the server"
        )


def _carrier(known: LogicalReplicaIntent) -> Iterator[str]:
    """Where no subscription brings the rows."""
    if known.carrier not in CARRIERS:
        yield f"carrier {known.carrier!r} is none of {', '.join(one or 'nothing' for one in CARRIERS)}: set one of them"
    if known.back_user:
        yield (
            f"back_user is {known.back_user}, and a task of DMS has no way back by a subscription: leave it out, or "
            "let a subscription bring the rows"
        )


def _back(known: LogicalReplicaIntent) -> Iterator[str]:
    """Of the way that the flow takes once the target writes."""
    if not known.back_user:
        if known.authority_at_source or known.target_as_seen_by_source:
            yield "authority_at_source or target_as_seen_by_source is set without back_user: set that role, or neither"
        return
    if known.back_user == known.target.user:
        yield (
            f"back_user is {known.back_user}, the target's administrator: set a role of its own there, which reads and "
            "replicates; its password is kept in the source's catalog"
        )
    if not known.authority_at_source:
        yield (
            "authority_at_source is empty, and a subscription that does not verify the target would give its password "
            "to anybody: set the file at the source's server, `system` where the target's authority is a public one, "
            "or `channel-binding`, by which its own password proves the server"
        )
    version = series(known.source.version)
    if known.authority_at_source == "system" and version and version[0] < SYSTEM_SINCE:
        yield (
            f"authority_at_source is system, which PostgreSQL {version[0]} does not know: set it to a file of the "
            f"source's machine, or use {SYSTEM_SINCE} or later there"
        )
    if known.target_as_seen_by_source.startswith("/"):
        yield f"target_as_seen_by_source {known.target_as_seen_by_source} is a socket: set an address"
