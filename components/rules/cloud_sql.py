"""Refusals for a private Cloud SQL that stands by (FACTS K41, K42, K44), and the flags it is made with. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..modes import DrMode
from .intent import Intent

VERSION = re.compile(r"(POSTGRES)_(\d+)|(MYSQL)_(\d+)_(\d+)")
TIER = re.compile(r"db-(custom-\d+-\d+|perf-optimized-N-\d+|f1-micro|g1-small)")
NAME_LIMIT = 60
"""Google takes 98 characters for project and name together, and a project has up to 30; nine are drawn."""

MEANING: Mapping[str, tuple[str, ...]] = {
    "POSTGRES": ("datestyle", "default_transaction_isolation", "intervalstyle", "timezone"),
    "MYSQL": (
        "character_set_server",
        "collation_server",
        "default_time_zone",
        "explicit_defaults_for_timestamp",
        "lower_case_table_names",
        "sql_mode",
        "transaction_isolation",
    ),
}
"""Settings with which one statement means another thing: what the source says, the standby must say."""

ASKED = {"POSTGRES": "SHOW", "MYSQL": "SHOW GLOBAL VARIABLES LIKE"}

NO_FLAGS = frozenset({"max_slot_wal_keep_size"})
"""PostgreSQL's settings that Cloud SQL has no flag for [Google, Work with PostgreSQL database WAL log files, note]."""
REPLICATES: Mapping[str, Mapping[str, str]] = {
    "POSTGRES": {
        "cloudsql.logical_decoding": "on",  # wal_level=logical, for the way back
        "max_replication_slots": "10",
        "max_wal_senders": "10",
        "max_logical_replication_workers": "8",
        "max_worker_processes": "16",
        "track_commit_timestamp": "on",
        # A dead peer is seen within these; 0 would hide it and keep its slot (K42). Milliseconds.
        "wal_receiver_timeout": "10000",
        "wal_sender_timeout": "10000",
    },
    "MYSQL": {"binlog_row_image": "full"},  # GTIDs are always on there, the binary log comes with the backups
}
"""Flags without which data neither come nor go back."""

LEAST_BACKUPS = 7
LEAST_DISK_GIB = 10
"""What Cloud SQL makes at least."""


@dataclass(frozen=True, kw_only=True)
class CloudSqlStandbyIntent(Intent):
    """What a CloudSqlStandby is meant to be."""

    dr_mode: str = DrMode.COLD.value
    instance: str = ""
    generation: int = 1
    region: str = ""
    database_version: str = ""
    source_version: str = ""
    source_settings: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    tier: str = ""
    availability_type: str = "ZONAL"
    disk_gib: int = 20
    database: str = ""
    charset: str = ""
    collation: str = ""
    user: str = "twinsite"
    retained_backups: int = LEAST_BACKUPS
    site_is_active: bool = False

    @property
    def runs(self) -> bool:
        """Whether the mode has a server: a replica's from pilot-light on."""
        return self.dr_mode != DrMode.COLD

    @property
    def engine(self) -> str:
        """POSTGRES or MYSQL; "" for a version that is neither's."""
        return self.database_version.partition("_")[0] if VERSION.fullmatch(self.database_version) else ""

    @property
    def all_flags(self) -> dict[str, str]:
        """What the server is told, in a stable order."""
        return dict(sorted({**self.flags, **self.source_settings, **REPLICATES[self.engine]}.items()))

    @property
    def edition(self) -> str:
        """Google's own default is another one for newer versions, which does not take every tier."""
        return "ENTERPRISE_PLUS" if self.tier.startswith("db-perf-optimized") else "ENTERPRISE"

    def problems(self) -> list[str]:
        """Why there must be no such server."""
        return [*_names(self), *_version(self), *_settings(self), *_size(self)]


