"""What a server says its objects are: SHOW CREATE, byte by byte, for the backup to keep and for the proof to compare.

Not from information_schema, where literals are without their escapes and in utf8mb3; and results are `binary`, so that
nothing is converted: a routine's body is as its author's client wrote it, and CHECKs and defaults keep what has four
bytes, which a client of utf8mb4 is shown as question marks.
"""

from dataclasses import dataclass
from typing import Any

from ..errors import Failed, Refused, SqlError
from . import ddl
from .client import Questions, Server, Session
from .ddl import Statement
from .rows import identifier, literal

_UTF8 = ("utf8", "utf8mb3", "utf8mb4")
_BROKEN = "1356"
# Of an ENUM or SET whose members MySQL shows in utf8mb3, whatever they are.
_WIDER = ("utf8mb4", "utf16", "utf16le", "utf32", "gb18030")
_FEW_SECONDS = 5
_AS_BYTES = "SET SESSION character_set_results = binary"
_NOT_THE_VIEWS = (0, 1205)
"""A lost connection; a lock that somebody holds for too long."""


@dataclass(frozen=True)
class Program:
    """A routine, view, trigger or event."""

    statement: Statement
    definer: str
    status: str = ""
    """Of an event: ENABLED, DISABLED or SLAVESIDE_DISABLED and its kind."""


@dataclass(frozen=True)
class Concern:
    """What a restore may have to leave out, said when the backup is taken."""

    kind: str
    """foreign-key, view, column or any kind of a program."""
    name: str
    table: str
    words: str
    """A sentence."""

    def to_dict(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "table": self.table, "words": self.words}


def as_bytes(session: Session) -> None:
    """From here on the session's results are converted to nothing."""
    session.ask(_AS_BYTES)


def table(session: Session, name: str) -> str:
    """A table's SHOW CREATE TABLE. The session uses its schema and results are bytes."""
    return session.ask(f"SHOW CREATE TABLE {identifier(name)}")[0][1]


def programs(server: Server, schema: str) -> tuple[list[Program], list[Concern]]:
    """All of a schema, in the order in which a restore makes them; and what cannot be shown or read at all."""
    # Behind somebody's ALTER TABLE we would wait as long as our own snapshot is open.
    settings = (f"SET SESSION lock_wait_timeout = {_FEW_SECONDS}", _AS_BYTES)
    with server.session(schema) as session:
        for setting in settings:
            session.ask(setting)
        listed = _listed(session, schema)
        found = [_routine(session, row) for row in listed["routine"]]
        with Questions(server, schema, *settings) as asked:
            views, concerns = _views(asked, schema, [row["name"] for row in listed["view"]])
        found += views
        triggers = [_trigger(session, row) for row in listed["trigger"]]
        for made in (one.statement for one in triggers):
            if outside := ddl.program_uses(made.sql, schema):
                words = f"trigger {made.name!r} uses {', '.join(outside)}, which this backup does not hold"
                words += ": a restore leaves it out where the target has no such thing, for no row could be written"
                concerns.append(Concern("trigger", made.name, made.table, words))
        found += triggers
        found += [_event(session, row) for row in listed["event"]]
        return found, concerns


def _listed(session: Session, schema: str) -> dict[str, list[dict[str, Any]]]:
    here = literal(schema)
    routines = session.objects(
        {"name": "routine_name", "kind": "LOWER(routine_type)"},
        f"FROM information_schema.routines WHERE routine_schema = {here} ORDER BY routine_type, routine_name",
    )
    for row in routines:
        if row["kind"] not in ("function", "procedure"):
            raise Refused([f"{row['kind']} {row['name']!r} cannot be backed up: twinsite knows no such object"])
    return {
        "routine": routines,
        "view": session.objects(
            {"name": "table_name"}, f"FROM information_schema.views WHERE table_schema = {here} ORDER BY table_name"
        ),
        "trigger": session.objects(
            {"name": "trigger_name", "table": "event_object_table"},
            f"FROM information_schema.triggers WHERE trigger_schema = {here} "
            "ORDER BY event_object_table, action_timing, event_manipulation, action_order",
        ),
        "event": session.objects(
            {"name": "event_name", "status": "status"},
            f"FROM information_schema.events WHERE event_schema = {here} ORDER BY event_name",
        ),
    }


def _under(mode: str, client: str, collation: str) -> dict[str, str]:
    return {"sql_mode": mode, "character_set_client": client, "collation_connection": collation}


def _shown(kind: str, name: str, text: str) -> tuple[str, str]:
    if not text or text == "NULL":
        raise Refused(
            [f"the text of {kind} {name!r} is not shown to this user: GRANT SHOW_ROUTINE ON *.* TO this user"]
        )
    return ddl.without_definer(text)


def _routine(session: Session, row: dict[str, Any]) -> Program:
    kind, name = row["kind"], row["name"]
    _, mode, text, client, collation, schemas = session.ask(f"SHOW CREATE {kind.upper()} {identifier(name)}")[0][:6]
    sql, definer = _shown(kind, name, text)
    sql = _in_one_set(session, kind, name, sql, client)
    return Program(Statement(kind, name, sql, "", _under(mode, client, collation), schemas), definer)


def _trigger(session: Session, row: dict[str, Any]) -> Program:
    name = row["name"]
    _, mode, text, client, collation, schemas = session.ask(f"SHOW CREATE TRIGGER {identifier(name)}")[0][:6]
    sql, definer = _shown("trigger", name, text)
    sql = _in_one_set(session, "trigger", name, sql, client)
    return Program(Statement("trigger", name, sql, row["table"], _under(mode, client, collation), schemas), definer)


