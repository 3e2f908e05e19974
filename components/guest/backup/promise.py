"""What a backup promises of a schema's objects at one target, and whether they are there: both servers' own words.

Not compared is what a restore changes on purpose (definers, events that wait disabled, counters), nor what it has to
leave out: that is said, each with its reason, and is never called proved in silence.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import SqlError
from . import ddl, definitions
from .client import Questions, Server, Session
from .ddl import Statement
from .rows import identifier, literal

SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Promise:
    """Of one backup, under the name and the rules of the target's schema."""

    schema: str
    tables: list[Statement]
    programs: list[Statement]
    """Routines, views, triggers and events, in the order in which they are made."""
    left_out: dict[str, str]
    """Label and sentence of what cannot be made under another name than at the source."""
    foreign: dict[tuple[str, str], str]
    """Table and name of foreign keys that lead out of the schema, with the sentence of the backup."""
    doubts: dict[str, str]
    """Label of views that may be impossible to make and triggers that may stop every row, with the backup's words."""
    folds: bool
    """The target keeps names of tables in small letters (lower_case_table_names)."""
    same_series: bool
    """Both servers word a definition alike."""

    def name(self, name: str) -> str:
        """A table's name as the target has it."""
        return name.lower() if self.folds else name

    def may_lack(self, statement: Statement) -> str:
        """Why it does not end a restore that something is not made; or nothing."""
        words = self.doubts.get(statement.label, "")
        if statement.kind == "view" and self.left_out:
            first, more = list(self.left_out)[:3], len(self.left_out) - 3
            words = f"what it needs may be among {', '.join(first)}{f' and {more} more' if more > 0 else ''}"
        return _without(statement.kind, statement.name, words) if words else ""


def _without(kind: str, name: str, words: str, place: str = "") -> str:
    return f"{kind} {name!r}{place} is left out: {words}"


@dataclass
class Findings:
    """Of a comparison."""

    problems: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    """Views, and whatever a server of another series words otherwise, or what is another one: to be looked at."""
    left_out: list[str] = field(default_factory=list)


def folds(session: Session) -> bool:
    """Whether the server knows names of tables in small letters only."""
    return session.value("@@lower_case_table_names") != "0"


