-- Tables of the schemas, leaves of partitioned ones too, without those that an extension brings.
SELECT
    n.nspname AS schema,
    c.relname AS name,
    c.relkind = 'p' AS partitioned,
    c.relispartition AS is_partition,
    c.relpersistence = 'u' AS unlogged,
    CASE c.relreplident
        WHEN 'd' THEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
        WHEN 'i' THEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
        ELSE c.relreplident = 'f'
    END AS identified,
    pg_has_role(current_user, c.relowner, 'usage') AS owned,
    coalesce(
        (
            SELECT has_table_privilege(r.oid, c.oid, 'select') AND has_schema_privilege(r.oid, n.oid, 'usage')
            FROM pg_roles r
            WHERE r.rolname = $role
        ),
        false
    ) AS readable
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($schemas)
    AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