def series(version: str) -> tuple[int, ...]:
    """What has to be as new at the standby: of PostgreSQL the first number, of MySQL two. Empty for none."""
    found = re.match(r"(\d+)(?:\.(\d+))?", version)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _names(known: CloudSqlStandbyIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"
    if not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", known.instance) or len(known.instance) > NAME_LIMIT:
        yield (
            f"instance {known.instance!r} cannot begin a name of Cloud SQL: use lower-case letters, digits and -, a "
            f"letter first, at most {NAME_LIMIT}"
        )
    if isinstance(known.generation, bool) or not isinstance(known.generation, int) or known.generation < 1:
        yield f"generation {known.generation!r} is no generation: set 1, and raise it by 1 for another server"
    for name, example in (("region", "asia-northeast3"), ("database", "crm"), ("user", "twinsite")):
        if not getattr(known, name):
            yield f"{name} is empty: set it, like {example}"
    if known.engine == "MYSQL" and known.user == "root":
        yield "user is root, which Google deletes in the moment that the server is made: choose another name"


def _version(known: CloudSqlStandbyIntent) -> Iterator[str]:
    found = VERSION.fullmatch(known.database_version)
    if found is None:
        yield (
            f"database_version {known.database_version!r} is neither PostgreSQL nor MySQL at Google: write it like "
            "POSTGRES_17 or MYSQL_8_4"
        )
        return
    own = tuple(int(part) for part in found.groups() if part and part.isdigit())
    source = series(known.source_version)[: len(own)]
    if len(source) < len(own):
        yield (
            f"source_version {known.source_version!r} is no version of the source's: set what it says to "
            "`SELECT version()`, like 17.5 or 8.4.6"
        )
    elif own < source:
        yield (
            f"database_version {known.database_version} is older than the source's {known.source_version}, which may "
            "write what it cannot read: choose the source's own series or a newer one"
        )
    if known.engine == "POSTGRES" and known.charset != "UTF8":
        yield f"charset {known.charset!r} is none that Cloud SQL makes a PostgreSQL database with: set UTF8"
    for name in ("charset", "collation"):
        if not getattr(known, name):
            yield f"{name} is empty, so that texts might sort and compare otherwise than at the source: set its {name}"


def _settings(known: CloudSqlStandbyIntent) -> Iterator[str]:
    engine = known.engine
    if not engine:
        return
    told, wanted, ours = known.source_settings, MEANING[engine], REPLICATES[engine]
    if lacking := [name for name in wanted if name not in told]:
        yield (
            f"source_settings lacks {', '.join(lacking)}, and with another value the same statement means another "
            f"thing at the standby: set what the source says to {ASKED[engine]} of each"
        )
    if unknown := sorted(set(told) - set(wanted)):
        yield f"source_settings has {', '.join(unknown)}, which changes no meaning: remove it, or set it in flags"
    if taken := sorted(set(known.flags) & {*wanted, *ours}):
        yield f"flags has {', '.join(taken)}, which source_settings or the component itself decides: remove it there"
    if lacking := sorted(set(known.flags) & NO_FLAGS):
        yield f"flags has {', '.join(lacking)}, which Cloud SQL does not have: remove it"
    if engine == "MYSQL" and told.get("default_time_zone", "").upper() == "SYSTEM":
        yield (
            "source_settings default_time_zone is SYSTEM, which is another zone on another machine: set the source's "
            "@@system_time_zone as an offset, like +09:00"
        )
    if engine == "MYSQL" and known.charset and told.get("character_set_server", known.charset) != known.charset:
        yield (
            f"charset {known.charset} is not source_settings character_set_server {told['character_set_server']}, so a "
            "table made at the standby would be another one: set both to what the source says"
        )


def _size(known: CloudSqlStandbyIntent) -> Iterator[str]:
    if not TIER.fullmatch(known.tier):
        yield (
            f"tier {known.tier!r} is none of Cloud SQL's: write it like db-custom-2-7680 or db-perf-optimized-N-2, as "
            "`gcloud sql tiers list` has them"
        )
    if known.availability_type not in ("ZONAL", "REGIONAL"):
        yield f"availability_type {known.availability_type!r} is neither: set ZONAL or REGIONAL"
    if known.disk_gib < LEAST_DISK_GIB:
        yield f"disk_gib {known.disk_gib} is less than Cloud SQL makes: set {LEAST_DISK_GIB} or more"
    if not LEAST_BACKUPS <= known.retained_backups <= 365:
        yield (
            f"retained_backups is {known.retained_backups}, so a mistake that is seen after a holiday is in every "
            f"backup, or Google keeps no more: set {LEAST_BACKUPS} to 365"
        )
