"""What a server must be so that a backup comes back as it was: facts of the server and a manifest in, sentences out.

One look before the first write, everything that is wrong at once. What a session may set for itself it sets; what a
server alone can say is said with the parameter. Pure: source.py reads what a manifest carries, look.py a target.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

OLDEST = (8, 0, 16)
"""CHECK constraints."""
UTC = frozenset({"utc", "etc/utc", "+00:00", "gmt", "universal", "zulu", "coordinated universal time"})


@dataclass(frozen=True)
class Meaning:
    """A server's setting that an application's sessions begin with, so that the same statement does the same."""

    name: str
    why: str
    at_least: bool = False
    """More is as good."""


MEANING = (
    Meaning("time_zone", "NOW(), CURDATE() and TIMESTAMP columns are read and written in it"),
    Meaning("sql_mode", 'which values are refused, cut or taken, and what `||` and `"` mean'),
    Meaning("character_set_server", "new tables get it"),
    Meaning("collation_server", "new tables compare and sort by it"),
    Meaning("default_collation_for_utf8mb4", "text that names utf8mb4 alone compares by it"),
    Meaning("explicit_defaults_for_timestamp", "TIMESTAMP columns of new tables get other defaults"),
    Meaning("group_concat_max_len", "GROUP_CONCAT cuts without an error", at_least=True),
    Meaning("max_allowed_packet", "larger values and statements are refused", at_least=True),
    Meaning("transaction_isolation", "what a transaction sees of others"),
    Meaning("autocommit", "whether a statement is kept without COMMIT"),
    Meaning("init_connect", "sessions begin with it"),
    Meaning("div_precision_increment", "how many digits a division has"),
    Meaning("default_week_format", "which week WEEK() says"),
    Meaning("lc_time_names", "the language of DATE_FORMAT's names"),
    Meaning("block_encryption_mode", "what AES_DECRYPT can read"),
    Meaning("auto_increment_increment", "which numbers new rows get"),
    Meaning("auto_increment_offset", "which numbers new rows get"),
    Meaning("ngram_token_size", "what a full-text search finds"),
    Meaning("innodb_ft_min_token_size", "what a full-text search finds"),
    Meaning("innodb_ft_enable_stopword", "what a full-text search finds"),
    Meaning("event_scheduler", "whether scheduled events run"),
)
PROGRAMS = frozenset({"function", "procedure", "trigger", "routine"})
"""Kinds of objects that a server may not let its users make; `routine` is an earlier twinsite's word for two."""
TRAVELS = frozenset({one.name for one in MEANING} | {"lower_case_table_names", "innodb_strict_mode"})
"""What of a server's settings a manifest carries."""


@dataclass(frozen=True)
class Facts:
    """A server, as a restore meets it."""

    version: str
    variables: "Mapping[str, str]"
    """SHOW GLOBAL VARIABLES; `time_zone` is never SYSTEM."""
    settable: "frozenset[str]" = frozenset()
    """Those of SESSION that this user may set for itself."""
    zones: "frozenset[str]" = frozenset()
    """Of the named time zones that the backup needs, those that the server knows."""
    tablespaces: "frozenset[str] | None" = frozenset()
    """None: not shown to this user."""
    may_trust: bool = False
    """It may make routines and triggers whatever log_bin_trust_function_creators says."""


@dataclass(frozen=True)
class Judged:
    """What is to be done about a target."""

    problems: "list[str]"
    session: "dict[str, str]" = field(default_factory=dict)
    """What each session of the restore sets for itself."""


