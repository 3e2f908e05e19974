-- What a database is, and what of it a dump does not carry or a target must be fit for. One row.
SELECT
    current_setting('server_version') AS version,
    current_setting('server_version_num')::int / 10000 AS major,
    current_database() AS database,
    pg_encoding_to_char(d.encoding) AS encoding,
    d.datcollate AS collate,
    d.datctype AS ctype,
    to_jsonb(d) ->> 'datlocprovider' AS provider,
    -- daticulocale until 16, datlocale since 17
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
    pg_database_size(d.oid) AS size_bytes,
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn,
    (SELECT count(*) FROM pg_largeobject_metadata) AS large_objects,
    (
        SELECT coalesce(json_object_agg(e.extname, e.extversion ORDER BY e.extname), '{}')
        FROM pg_extension e
        WHERE e.extname <> 'plpgsql'
    ) AS extensions,
    (
        -- Who is named in a policy, without whom it cannot be made; 0 is PUBLIC.
        SELECT coalesce(json_agg(DISTINCT r.rolname), '[]')
        FROM pg_policy p
        JOIN pg_roles r ON r.oid = ANY (p.polroles)
    ) AS policy_roles,
    (
        SELECT coalesce(json_agg(DISTINCT r.rolname), '[]')
        FROM pg_shdepend s
        JOIN pg_roles r ON r.oid = s.refobjid
        WHERE s.dbid = d.oid AND s.refclassid = 'pg_authid'::regclass AND s.deptype IN ('o', 'a')
    ) AS roles,
    (
        SELECT count(*)
        FROM pg_proc p
        WHERE p.prosecdef AND p.oid >= 16384
            -- What this program has made is in no backup.
            AND p.pronamespace NOT IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('twinsite', 'twinsite_restore'))
            AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
    ) AS definer_functions,
    (
        SELECT coalesce(json_agg(DISTINCT t.spcname), '[]')
        FROM pg_class c
        JOIN pg_tablespace t ON t.oid = c.reltablespace
        WHERE t.spcname NOT IN ('pg_default', 'pg_global')
    ) AS tablespaces,
    (SELECT coalesce(json_agg(c.oid::regclass::text), '[]') FROM pg_class c WHERE c.relkind = 'f') AS foreign_tables,
    (SELECT coalesce(json_agg(c.oid::regclass::text), '[]') FROM pg_class c WHERE c.relkind = 'm') AS materialized,
    (SELECT coalesce(json_agg(e.evtname), '[]') FROM pg_event_trigger e) AS event_triggers,
    (SELECT count(*) FROM pg_publication) AS publications,
    (SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND NOT temporary) AS slots,
    (SELECT count(*) FROM pg_subscription WHERE subdbid = d.oid) AS subscriptions,
    (
        SELECT coalesce(json_agg(format('ALTER DATABASE %I SET %s', d.datname, x) ORDER BY x), '[]')
        FROM pg_db_role_setting s, unnest(s.setconfig) x
        WHERE s.setdatabase = d.oid AND s.setrole = 0
    ) AS database_settings,
    to_regclass('twinsite_restore.state') IS NOT NULL AS half_restored
FROM pg_database d
WHERE d.datname = current_database()
