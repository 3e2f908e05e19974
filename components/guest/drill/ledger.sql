-- The ledger's tables. No unique key on (session, seq): a duplicated row has to be visible, not refused.
CREATE DATABASE IF NOT EXISTS twinsite_drill;
CREATE TABLE IF NOT EXISTS twinsite_drill.sessions (
  id INT NOT NULL PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  touched DATETIME(6) NOT NULL
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS twinsite_drill.entries (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  session INT NOT NULL,
  seq BIGINT NOT NULL,
  part TINYINT NOT NULL,
  KEY by_session (session, seq),
  CONSTRAINT entry_session FOREIGN KEY (session) REFERENCES twinsite_drill.sessions (id)
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS twinsite_drill.details (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entry BIGINT NOT NULL,
  payload VARCHAR(200) NOT NULL,
  CONSTRAINT detail_entry FOREIGN KEY (entry) REFERENCES twinsite_drill.entries (id)
) ENGINE = InnoDB;
-- Positive controls: the same shape, spoilt on purpose. A checker that finds nothing here finds nothing anywhere.
CREATE TABLE IF NOT EXISTS twinsite_drill.control_entries (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  session INT NOT NULL,
  seq BIGINT NOT NULL,
  part TINYINT NOT NULL
) ENGINE = InnoDB;
DELETE FROM twinsite_drill.control_entries;