def series(version: str) -> "tuple[int, ...]":
    """(8, 4) of `8.4.6-0ubuntu1`; empty for what is no version."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return tuple(int(part) for part in found.groups()) if found else ()


def judge(manifest: "Mapping[str, Any]", facts: Facts) -> Judged:
    """May this backup be restored there. A manifest of an earlier twinsite says less: what it does not say is not asked
    (said by not_known)."""
    needs: Mapping[str, Any] = manifest.get("needs") or {}
    session: dict[str, str] = {}
    problems = [
        *_version(str(manifest["source"]["version"]), facts.version),
        *_packet(manifest, facts),
        *_closed(manifest, facts),
        *_names(manifest, facts),
        *_tablespaces(needs, facts),
        *_zones(needs, facts),
        *_per_session(manifest, needs, facts, session),
    ]
    return Judged(problems, session)


def not_known(manifest: "Mapping[str, Any]") -> str:
    """What nobody can look at because an earlier twinsite made the backup; empty when it says everything."""
    if "needs" in manifest and "settings" in manifest["source"]:
        return ""
    return (
        "an earlier twinsite made this backup: whether the application's settings, time zones, keys and tablespaces "
        "are as at its source is not known"
    )


def _version(theirs: str, ours: str) -> "Iterator[str]":
    here = tuple(int(part) for part in re.findall(r"\d+", ours)[:3])
    if here < OLDEST:
        yield f"the target runs MySQL {ours}: CHECK constraints need 8.0.16 or later"
    if series(ours) < series(theirs):
        yield (
            f"the backup is of MySQL {theirs}, newer than the target's {ours}, and no dump loads into an older series: "
            "upgrade the target to that series or later"
        )


def _packet(manifest: "Mapping[str, Any]", facts: Facts) -> "Iterator[str]":
    longest = max((table.get("longest_row", 0) for table in manifest["tables"]), default=0)
    packet = int(facts.variables.get("max_allowed_packet", 1 << 30))
    if longest > packet:
        # CONCAT_WS would be NULL, so that row would be in no sum of the target's.
        yield (
            f"max_allowed_packet is {packet} on the target and a row of the backup has {longest} bytes, so it could "
            f"not be proved there: set the server parameter to at least {longest}"
        )


def _closed(manifest: "Mapping[str, Any]", facts: Facts) -> "Iterator[str]":
    programs = [wanted["name"] for wanted in manifest["objects"] if wanted["kind"] in PROGRAMS]
    yield from closed(programs, facts)


def closed(programs: "list[str]", facts: Facts) -> "Iterator[str]":
    """Settings of the server that forbid a restore with these routines and triggers; each with the one to change."""
    if facts.variables.get("local_infile") != "ON":
        yield (
            "local_infile is OFF on the target: SET GLOBAL local_infile = ON, or set the server parameter (at RDS in "
            "its parameter group)"
        )
    trusted = facts.variables.get("log_bin") != "ON" or facts.variables.get("log_bin_trust_function_creators") == "ON"
    if programs and not trusted and not facts.may_trust:
        yield (
            "log_bin_trust_function_creators is OFF on the target, so this user cannot make "
            f"{', '.join(programs[:3])}: set the server parameter to ON"
        )
    if "ON" in (facts.variables.get("read_only"), facts.variables.get("super_read_only")):
        yield "the target is read_only: name the writable server"


def _names(manifest: "Mapping[str, Any]", facts: Facts) -> "Iterator[str]":
    if facts.variables.get("lower_case_table_names", "0") != "0":
        yield from collisions(manifest)


def collisions(manifest: "Mapping[str, Any]") -> "Iterator[str]":
    """Tables and views that a server that folds names cannot tell apart; sentences."""
    views = [made["name"] for made in manifest["objects"] if made["kind"] == "view"]
    seen: dict[str, str] = {}
    for name in [*(table["name"] for table in manifest["tables"]), *views]:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield (
                f"{other!r} and {name!r} are one name on the target, whose lower_case_table_names is not 0: rename one "
                "of them, or make a target with lower_case_table_names = 0"
            )


def _tablespaces(needs: "Mapping[str, Any]", facts: Facts) -> "Iterator[str]":
    for table, space in sorted((needs.get("tablespaces") or {}).items()):
        if facts.tablespaces is None or space not in facts.tablespaces:
            yield (
                f"table {table!r} is in tablespace {space}, which the target has not (or does not show this user): at "
                f"the source ALTER TABLE {table} TABLESPACE innodb_file_per_table, and take a backup; or make it at "
                "the target"
            )


def _zones(needs: "Mapping[str, Any]", facts: Facts) -> "Iterator[str]":
    missing = [zone for zone in needs.get("time_zones") or [] if zone not in facts.zones]
    if missing:
        yield (
            f"the target does not know time zone {', '.join(missing)}, which events run by: fill its time zone tables "
            "(`CALL mysql.az_load_timezone()` on Azure, `mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql` on "
            "a machine)"
        )


@dataclass(frozen=True)
class Wanted:
    """A setting under which the tables can be made, and why."""

    name: str
    value: str
    otherwise: str


def wanted(manifest: "Mapping[str, Any]", variables: "Mapping[str, str]") -> "list[Wanted]":
    """What sessions of a restore need other than the target's variables give them."""
    needs: Mapping[str, Any] = manifest.get("needs") or {}
    source: Mapping[str, str] = manifest["source"].get("settings") or {}
    bare, counted = needs.get("without_primary_key") or [], needs.get("no_invisible_key") or []
    loose, stamps = needs.get("loose_foreign_keys") or [], needs.get("timestamps") or []
    makes_keys = variables.get("sql_generate_invisible_primary_key") == "ON"
    asked: list[tuple[bool, Wanted]] = [
        (
            bool(loose),
            Wanted("restrict_fk_on_non_standard_key", "OFF", f"foreign key {_some(loose)} leads to no unique key"),
        ),
        (
            bool(counted),
            Wanted(
                "sql_generate_invisible_primary_key",
                "OFF",
                f"table {_some(counted)} counts or has partitions, and no primary key: it cannot get an invisible one",
            ),
        ),
        (
            bool(bare) and (not makes_keys or bool(counted)),
            Wanted("sql_require_primary_key", "OFF", f"table {_some(bare)} has no primary key"),
        ),
        (
            bool(stamps),
            Wanted(
                "explicit_defaults_for_timestamp", "ON", f"table {_some(stamps)} would get other defaults of TIMESTAMP"
            ),
        ),
        (
            source.get("innodb_strict_mode") == "OFF",
            Wanted("innodb_strict_mode", "OFF", "tables were made without it, whose rows or options it refuses"),
        ),
    ]  # fmt: skip
    return [one for when, one in asked if when and one.name in variables and variables[one.name] != one.value]


