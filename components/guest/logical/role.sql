-- The role that the subscription logs in as. `overrides` are its own settings, which win over the server's.
SELECT
    rolcanlogin AS logs_in,
    rolsuper OR rolreplication OR EXISTS (
        SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(r.oid, g.oid, 'member')
    ) AS replicates,
    ARRAY(SELECT unnest(s.setconfig) FROM pg_db_role_setting s WHERE s.setrole = r.oid ORDER BY s.setdatabase) AS overrides
FROM pg_roles r
WHERE rolname = $role
