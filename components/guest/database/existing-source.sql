-- For a source that twinsite does not manage: run as an administrator, on the source; again after each rotation.
-- It needs in its own my.cnf first: a server_id of its own, gtid_mode = ON, enforce_gtid_consistency = ON, log_bin,
-- and ssl_ca / ssl_cert / ssl_key whose certificate names the address that the replica connects to.
SET PERSIST binlog_expire_logs_seconds = ${binlog_expire_logs_seconds};
SET PERSIST require_secure_transport = ON;
SET PERSIST event_scheduler = ON;
SET PERSIST max_connect_errors = 4294967295;
-- The replica needs it to copy data that are older than the binary logs.
SET @clone = IF(
  EXISTS(SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'clone'),
  'DO 0', 'INSTALL PLUGIN clone SONAME ''mysql_clone.so'''
);
PREPARE clone FROM @clone;
EXECUTE clone;
DEALLOCATE PREPARE clone;
CREATE USER IF NOT EXISTS '${replication_user}'@'${replica_address}' IDENTIFIED BY '${replication_password}' REQUIRE SSL ATTRIBUTE '{"twinsite": "existing-source"}';
GRANT REPLICATION SLAVE ON *.* TO '${replication_user}'@'${replica_address}';
CREATE USER IF NOT EXISTS '${clone_user}'@'${replica_address}' IDENTIFIED BY '${clone_password}' REQUIRE SSL ATTRIBUTE '{"twinsite": "existing-source"}';
GRANT BACKUP_ADMIN ON *.* TO '${clone_user}'@'${replica_address}';
