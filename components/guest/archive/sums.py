"""Each table's number of rows and a sum over their values, by the server itself: the proof at both ends.

A row's text (its columns in their order, as `record` prints them) goes through SHA-256, which every server has, FIPS or
not; eight bytes of it are added up, so that the order of rows decides nothing.
"""

import json
from dataclasses import dataclass
from typing import Any

from ..backup.parallel import Stopped, Work, in_parallel
from ..logical.psql import identifier, literal
from .server import NO_END, SECONDS, Server

_HASH = "('x' || substr(encode(sha256({bytes}), 'hex'), 1, 16))::bit(64)::bigint"
_ROW = _HASH.format(bytes="convert_to((t.*)::text, 'UTF8')")
_OBJECT = _HASH.format(bytes="convert_to(o.oid::text || ' ', 'UTF8') || lo_get(o.oid)")


@dataclass(frozen=True)
class Sum:
    """Of one table. `checksum` is a decimal, as text: it has more digits than JSON's readers keep."""

    rows: int
    checksum: str


def of_tables(
    server: Server, tables: "list[dict[str, Any]]", streams: int, snapshot: str = ""
) -> "dict[tuple[str, str], Sum]":
    """Of rows of tables.sql, by (schema, name), read by several sessions; of one moment where a `snapshot` is given."""
    batches: list[list[dict[str, Any]]] = [[] for _ in range(min(streams, len(tables)))]
    loads = [0] * len(batches)
    for table in sorted(tables, key=lambda one: -int(one.get("size", 0))):
        at = loads.index(min(loads))
        batches[at].append(table)
        loads[at] += int(table.get("size", 0)) + 8192
    found: dict[tuple[str, str], Sum] = {}

    def worker(batch: "list[dict[str, Any]]") -> Work:
        def work(stopped: Stopped) -> None:
            said = server.script(_script([_of_table(one) for one in batch], snapshot), SECONDS)
            for table, line in zip(batch, said.splitlines(), strict=True):
                found[table["schema"], table["name"]] = _read(line)

        return work

    in_parallel([worker(batch) for batch in batches])
    return found


def of_large_objects(server: Server, snapshot: str = "") -> Sum:
    """Of all large objects and their numbers."""
    asked = f"SELECT json_build_array(count(*), coalesce(sum({_OBJECT}), 0)::text) FROM pg_largeobject_metadata o"
    return _read(server.script(_script([asked], snapshot), SECONDS))


def _of_table(table: "dict[str, Any]") -> str:
    name = identifier(table["schema"], table["name"])
    return f"SELECT json_build_array(count(*), coalesce(sum({_ROW}), 0)::text) FROM ONLY {name} t"


def _script(asked: "list[str]", snapshot: str) -> str:
    first = f"{NO_END}\nBEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
    first += f"SET TRANSACTION SNAPSHOT {literal(snapshot)};\n" if snapshot else ""
    return first + "".join(f"{one};\n" for one in asked) + "COMMIT;\n"


def _read(line: str) -> Sum:
    rows, checksum = json.loads(line)
    return Sum(rows, checksum)
