"""What a PostgreSQL is asked before DMS follows it, and what DMS leaves behind there.

Statements as data, with `%s` for a schema that goes; dms_source.py judges the rows. Each ran on 16 and 18. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

SETTINGS = (
    "SELECT name, setting, pending_restart FROM pg_settings WHERE name IN ('wal_level', 'rds.logical_replication', "
    "'max_replication_slots', 'max_wal_senders', 'wal_sender_timeout', 'max_slot_wal_keep_size')"
)
SLOTS = "SELECT slot_name AS name, active FROM pg_replication_slots"
RECOVERY = "SELECT pg_is_in_recovery() AS replica"
ACCOUNT = (
    "SELECT rolname AS name, rolsuper OR rolreplication OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname = "
    "'rds_replication' AND pg_has_role(r.oid, g.oid, 'member')) AS replicates FROM pg_roles r WHERE rolname = "
    "current_user"
)
"""Asked as DMS's own account."""

_TABLES = (
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind IN ('r', 'p') "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype "
    "= 'e')"
)
"""Without what an extension brings."""

UNREADABLE = (
    f"SELECT n.nspname AS schema, c.relname AS \"table\" {_TABLES} AND NOT (has_table_privilege(c.oid, 'SELECT') AND "
    "has_schema_privilege(n.oid, 'USAGE')) ORDER BY 1, 2"
)
"""Asked as DMS's own account."""
KEYLESS = (
    f'SELECT n.nspname AS schema, c.relname AS "table" {_TABLES} AND NOT EXISTS (SELECT FROM pg_index i WHERE '
    "i.indrelid = c.oid AND i.indisprimary) ORDER BY 1, 2"
)
_COLUMNS = (
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN "
    "pg_type y ON y.oid = a.atttypid JOIN pg_type t ON t.oid = CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid "
    "END WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
)
"""`t` is what a domain stands for."""

LOBS = (
    'SELECT n.nspname AS schema, c.relname AS "table", a.attname AS "column", t.typname = \'bytea\' AS binary '
    f"{_COLUMNS} AND (t.typcategory = 'A' OR t.typname IN ('text', 'bytea', 'json', 'jsonb', 'xml', 'hstore', "
    "'citext', 'path', 'polygon', 'geometry', 'geography') OR t.typname = 'varchar' AND "
    "greatest(a.atttypmod, y.typtypmod) < 0) ORDER BY 1, 2, a.attnum"
)
"""What DMS takes for a LOB [user guide, source data types for PostgreSQL], and text without a limit."""

_SIZE = (
    "CASE WHEN x.binary THEN format('max(octet_length(%%I))', \"column\") ELSE format('max(char_length(%%1$I::text) * "
    'CASE octet_length(%%1$I::text) WHEN char_length(%%1$I::text) THEN 2 ELSE 4 END)\', "column") END'
)
SIZES = (
    "SELECT format('SELECT json_build_object(''question'', ''sizes'', ''schema'', %%1$L, ''table'', %%2$L, ''bytes'', "
    f"greatest(0, %%3$s)) FROM %%1$I.%%2$I', schema, \"table\", string_agg({_SIZE}, ', ')) AS statement "
    f'FROM ({LOBS}) x GROUP BY schema, "table"'
)
"""A statement for each table, as `largest` puts it together, for psql to run; its answer is JSON."""
ROWS = (
    "SELECT format('SELECT json_build_object(''question'', ''rows'', ''schema'', %%1$L, ''table'', %%2$L, ''rows'', "
    f"count(*)) FROM %%1$I.%%2$I', n.nspname, c.relname) AS statement {_TABLES} ORDER BY n.nspname, c.relname"
)
"""The same, counted and not estimated."""

UNCARRIED = (
    f"SELECT n.nspname || '.' || c.relname AS name, CASE c.relkind WHEN 'p' THEN 'partitioned' ELSE 'unlogged' END AS "
    f"what, '' AS type {_TABLES} AND (c.relkind = 'p' OR c.relpersistence = 'u') "
    "UNION ALL SELECT n.nspname || '.' || c.relname || '.' || a.attname, CASE t.typname WHEN 'numeric' THEN 'numeric' "
    f"ELSE 'type' END, format_type(a.atttypid, a.atttypmod) {_COLUMNS} AND (t.typtype IN ('e', 'c', 'r', 'm') OR "
    "t.typname IN ('inet', 'macaddr', 'macaddr8', 'tsvector', 'tsquery', 'line', 'lseg', 'box', 'circle', 'oid') OR "
    "t.typname = 'numeric' AND greatest(a.atttypmod, y.typtypmod) < 0) ORDER BY 1"
)
"""Takes the schema twice. What the user guide lists as not migrated, or cut to 28 digits with six behind the point."""

