-- Transactions of this database, but for the caller's own, those of subscriptions, senders and vacuum. `owns`: its role
-- owns tables of the schemas or may all; `ends`: whether the caller may end it; `ours`: it is a job's or an agent's.
SELECT
    a.pid,
    coalesce(r.rolname, a.backend_type) AS role,
    a.backend_xid IS NOT NULL AS writing,
    extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds,
    a.xact_start::text AS since,
    coalesce(r.rolsuper, false) OR EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($schemas) AND c.relkind IN ('r', 'p') AND pg_has_role(a.usesysid, c.relowner, 'usage')
    ) AS owns,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR (
        NOT coalesce(r.rolsuper, true) AND (
            pg_has_role(current_user, a.usesysid, 'usage') OR pg_has_role(current_user, 'pg_signal_backend', 'usage')
        )
    ) AS ends,
    a.usename = current_user AND a.application_name = $application AS ours
FROM pg_stat_activity a
LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.datname = current_database()
    AND a.pid <> pg_backend_pid()
    AND a.xact_start IS NOT NULL
    AND a.backend_type NOT IN ('autovacuum worker', 'parallel worker', 'walsender', 'slotsync worker')
    AND a.backend_type NOT LIKE 'logical replication %'
ORDER BY 1
