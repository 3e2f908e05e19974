-- Tables with rows of their own: ordinary ones and leaves of partitioned ones, without what an extension brings.
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, pg_table_size(c.oid) AS size
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
    AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_'
    AND n.nspname NOT IN ('information_schema', 'twinsite', 'twinsite_restore')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 2, 3
