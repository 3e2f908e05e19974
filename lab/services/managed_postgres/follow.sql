-- RDS lets members of rds_replication replicate; a server of the community looks at an attribute of the role itself. So the
-- attribute follows the membership, which is the one thing that shows here and not at RDS.
SELECT format('ALTER ROLE %I %s', rolname, CASE WHEN member THEN 'REPLICATION' ELSE 'NOREPLICATION' END)
FROM (SELECT *, pg_has_role(oid, 'rds_replication', 'member') AS member FROM pg_roles) r
WHERE rolcanlogin AND NOT rolsuper AND rolreplication <> member \gexec
