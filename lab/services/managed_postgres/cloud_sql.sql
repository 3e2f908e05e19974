-- Cloud SQL for PostgreSQL: nobody is a superuser; users that its API makes are in cloudsqlsuperuser and have its attributes
-- (Google Cloud, "About PostgreSQL users and roles").
-- Of what cloudsqlsuperuser may, a server of the community cannot give away: extensions of superusers, event triggers, and
-- REPLICATION by a role that has not got it itself.
CREATE ROLE cloudsqlsuperuser CREATEDB CREATEROLE;
SELECT 'GRANT pg_create_subscription TO cloudsqlsuperuser'
WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_create_subscription') \gexec
