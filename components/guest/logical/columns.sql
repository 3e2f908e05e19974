-- What of each table's columns matters to rows that arrive.
SELECT
    n.nspname AS schema,
    c.relname AS name,
    a.attname AS column,
    format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS required,
    a.atthasdef OR a.attidentity <> '' AS filled,
    a.attgenerated <> '' AS computed
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($schemas)
    AND c.relkind IN ('r', 'p')
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2, a.attnum
