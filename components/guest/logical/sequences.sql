-- Where each sequence of the schemas stands; `last` is null while nobody has taken a number. `table`, `column` are whose
-- default it is, where it belongs to a column.
SELECT
    s.schemaname AS schema,
    s.sequencename AS name,
    s.last_value AS last,
    s.increment_by AS step,
    s.min_value AS least,
    s.max_value AS most,
    s.cycle AS cycles,
    -- Without it `last` is null, too.
    has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable,
    has_sequence_privilege(c.oid, 'UPDATE') AS settable,
    t.relname AS table,
    n.nspname AS table_schema,
    a.attname AS column
FROM pg_sequences s
JOIN pg_class c ON c.oid = format('%I.%I', s.schemaname, s.sequencename)::regclass
LEFT JOIN pg_depend d
    ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
LEFT JOIN pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE s.schemaname = ANY ($schemas)
ORDER BY 1, 2
