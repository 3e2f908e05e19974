"""The backup itself: one moment of a schema, read in parallel, compressed in chunks, the manifest last."""

import datetime
import hashlib
import json
import queue
import threading
from dataclasses import dataclass, field
from typing import Any

from ..errors import Failed, Refused, SqlError
from . import catalog, ddl, definitions, exact, manifest, privileges, rows, snapshot, source
from . import writer as writers
from .catalog import Catalog, Table
from .client import Server, Session
from .compress import Chunk, compress
from .config import Config, Say, Secrets
from .parallel import Stopped, Work, in_parallel
from .store import Store, open_store
from .undisturbed import still_undisturbed, undisturbed

# Ranges of a table that several connections read at once; smaller tables are read in one.
PART_BYTES = 64 * 1024 * 1024
MOST_PARTS = 64
DEFINITION_TRIES = 3


@dataclass
class _Part:
    """A range of a table, in the order of the primary key."""

    table: Table
    where: str


@dataclass
class _Written:
    """What is known of a table so far."""

    rows: int = 0
    checksum: int = 0
    longest: int = 0
    chunks: list[dict[str, Any]] = field(default_factory=list)
    numbers: int = 0


class _Writer:
    """What the connections share: the store and what has been written."""

    def __init__(self, store: Store, backup_id: str, chunk_bytes: int, say: Say) -> None:
        self._store, self._id, self._say = store, backup_id, say
        self._lock = threading.Lock()
        self.chunk_bytes = chunk_bytes
        self.tables: dict[str, _Written] = {}
        self.files: list[dict[str, Any]] = []
        self.mark = rows.new_mark()

    def file(self, blob: str, text: str) -> None:
        content = compress(text.encode("utf-8", "surrogateescape"))
        self._store.put(manifest.path(self._id, blob), content)
        digest = hashlib.sha256(content).hexdigest()
        self.files.append({"blob": blob, "bytes": len(content), "sha256": digest})

    def chunk(self, table: str, done: Chunk, is_exact: bool) -> None:
        content = done.finish()
        with self._lock:
            written = self.tables[table]
            blob = f"data/{manifest.part_name(table)}.{written.numbers:05}.tsv.zst"
            written.numbers += 1
        self._store.put(manifest.path(self._id, blob), content)
        about = {"blob": blob, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "rows": done.rows}
        about |= {"exact": True} if is_exact else {}
        with self._lock:
            written.chunks.append(about)
        self._say({"event": "chunk", "table": table, "rows": done.rows, "bytes": len(content)})

    def counted(self, table: str, count: int, checksum: int, longest: int) -> None:
        with self._lock:
            written = self.tables[table]
            written.rows += count
            written.checksum += checksum
            written.longest = max(written.longest, longest)


