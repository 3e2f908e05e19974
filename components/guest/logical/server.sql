-- What one server is and lets this user do; `settings` in PostgreSQL's own units (milliseconds, MiB).
SELECT
    current_setting('server_version_num')::int / 10000 AS version,
    pg_is_in_recovery() AS standby,
    pg_encoding_to_char((SELECT encoding FROM pg_database WHERE datname = current_database())) AS encoding,
    has_database_privilege(current_database(), 'CREATE') AS creates,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super,
    (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user) AS replicates,
    ARRAY(
        SELECT rolname
        FROM pg_roles
        WHERE rolname IN ('rds_superuser', 'rds_replication', 'cloudsqlsuperuser', 'pg_create_subscription')
            AND pg_has_role(current_user, oid, 'member')
    ) AS roles,
    (
        SELECT json_object_agg(name, setting)
        FROM pg_settings
        WHERE name IN (
            'wal_level', 'max_replication_slots', 'max_wal_senders', 'max_slot_wal_keep_size', 'wal_sender_timeout',
            'wal_receiver_timeout', 'max_logical_replication_workers', 'max_worker_processes', 'log_statement'
        )
    ) AS settings,
    (SELECT count(*) FROM pg_replication_slots) AS slots,
    (SELECT count(*) FROM pg_stat_replication) AS senders,
    (SELECT count(*) FROM pg_largeobject_metadata) AS large_objects,
    (
        SELECT json_object_agg(extname, nspname)
        FROM pg_extension e
        JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE extname <> 'plpgsql'
    ) AS extensions