def _event(session: Session, row: dict[str, Any]) -> Program:
    name = row["name"]
    _, mode, zone, text, client, collation, schemas = session.ask(f"SHOW CREATE EVENT {identifier(name)}")[0][:7]
    sql, definer = _shown("event", name, text)
    sql = _in_one_set(session, "event", name, ddl.disabled(sql, mode), client)
    # Its times are shown in its own zone.
    settings = _under(mode, client, collation) | {"time_zone": zone}
    return Program(Statement("event", name, sql, "", settings, schemas), definer, row["status"])


def _views(asked: Questions, schema: str, names: list[str]) -> tuple[list[Program], list[Concern]]:
    found: list[Program] = []
    doubts: dict[str, str] = {}
    for name in names:
        program, words = _view(asked, name)
        if words:
            doubts[name] = words
        if program:
            found.append(program)
            outside = ddl.view_reads(program.statement.sql, schema)
            if outside and not words:
                words = f"view {name!r} uses {', '.join(outside)}, which this backup does not hold"
                doubts[name] = f"{words}: a restore leaves it out where the target has no such thing"
    # Who reads such a view is in the same doubt.
    more = True
    while more:
        more = False
        for made in (program.statement for program in found if program.statement.name not in doubts):
            if used := sorted(ddl.view_uses(made.sql) & doubts.keys()):
                doubts[made.name] = (
                    f"view {made.name!r} reads {', '.join(used)}, and a restore may have to leave both out"
                )
                more = True
    return found, [Concern("view", name, "", words) for name, words in doubts.items()]


def _view(asked: Questions, name: str) -> tuple["Program | None", str]:
    """A view, and what is wrong with it: there are views that MySQL itself cannot show."""
    try:
        # Together: the statement after it would take its warnings away.
        shown, *warnings = asked.ask(f"SHOW CREATE VIEW {identifier(name)}; SHOW WARNINGS")
        _, text, client, collation = shown[:4]
        told = [row[2] for row in warnings if row[1] == _BROKEN]
    except SqlError as error:
        if error.number in _NOT_THE_VIEWS:
            raise
        return None, f"view {name!r} is not in this backup, its own server cannot show it: {error}"
    sql, definer = _shown("view", name, text)
    settings = {"character_set_client": client, "collation_connection": collation}
    words = f"view {name!r} is broken, so a restore leaves it out if it cannot be made: {told[0]}" if told else ""
    return Program(Statement("view", name, sql, "", settings), definer), words


def _in_one_set(session: Session, kind: str, name: str, text: str, client: str) -> str:
    """A program's text in its author's character set: the server's own words about it, its name and comment, are shown
    in UTF-8 even where the body is not."""
    if client in _UTF8 or text.isascii():
        return text
    return "".join(
        in_set(session, piece, client) if is_servers else piece for is_servers, piece in ddl.pieces(kind, text)
    )


def in_set(session: Session, text: str, client: str) -> str:
    """UTF-8 text in another of the server's character sets, as it would be typed there."""
    if client in _UTF8 or text.isascii():
        return text
    given = f"_utf8mb4 X'{text.encode('utf-8', 'surrogateescape').hex()}'"
    told, back = session.ask(
        f"SELECT HEX(CONVERT({given} USING {client})), "
        f"CONVERT(CONVERT({given} USING {client}) USING utf8mb4) = {given} COLLATE utf8mb4_bin"
    )[0]
    if back != "1":
        raise Failed(f"{text!r} cannot be written in {client}, which its author's client had: make this object anew")
    return bytes.fromhex(told).decode("utf-8", "surrogateescape")


def enumerations(session: Session, name: str, text: str) -> tuple[str, list[Concern]]:
    """(a table's definition with its ENUMs and SETs as they are, what is not known of them).

    MySQL shows their members in utf8mb3, a letter beyond as a question mark (bugs.mysql.com 110291 is of its kind).
    What a member really is can be seen where a row holds it.
    """
    concerns: list[Concern] = []
    for column, kind, shown in ddl.enumerations(text, name):
        if not any("?" in member for member in shown):
            continue
        given = session.ask(
            "SELECT character_set_name FROM information_schema.columns WHERE table_schema = DATABASE() "
            f"AND table_name = {literal(name)} AND column_name = {literal(column)}"
        )
        if given[0][0] not in _WIDER:
            continue
        members, field = list(shown), identifier(column)
        for number, member in enumerate(shown):
            if "?" not in member:
                continue
            held = f"{field} = {number + 1}" if kind == "ENUM" else f"{field} & {1 << number}"
            rows = session.ask(
                f"SELECT HEX(CONVERT({field} USING utf8mb4)), {field} + 0 FROM {identifier(name)} WHERE {held} LIMIT 1"
            )
            if rows:
                value = bytes.fromhex(rows[0][0]).decode("utf-8")
                before = bin(int(rows[0][1]) & ((1 << number) - 1)).count("1") if kind == "SET" else 0
                members[number] = literal(value.split(",")[before] if kind == "SET" else value)
            else:
                concerns.append(
                    Concern(
                        "column",
                        column,
                        name,
                        f"member {member} of {kind} {column!r} in table {name!r} is in no row, so it cannot be seen "
                        "whether MySQL shows it as it is: if its question mark is a letter beyond U+FFFF, it comes "
                        "back as a question mark",
                    )
                )
        text = ddl.with_members(text, name, column, members) if members != shown else text
    return text, concerns
