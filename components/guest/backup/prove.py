"""Is a target what a backup promises? Rows and checksums of every table, and every object by its definition."""

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import SqlError
from . import promise, rows
from .client import Server, Session
from .config import Config, Say, Secrets
from .fetch import script_of
from .parallel import Stopped, in_parallel
from .rows import identifier, literal
from .store import choose, open_store

MOST_RANGES = 16
CHUNKS_PER_RANGE = 2
UNKNOWN_COLUMN = 1054
_INTEGERS = "'tinyint', 'smallint', 'mediumint', 'int', 'bigint'"


@dataclass(frozen=True)
class Sums:
    """What is compared of a table's content; those of its ranges add up."""

    rows: int = 0
    checksum: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.rows + other.rows, self.checksum + other.checksum)


def prove(config: Config, secrets: Secrets, which: str, say: Say) -> dict[str, Any]:
    """Compare the target with a backup: {"backup_id", "restored_rows", "divergent_tables", "problems", "differences",
    "left_out", "proved"}.

    A divergence is a result, not an error.
    """
    store = open_store(config)
    manifest = choose(store, which)
    with Server(config.target, secrets.target_password) as server:
        return compare(server, config.target.schema, manifest, script_of(store, manifest), config.streams, say)


def compare(
    server: Server, schema: str, manifest: dict[str, Any], script: Callable[[str], str], streams: int, say: Say
) -> dict[str, Any]:
    """The same with the manifest in hand, and what gives its scripts."""
    problems: list[str] = []
    with server.session() as session:
        promised_objects = promise.read(session, schema, manifest, script)
        manifest = promise.folded(manifest) if promised_objects.folds else manifest
        found = {
            row[0]
            for row in session.ask(
                "SELECT table_name FROM information_schema.tables "
                f"WHERE table_schema = {literal(schema)} AND table_type = 'BASE TABLE'"
            )
        }
    promised = {table["name"] for table in manifest["tables"]}
    divergent = sorted(found ^ promised)
    problems += [f"table {name!r} is missing" for name in sorted(promised - found)]
    problems += [f"table {name!r} is not in the backup" for name in sorted(found - promised)]
    for table, words in _compared(server, schema, [one for one in manifest["tables"] if one["name"] in found], streams):
        say({"event": "proved", "table": table, "problem": words})
        if words:
            problems.append(words)
            divergent.append(table)
    objects = promise.compare(server, promised_objects) if promised <= found else promise.Findings()
    problems += objects.problems
    return {
        "backup_id": manifest["id"],
        "restored_rows": sum(table["rows"] for table in manifest["tables"]),
        "divergent_tables": sorted(divergent),
        "problems": problems,
        "differences": objects.differences,
        "left_out": objects.left_out,
        "proved": not problems,
    }


def _compared(server: Server, schema: str, tables: list[dict[str, Any]], streams: int) -> list[tuple[str, str]]:
    """(table, what differs or "") of each, read in ranges side by side."""
    todo: queue.SimpleQueue[tuple[dict[str, Any], str]] = queue.SimpleQueue()
    with server.session(schema) as session:
        for table in sorted(tables, key=lambda table: -int(table["rows"])):
            for condition in conditions(session, table):
                todo.put((table, condition))
    seen = {table["name"]: Sums() for table in tables}
    odd: dict[str, str] = {}
    lock = threading.Lock()

    def work(stopped: Stopped) -> None:
        with contextlib.ExitStack() as stack:
            session = stack.enter_context(server.session(schema))
            while not stopped():
                try:
                    table, condition = todo.get_nowait()
                except queue.Empty:
                    return
                name = table["name"]
                try:
                    found = sums(session, table, condition)
                except SqlError as error:
                    if error.number != UNKNOWN_COLUMN:
                        raise
                    odd[name] = f"table {name!r} has other columns than in the backup ({error})"
                    session = stack.enter_context(server.session(schema))  # a client ends with its first error
                    continue
                with lock:
                    seen[name] += found

    in_parallel([work] * streams)
    return [(table["name"], odd.get(table["name"]) or difference(table, seen[table["name"]])) for table in tables]


def conditions(session: Session, table: dict[str, Any]) -> list[str]:
    """WHERE conditions that cut a large table into ranges of its primary key; one that is empty for any other. The
    session uses the table's schema."""
    wanted = min(MOST_RANGES, len(table["chunks"]) // CHUNKS_PER_RANGE)
    if wanted < 2:
        return [""]
    first = session.ask(
        "SELECT columns.column_name FROM information_schema.statistics JOIN information_schema.columns "
        "USING (table_schema, table_name, column_name) WHERE table_schema = DATABASE() "
        f"AND table_name = {literal(table['name'])} AND index_name = 'PRIMARY' AND seq_in_index = 1 "
        f"AND data_type IN ({_INTEGERS})"
    )
    if not first:
        return [""]
    column = identifier(first[0][0])
    low, high = session.ask(f"SELECT MIN({column}), MAX({column}) FROM {identifier(table['name'])}")[0]
    if low == "NULL":
        return [""]
    return [f"{column} BETWEEN {start} AND {end}" for start, end in rows.ranges(int(low), int(high), wanted)]


def sums(session: Session, table: dict[str, Any], condition: str) -> Sums:
    """Rows and checksum of one range."""
    columns = [rows.column(data) for data in table["columns"]]
    count, total = session.ask(rows.checksum(table["name"], columns, condition))[0]
    return Sums(int(count), int(total))


def difference(table: dict[str, Any], found: Sums) -> str:
    """What differs in one table, or nothing."""
    if found.rows != table["rows"]:
        return f"table {table['name']!r} has {found.rows} rows, the backup {table['rows']}"
    if str(found.checksum) != table["checksum"]:
        return f"table {table['name']!r} has the backup's number of rows, but other content (checksum {found.checksum})"
    return ""
