-- Everything else of the schemas that somebody defined, with what is compared of it. PostgreSQL 18 lists NOT NULL among
-- the constraints, which the columns say already; a view's text is the server's own and differs between versions.
SELECT 'index' AS kind, n.nspname AS schema, c.relname AS name, pg_get_indexdef(i.indexrelid) AS says, NULL::int AS version
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($schemas)
    AND t.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'constraint', n.nspname, c.relname || '.' || k.conname, pg_get_constraintdef(k.oid), NULL
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($schemas) AND k.contype IN ('p', 'u', 'f', 'c', 'x')
UNION ALL
SELECT 'trigger', n.nspname, c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid), NULL
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($schemas) AND NOT t.tgisinternal AND t.tgname <> $gate
UNION ALL
SELECT
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'sequence' END,
    n.nspname,
    c.relname,
    CASE c.relkind WHEN 'S' THEN '' ELSE md5(pg_get_viewdef(c.oid)) END,
    CASE c.relkind WHEN 'S' THEN NULL ELSE current_setting('server_version_num')::int / 10000 END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($schemas)
    AND c.relkind IN ('v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
UNION ALL
SELECT
    'type',
    n.nspname,
    t.typname,
    coalesce((SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), ''),
    NULL
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = ANY ($schemas)
    AND t.typtype IN ('e', 'd')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
UNION ALL
SELECT 'function', n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', md5(p.prosrc), NULL
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($schemas)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2, 3
