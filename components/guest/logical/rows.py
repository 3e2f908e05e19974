"""All rows of a table as one sum, by which both ends are compared."""

from .facts import Table
from .psql import Server

READ_SECONDS = 1800
"""All rows of a table are read, and summed up by the server."""
_SUM = (
    "SELECT count(*) AS rows, coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text AS sum "
    "FROM {table} t"
)
Sum = tuple[int, str]


def row_sum(server: Server, table: Table, seconds: float = READ_SECONDS) -> Sum:
    """How many there are, and their sum. PgError when it takes longer."""
    (found,) = server.rows(_SUM.format(table=table.sql), seconds)
    return int(found["rows"]), str(found["sum"])


def sizes(server: Server) -> "dict[tuple[str, str], int]":
    """Schema and table → bytes."""
    found = server.rows(
        "SELECT n.nspname AS schema, c.relname AS name, pg_table_size(c.oid) AS bytes FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
    )
    return {(row["schema"], row["name"]): int(row["bytes"]) for row in found}