SEQUENCES = (
    "SELECT schemaname AS schema, sequencename AS name, last_value AS last, increment_by AS step FROM pg_sequences "
    "WHERE schemaname = %s ORDER BY 2"
)
"""At both ends; `last` is NULL where nobody took a number yet."""

WRITERS = (
    "SELECT DISTINCT r.rolname AS name FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
    "n.nspname = %s AND c.relkind IN ('r', 'p') AND r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolcreaterole AND "
    "has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1"
)
"""Of the target: who logs in and may write (K44), by whatever membership; who makes roles is an administrator."""

INDEXES = (
    "SELECT c.relname || '.' || x.relname AS name FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN "
    "pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND "
    "c.relkind IN ('r', 'p') AND NOT i.indisprimary ORDER BY 1"
)


def _constraints(kind: str) -> str:
    return (
        "SELECT c.relname || '.' || k.conname AS name FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN "
        f"pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND k.contype = '{kind}' ORDER BY 1"
    )


FOREIGN_KEYS, CHECKS = _constraints("f"), _constraints("c")
DEFAULTS = f"SELECT c.relname || '.' || a.attname AS name {_COLUMNS} AND a.atthasdef AND a.attgenerated = '' ORDER BY 1"
IDENTITIES = f"SELECT c.relname || '.' || a.attname AS name {_COLUMNS} AND a.attidentity <> '' ORDER BY 1"
VIEWS = (
    "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND "
    "c.relkind IN ('v', 'm') ORDER BY 1"
)
ROUTINES = (
    "SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name FROM pg_proc p JOIN "
    "pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = %s AND NOT EXISTS (SELECT FROM pg_depend d WHERE "
    "d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') ORDER BY 1"
)
TYPES = (
    "SELECT t.typname AS name FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON "
    "c.oid = t.typrelid WHERE n.nspname = %s AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND NOT EXISTS "
    "(SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e') ORDER BY 1"
)
EXTENSIONS = "SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql' AND %s <> '' ORDER BY 1"
"""Of the database, whatever the schema."""
ACCOUNTS = (
    "SELECT DISTINCT r.rolname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN "
    "LATERAL aclexplode(c.relacl) g JOIN pg_roles r ON r.oid = g.grantee WHERE n.nspname = %s AND c.relkind IN ('r', "
    "'p', 'v', 'm', 'S') AND g.grantee <> c.relowner AND r.rolname <> current_user "
    "ORDER BY 1"
)
TRIGGERS = (
    "SELECT c.relname || '.' || t.tgname AS name, t.tgenabled IN ('A', 'R') AS fires FROM pg_trigger t JOIN "
    "pg_class c ON c.oid = t.tgrelid JOIN "
    "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND NOT t.tgisinternal "
    "AND t.tgname <> 'twinsite_gate' ORDER BY 1"
)
"""`fires`: in DMS's own sessions, too, whose session_replication_role is replica (DmsCdcTask). Of the job's gate, which
is each end's own and lets them in while it is shut (ADR 71), nothing is said."""
SEQUENCE_NAMES = (
    "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND "
    "c.relkind = 'S' ORDER BY 1"
)


def largest(columns: Iterable[Row]) -> dict[str, str]:
    """Statement by table, from the rows of LOBS: the largest value of its columns as `bytes`, as DMS counts them: a
    character has two, and four beyond ASCII, where one in a pair of words is not told from others [user guide, working
    with LOB source data types]. It reads the whole table, and takes no values."""
    by_table: dict[tuple[str, str], list[str]] = {}
    for row in columns:
        by_table.setdefault((str(row["schema"]), str(row["table"])), []).append(_bytes(row))
    return {
        f"{schema}.{table}": f"SELECT greatest(0, {', '.join(sizes)}) AS bytes FROM {quoted(schema)}.{quoted(table)}"
        for (schema, table), sizes in by_table.items()
    }


def _bytes(row: Row) -> str:
    name = quoted(str(row["column"]))
    if row["binary"] in (True, "t"):
        return f"max(octet_length({name}))"
    text = f"({name})::text"
    return f"max(char_length({text}) * CASE octet_length({text}) WHEN char_length({text}) THEN 2 ELSE 4 END)"


def quoted(name: str) -> str:
    """As an identifier."""
    return '"' + name.replace('"', '""') + '"'
