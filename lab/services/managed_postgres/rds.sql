-- RDS for PostgreSQL: nobody is a superuser, and the master user has rds_superuser (AWS, RDS user guide, "Understanding the
-- rds_superuser role"). psql's variables `master` and `password` are the master user's.
CREATE ROLE rds_password;
CREATE ROLE rds_replication;
CREATE ROLE rds_superuser;
GRANT rds_password, rds_replication, pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
-- CREATE SUBSCRIPTION is rds_superuser's; in a server of the community that is this role, from 16 on.
SELECT 'GRANT pg_create_subscription TO rds_superuser'
WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_create_subscription') \gexec
CREATE ROLE :"master" LOGIN PASSWORD :'password' CREATEDB CREATEROLE;
GRANT rds_superuser TO :"master" WITH ADMIN OPTION;