def _per_session(
    manifest: "Mapping[str, Any]", needs: "Mapping[str, Any]", facts: Facts, session: "dict[str, str]"
) -> "Iterator[str]":
    for one in wanted(manifest, facts.variables):
        if one.name in facts.settable:
            session[one.name] = one.value
        else:
            yield (
                f"{one.name} is {facts.variables[one.name]} on the target and this user may not set it for itself; "
                f"{one.otherwise}: set the server parameter to {one.value}"
            )


def _some(names: "Iterable[str]") -> str:
    listed = [repr(name) for name in names]
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def other_meaning(
    manifest: "Mapping[str, Any]", variables: "Mapping[str, str]", may_differ: "Iterable[str]" = ()
) -> "list[str]":
    """Settings with which the application would do something else than at the source; each with what to set."""
    source: Mapping[str, str] = manifest["source"].get("settings") or {}
    accepted = set(may_differ)
    problems = []
    for one in MEANING:
        if one.name in accepted or one.name not in source or one.name not in variables:
            continue
        if one.name == "event_scheduler" and not manifest.get("events"):
            continue
        theirs, ours = source[one.name], variables[one.name]
        if not _same(one, theirs, ours):
            problems.append(
                f"{one.name} is {ours!r} here and was {theirs!r} at the source ({one.why}): `pulumi config set --path "
                f"'database_settings.{one.name}' {_word(theirs)}` and `pulumi up`; the same with {_word(ours)} accepts "
                "the difference"
            )
    return problems


def _word(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _same(one: Meaning, theirs: str, ours: str) -> bool:
    if one.at_least:
        return int(ours) >= int(theirs)
    if one.name == "time_zone":
        return theirs == ours or {theirs.lower(), ours.lower()} <= UTC
    if one.name == "sql_mode":
        return set(filter(None, theirs.split(","))) == set(filter(None, ours.split(",")))
    return theirs == ours


def way_home(home: "Mapping[str, Any]", away: "Mapping[str, Any]") -> "list[str]":
    """Why data of `away` could not come home to a server like `home`: {"version", "lower_case_table_names", "names"},
    where an unknown part is left out. Asked long before anybody's writes are stopped for it."""
    problems = []
    here, there = series(str(home.get("version") or "")), series(str(away.get("version") or ""))
    if here and there and there > here:
        problems.append(
            f"the standby runs MySQL {away['version']} and the primary {home['version']}: data may go there and never "
            "come home, because no dump loads into an older series: give the standby the primary's series "
            "(`database_version`), or upgrade the primary first"
        )
    return problems + lost_case(home, away)


def at_a_managed_standby(manifest: "Mapping[str, Any]") -> "list[str]":
    """What is known of any flexible server before there is one: it folds names and has no tablespaces of one's own."""
    settings = manifest["source"].get("settings") or {}
    home = {**settings, "names": [str(table["name"]) for table in manifest["tables"]]}
    none = Facts("", {"lower_case_table_names": "1"})
    return [
        *lost_case(home, {"lower_case_table_names": "1"}),
        *_names(manifest, none),
        *_tablespaces(manifest.get("needs") or {}, none),
    ]


def lost_case(home: "Mapping[str, Any]", away: "Mapping[str, Any]") -> "list[str]":
    """The part of it that is about capital letters in the names of tables."""
    problems = []
    cases = str(home.get("lower_case_table_names", "")), str(away.get("lower_case_table_names", ""))
    capitals = [name for name in home.get("names") or [] if name != name.lower()]
    if cases[0] == "0" and cases[1] == "1" and capitals:
        problems.append(
            f"table {_some(capitals)} has capital letters at the primary and none at the standby, whose "
            f"lower_case_table_names is {cases[1]}: it would come home as {capitals[0].lower()!r}, which the "
            "application there does not find: rename the tables, or take a standby that keeps the case "
            "(`database_kind machine`)"
        )
    return problems