def folded(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest with its tables' names as a server that folds them has them."""
    tables = [{**table, "name": table["name"].lower()} for table in manifest["tables"]]
    return {**manifest, "tables": tables}


def read(session: Session, schema: str, manifest: dict[str, Any], text: Callable[[str], str]) -> Promise:
    """Of a backup whose scripts `text` gives, for this schema of the session's server."""
    fold = folds(session)
    source = str(manifest["source"]["version"]).split("-")[0].split(".")[:2]
    tables, programs = ddl.parse(text("schema.sql.zst")), ddl.parse(text("after.sql.zst"))
    old = manifest["schema"]
    left_out = {}
    if schema != old:
        # A view is in the server's own words; a program is in its author's, and would work on the other schema.
        for made in programs:
            if made.kind != "view" and ddl.names(made, old):
                words = f"it names schema {old!r}, where it would work from here"
                left_out[made.label] = _without(made.kind, made.name, words)
        programs = [ddl.moved(made, old, schema) for made in programs if made.label not in left_out]
    if fold:
        tables = [dataclasses.replace(made, name=made.name.lower()) for made in tables]
        programs = [dataclasses.replace(made, table=made.table.lower(), name=_folded_name(made)) for made in programs]
    concerns = manifest.get("concerns", [])
    lower = str.lower if fold else str
    return Promise(
        schema=schema,
        tables=tables,
        programs=programs,
        left_out=left_out,
        foreign={(lower(one["table"]), one["name"]): one["words"] for one in concerns if one["kind"] == "foreign-key"},
        doubts={
            f"{one['kind']} {lower(one['name']) if one['kind'] == 'view' else one['name']}": one["words"]
            for one in concerns
            if one["kind"] in ("view", "trigger")
        },
        folds=fold,
        same_series=session.value("@@version").split("-")[0].split(".")[:2] == source,
    )


def _folded_name(made: Statement) -> str:
    return made.name.lower() if made.kind == "view" else made.name


def compare(server: Server, promised: Promise) -> Findings:
    """The target's definitions with the promised ones. Every promised table is there."""
    found = Findings(left_out=list(promised.left_out.values()))
    with server.session(promised.schema) as session:
        definitions.as_bytes(session)
        for made in promised.tables:
            _table(session, promised, made, found)
        present = {one.statement.label: one.statement for one in definitions.programs(server, promised.schema)[0]}
        for made in promised.programs:
            there = present.get(made.label)
            if there:
                _same(promised, made.label, [made.sql, *_around(made)], [there.sql, *_around(there)], found)
            elif words := (promised.may_lack(made) or past(session, made)):
                found.left_out.append(words)
            else:
                found.problems.append(f"{made.kind} {made.name!r} is missing")
    with Questions(server, promised.schema) as asked:
        for made in promised.programs:
            if made.kind == "view" and made.label in present:
                _readable(asked, promised, made, found)
    return found


def _table(session: Session, promised: Promise, made: Statement, found: Findings) -> None:
    text = definitions.table(session, made.name)
    # What a backup has seen in rows, MySQL goes on to show as a question mark.
    text = definitions.enumerations(session, made.name, text)[0]
    keys = {name for kept in ddl.split(made.name, text).foreign_keys for name, _ in kept.clauses}
    lacking = {
        name: words for (table, name), words in promised.foreign.items() if table == made.name and name not in keys
    }
    place = f" of table {made.name!r}"
    found.left_out += [_without("foreign key", name, words, place) for name, words in lacking.items()]
    wanted = ddl.comparable(made.name, made.sql, set(lacking))
    _same(promised, f"table {made.name}", wanted, ddl.comparable(made.name, text), found)


def _around(made: Statement) -> list[str]:
    return [f"{name} = {value}" for name, value in sorted({**made.settings, "collation": made.collation}.items())]


def _same(promised: Promise, label: str, wanted: list[str], there: list[str], found: Findings) -> None:
    if promised.folds:
        wanted, there = [part.lower() for part in wanted], [part.lower() for part in there]
    if label.startswith("view "):
        wanted, there = [ddl.same_columns(part) for part in wanted], [ddl.same_columns(part) for part in there]
    if wanted == there:
        return
    odd = [part for part in there if part not in wanted] or there
    lacks = [part for part in wanted if part not in there] or wanted
    words = f"{label} is defined otherwise than in the backup: {_cut(odd[0])} in place of {_cut(lacks[0])}"
    # A view holds no data, and MySQL does not always show again what it was given: to be looked at, no reason to stand
    # without a database.
    certain = promised.same_series and not label.startswith("view ")
    (found.problems if certain else found.differences).append(words)


def _cut(text: str) -> str:
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return repr(shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + "…")


def past(session: Session, made: Statement) -> str:
    """Why an event is not there: its time has gone by, and MySQL makes none of the past. Or nothing."""
    when = ddl.ends(made.sql) if made.kind == "event" else ""
    if not when:
        return ""
    zone = literal(made.settings["time_zone"])
    if session.value(f"CONVERT_TZ({literal(when)}, {zone}, '+00:00') <= UTC_TIMESTAMP()") != "1":
        return ""
    return _without(
        "event",
        made.name,
        f"its last time was {when} ({made.settings['time_zone']}), and MySQL makes no event of the past; where it has "
        "not run, run by hand what it does",
    )


def _readable(asked: Questions, promised: Promise, made: Statement, found: Findings) -> None:
    try:
        asked.ask(f"SELECT 1 FROM {identifier(made.name)} LIMIT 0")
    except SqlError as error:
        words = promised.may_lack(made)
        where = found.left_out if words else found.problems
        where.append(words or f"view {made.name!r} cannot be read: {error}")


def stops_rows(session: Session, made: Statement, schema: str) -> bool:
    """Whether a trigger uses a table or routine of another schema that is not there: no row could be written."""
    for name in ddl.program_uses(made.sql, schema) if made.kind == "trigger" else []:
        place, _, what = name.partition(".")
        counts = [
            f"(SELECT COUNT(*) FROM information_schema.{one}s WHERE {one}_schema = {literal(place)} "
            f"AND {one}_name = {literal(what)})"
            for one in ("table", "routine")
        ]
        if session.value(" + ".join(counts)) == "0":
            return True
    return False


def missing_reference(session: Session, clause: str) -> bool:
    """Whether a foreign key's clause leads to a table of another schema that is not there."""
    counts = [
        f"(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = {literal(schema)} "
        f"AND table_name = {literal(table)})"
        for _, schema, table in ddl.references_outside("", f"CREATE TABLE (\n{clause}\n)")
    ]
    return any(session.value(count) == "0" for count in counts)
