-- Who may write what: roles that log in, are no superuser and own none of the tables. `may`: i, u, d of a table, n
-- (next number) of a sequence.
WITH found AS (
    SELECT c.oid, n.nspname, n.oid AS nsp, c.relname, c.relkind, c.relowner
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($schemas) AND c.relkind IN ('r', 'p', 'S')
        -- What an identity column takes its numbers from needs no right of its own.
        AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i') AND c.relkind = 'S'
        )
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
),
roles AS (
    SELECT r.oid, r.rolname
    FROM pg_roles r
    WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT EXISTS (SELECT FROM found f WHERE pg_has_role(r.oid, f.relowner, 'usage'))
),
rights AS (
    SELECT
        r.rolname AS role,
        f.nspname AS schema,
        f.relname AS name,
        CASE f.relkind
            WHEN 'S' THEN CASE WHEN has_sequence_privilege(r.oid, f.oid, 'usage') THEN 'n' ELSE '' END
            ELSE concat(
                CASE WHEN has_table_privilege(r.oid, f.oid, 'insert') THEN 'i' END,
                CASE WHEN has_table_privilege(r.oid, f.oid, 'update') THEN 'u' END,
                CASE WHEN has_table_privilege(r.oid, f.oid, 'delete') THEN 'd' END
            )
        END AS may
    FROM roles r
    CROSS JOIN found f
    WHERE has_schema_privilege(r.oid, f.nsp, 'usage')
)
SELECT role, schema, name, may FROM rights WHERE may <> '' ORDER BY 1, 2, 3
