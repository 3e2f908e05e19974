-- Written each second where the server is writable, nowhere else: a write on a replica would be a transaction of its own.
CREATE DATABASE IF NOT EXISTS twinsite;
CREATE TABLE IF NOT EXISTS twinsite.heartbeat (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  ts DATETIME(6) NOT NULL COMMENT 'UTC, by the source''s clock'
) ENGINE = InnoDB;
DROP EVENT IF EXISTS twinsite.heartbeat;
DELIMITER $$
CREATE EVENT twinsite.heartbeat ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE ENABLE
COMMENT '$version'
DO BEGIN
  IF @@global.read_only = 0 AND @@global.super_read_only = 0 THEN
    INSERT INTO twinsite.heartbeat (id, ts) VALUES (1, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE ts = UTC_TIMESTAMP(6);
  END IF;
END $$
DELIMITER ;
