-- What a target is, beside what every database says of itself. One row.
SELECT
    has_database_privilege(current_database(), 'CREATE') AS creates,
    (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public') AS creates_in_public,
    pg_is_in_recovery() AS standby,
    (SELECT json_agg(rolname) FROM pg_roles) AS all_roles,
    (
        SELECT coalesce(json_agg(nspname), '[]')
        FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    ) AS schemas
