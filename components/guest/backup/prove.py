"""Is a target what a manifest promises? Rows and checksums of every table, and every object by name."""

import queue
from collections.abc import Callable
from typing import Any

from . import rows
from .client import Server, Session, SqlError
from .config import Config, Say, Secrets
from .parallel import in_parallel
from .rows import identifier, literal
from .store import choose, open_store

MOST_RANGES = 16
ROWS_PER_RANGE = 500_000


def prove(config: Config, secrets: Secrets, which: str, say: Say) -> dict[str, Any]:
    """Compare the target with a backup: {"backup_id", "restored_rows", "divergent_tables", "problems", "proved"}.

    A divergence is a result, not an error.
    """
    manifest = choose(open_store(config), which)
    with Server(config.target, secrets.target_password) as server:
        return compare(server, config.target.schema, manifest, config.streams, say)


def compare(server: Server, schema: str, manifest: dict[str, Any], streams: int, say: Say) -> dict[str, Any]:
    """The same with the manifest in hand."""
    problems: list[str] = []
    with server.session() as session:
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
    todo: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    for table in sorted(manifest["tables"], key=lambda table: -int(table["rows"])):
        if table["name"] in found:
            todo.put(table)

    def work(stopped: Callable[[], bool]) -> None:
        with server.session(schema) as session:
            while not stopped():
                try:
                    table = todo.get_nowait()
                except queue.Empty:
                    return
                words = table_problem(session, table)
                say({"event": "proved", "table": table["name"], "problem": words})
                if words:
                    problems.append(words)
                    divergent.append(table["name"])

    in_parallel([work] * streams)
    if promised <= found:
        with server.session(schema) as session:
            problems += object_problems(session, schema, manifest)
    return {
        "backup_id": manifest["id"],
        "restored_rows": sum(table["rows"] for table in manifest["tables"]),
        "divergent_tables": sorted(divergent),
        "problems": problems,
        "proved": not problems,
    }


def table_problem(session: Session, table: dict[str, Any]) -> str:
    """What differs in one table, or nothing."""
    columns = [rows.column(data) for data in table["columns"]]
    try:
        # Without a hint: the target may have no primary key of the same columns.
        count, total = session.ask(rows.checksum(table["name"], columns, by_key=False))[0]
    except SqlError as error:
        if error.number != 1054:  # unknown column
            raise
        return f"table {table['name']!r} has other columns than in the backup ({error})"
    if int(count) != table["rows"]:
        return f"table {table['name']!r} has {count} rows, the backup {table['rows']}"
    if total != table["checksum"]:
        return f"table {table['name']!r} has the backup's number of rows, but other content (checksum {total})"
    return ""


def object_problems(session: Session, schema: str, manifest: dict[str, Any]) -> list[str]:
    """Keys, views, routines, triggers and events that are not there, and views that cannot be read."""
    here = literal(schema)
    names = {
        "keys": f"SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = {here}",
        "foreign-keys": "SELECT table_name, constraint_name FROM information_schema.table_constraints "
        f"WHERE table_schema = {here} AND constraint_type = 'FOREIGN KEY'",
        "view": f"SELECT '', table_name FROM information_schema.views WHERE table_schema = {here}",
        "routine": f"SELECT '', routine_name FROM information_schema.routines WHERE routine_schema = {here}",
        "trigger": "SELECT event_object_table, trigger_name FROM information_schema.triggers "
        f"WHERE trigger_schema = {here}",
        "event": f"SELECT '', event_name FROM information_schema.events WHERE event_schema = {here}",
    }
    present = {kind: {(row[0], row[1]) for row in session.ask(sql)} for kind, sql in names.items()}
    problems = [
        f"{wanted['kind']} {wanted['name']!r} is missing"
        for wanted in manifest["objects"]
        if (wanted["table"], wanted["name"]) not in present[wanted["kind"]]
    ]
    for _, name in sorted(present["view"]):
        try:
            # A client ends with its first error.
            session.ask(f"SELECT 1 FROM {identifier(name)} LIMIT 0")
        except SqlError as error:
            return [*problems, f"view {name!r} cannot be read: {error}"]
    return problems