def _parts(session: Session, tables: list[Table]) -> list[_Part]:
    """What the connections take from, the largest table first."""
    parts = []
    for table in sorted(tables, key=lambda table: -table.data_bytes):
        wanted = min(MOST_PARTS, table.data_bytes // PART_BYTES + 1)
        column = rows.identifier(table.split_by)
        where = [""]
        if table.split_by and wanted > 1:
            low, high = session.ask(f"SELECT MIN({column}), MAX({column}) FROM {rows.identifier(table.name)}")[0]
            if low != "NULL":
                found = rows.ranges(int(low), int(high), int(wanted))
                where = [f"{column} BETWEEN {first} AND {last}" for first, last in found]
        parts += [_Part(table, condition) for condition in where]
    return parts


def _read(session: Session, part: _Part, writer: _Writer) -> None:
    """One range: its rows to chunks and into the sum, then the server's own count of them in the same snapshot."""
    table, seen, total, longest = part.table, 0, 0, 0
    json = sum(column.form == rows.JSON for column in table.columns)
    chunks: dict[bool, Chunk] = {}
    for block in session.stream(rows.select(table.name, table.columns, writer.mark, part.where, table.has_key)):
        total += rows.summed(block, writer.mark)
        longest = max(longest, rows.longest(block))
        plain, special = exact.parted(block.replace(writer.mark, b"\\N"), json)
        longest = max(longest, exact.longest(special, table.columns))
        for is_exact, lines in ((False, plain), (True, b"".join(special))):
            if lines:
                if is_exact not in chunks:
                    chunks[is_exact] = Chunk()  # a process
                chunk = chunks[is_exact]
                chunk.add(lines)
                if chunk.size >= writer.chunk_bytes:
                    seen += chunk.rows
                    writer.chunk(table.name, chunks.pop(is_exact), is_exact)
    for is_exact, chunk in chunks.items():
        seen += chunk.rows
        writer.chunk(table.name, chunk, is_exact)
    count = session.ask(rows.count(table.name, part.where))[0][0]
    if int(count) != seen:
        raise Failed(f"table {table.name!r}: {seen} rows were read where the snapshot has {count}; run it again")
    writer.counted(table.name, seen, total, longest)


def run(config: Config, secrets: Secrets, planned: bool, say: Say) -> dict[str, Any]:
    """Take a backup; the manifest. Refused before anything is written when something would be missing from it."""
    store = open_store(config)
    began = datetime.datetime.now(datetime.timezone.utc)
    backup_id = manifest.new_id(began)
    before = writers.read(config)
    with Server(config.database, secrets.password) as server:
        with server.session() as look:
            about = _source(look, config)
            needs = source.needs(look, config.schema)
            refuse_other_escapes(look)
        streams = [server.session(config.schema) for _ in range(config.streams)]
        try:
            with undisturbed(config, secrets, server):
                taken, found = _moment(server, streams, config.schema, say)
            writer = _Writer(store, backup_id, config.chunk_mib * 1024 * 1024, say)
            _write(streams, found, writer)
        finally:
            for stream in streams:
                stream.close()
        still_undisturbed(config, secrets, server)
    made = _manifest(config, backup_id, began, about, taken, found, writer, planned)
    made["needs"] = needs
    made |= writers.between(config.writer, before, writers.read(config))
    refuse_lost_parts(store, made)
    store.put(manifest.path(backup_id), json_bytes(made))
    return made


def _moment(server: Server, streams: list[Session], schema: str, say: Say) -> tuple[snapshot.Snapshot, Catalog]:
    """A snapshot of the rows and what they are rows of. The snapshot holds tables as they are defined, and nothing
    else: so the rest is read before it and after it, and must be the same."""
    for _ in range(DEFINITION_TRIES):
        try:
            before = definitions.programs(server, schema)
            taken = snapshot.take(server, streams, schema, say)
            found = catalog.read(streams[0], schema)
            after = definitions.programs(server, schema)
        except SqlError as error:
            if error.number not in snapshot.BUSY:
                raise
            # Somebody's ALTER TABLE waits for the snapshot, and whoever asks about that table waits for the ALTER.
            snapshot.renew(server, streams, schema)
            continue
        if after == before:
            found.programs, concerns = before
            found.concerns += concerns
            for concern in found.concerns:
                say({"event": "concern", **concern.to_dict()})
            return taken, found
    raise Refused(
        [
            f"views, routines, triggers or events of schema {schema!r} were changed, or a table was about to be, in "
            f"each of {DEFINITION_TRIES} tries while the snapshot was opened: take the backup later"
        ]
    )


def refuse_lost_parts(store: Store, made: dict[str, Any]) -> None:
    """A store may have taken a part and not have it. Failed, and without a manifest the backup never counts."""
    inside = manifest.path(made["id"], "")
    present = {name.removeprefix(inside): size for name, size in store.sizes(inside).items()}
    if lost := manifest.look(made["id"], made, present).problems:
        raise Failed(
            f"the store does not hold what was written to it ({'; '.join(lost[:3])}): look at it, run it again"
        )


def json_bytes(data: dict[str, Any]) -> bytes:
    """As a manifest is stored."""
    return json.dumps(data, indent=1, sort_keys=True).encode()


def refuse_other_escapes(session: Session) -> None:
    """Sums are over what the client printed: it must print every byte so that it is read back as the server has it."""
    said = b"".join(session.stream(f"SELECT X'{rows.EVERY_BYTE.hex()}'"))
    if said[-1:] != b"\n" or rows.cell(said[:-1]) != rows.EVERY_BYTE:
        raise Refused(
            ["this machine's `mysql` client escapes values in a way that twinsite does not know: install MySQL's own"]
        )


def _source(session: Session, config: Config) -> dict[str, Any]:
    known = source.variables(session)
    user = privileges.account(session.value("CURRENT_USER()"))
    gtids = known.get("gtid_mode") == "ON"
    problems = privileges.missing_for_backup(source.held(session, known), config.schema, user, gtids)
    if problems:
        raise Refused(problems)
    return source.read(config.database.address, known)


def _write(streams: list[Session], found: Catalog, writer: _Writer) -> None:
    # First, so that a store that takes nothing is known before anything is read.
    writer.file("schema.sql.zst", ddl.render(found.schema))
    writer.file("after.sql.zst", ddl.render([made.statement for made in found.programs], found.collation))
    writer.tables = {table.name: _Written() for table in found.tables}
    todo: queue.SimpleQueue[_Part] = queue.SimpleQueue()
    for part in _parts(streams[0], found.tables):
        todo.put(part)

    def worker(session: Session) -> Work:
        def work(stopped: Stopped) -> None:
            session.ask("SET SESSION character_set_results = binary")
            while not stopped():
                try:
                    part = todo.get_nowait()
                except queue.Empty:
                    return
                _read(session, part, writer)

        return work

    in_parallel([worker(session) for session in streams])


def _manifest(
    config: Config,
    backup_id: str,
    began: datetime.datetime,
    about: dict[str, Any],
    taken: snapshot.Snapshot,
    found: Catalog,
    writer: _Writer,
    planned: bool,
) -> dict[str, Any]:
    tables = []
    for table in found.tables:
        written = writer.tables[table.name]
        tables.append(
            {
                "name": table.name,
                "rows": written.rows,
                "checksum": str(written.checksum),
                "longest_row": written.longest,
                "columns": [wanted.to_dict() for wanted in table.columns],
                "chunks": sorted(written.chunks, key=lambda chunk: str(chunk["blob"])),
            }
        )
    made = {
        "version": manifest.VERSION,
        "tool": manifest.TOOL,
        "id": backup_id,
        "scheduled": not planned,
        "began": manifest.stamp(began),
        "ended": manifest.stamp(datetime.datetime.now(datetime.timezone.utc)),
        "source": about,
        "snapshot": taken.method,
        "gtid_executed": taken.gtid_executed,
        "schema": config.schema,
        "character_set": found.character_set,
        "collation": found.collation,
        "tables": tables,
        "files": writer.files,
        "objects": [
            {"kind": made.statement.kind, "name": made.statement.name, "table": made.statement.table}
            for made in found.programs
        ],
        "definers": {made.statement.label: made.definer for made in found.programs if made.definer},
        "events": {made.statement.name: made.status for made in found.programs if made.statement.kind == "event"},
        "concerns": [concern.to_dict() for concern in found.concerns],
        "key_id": config.key_id,
    }
    return made | {"bytes_total": sum(part["bytes"] for part in manifest.blobs(made))}
