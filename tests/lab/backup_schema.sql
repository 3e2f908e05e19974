-- Everything that a backup must carry, in one small schema; run by mysql with --default-character-set=utf8mb4.
SET SESSION sql_mode = '', time_zone = '+00:00';
CREATE DATABASE clinic CHARACTER SET latin1 COLLATE latin1_swedish_ci;
USE clinic;

CREATE TABLE every_type (
  id INT PRIMARY KEY,
  f FLOAT, d DOUBLE, fixed DOUBLE(10,3), exact DECIMAL(30,10), padded INT(8) ZEROFILL, small TINYINT UNSIGNED,
  bits BIT(10) DEFAULT b'101', flag BIT(1),
  j JSON,
  shape GEOMETRY,
  point POINT NOT NULL SRID 4326,
  bin VARBINARY(60), fixed_bin BINARY(6), bl LONGBLOB,
  tx TEXT CHARACTER SET utf8mb4, western VARCHAR(40), chinese VARCHAR(20) CHARACTER SET gbk,
  wide VARCHAR(20) CHARACTER SET utf16, fixed_text CHAR(8),
  choice ENUM('x', 'ü', '') NULL, several SET('p', 'q'''),
  ts TIMESTAMP(6) NULL, dt DATETIME(6), da DATE, tm TIME(3), y YEAR,
  next_id INT GENERATED ALWAYS AS (id + 1) STORED NOT NULL,
  shown VARCHAR(50) CHARACTER SET utf8mb4 GENERATED ALWAYS AS (CONCAT('№', id)) VIRTUAL COMMENT 'a ''quoted'' \n comment, AUTO_INCREMENT',
  hidden INT INVISIBLE DEFAULT 5,
  made DATETIME DEFAULT (NOW()) ON UPDATE NOW(),
  KEY by_western (western(10) DESC), UNIQUE KEY by_next (next_id), KEY by_expression ((id * 2)), FULLTEXT KEY words (tx),
  FULLTEXT KEY words_again (western), SPATIAL KEY places (point), KEY by_members ((CAST(j->'$.m' AS UNSIGNED ARRAY)))
) DEFAULT CHARSET = latin1 COMMENT = 'DEFINER=`somebody`@`%` is only a word here';

INSERT INTO every_type (id, f, d, fixed, exact, padded, small, bits, flag, j, shape, point, bin, fixed_bin, bl, tx,
  western, chinese, wide, fixed_text, choice, several, ts, dt, da, tm, y, hidden, made)
VALUES
(0, 16777217.3, 0.1, 1.5, 1234567890.0123456789, 7, 255, 513, b'1', '{"a": "NULL\\n", "x": 1.0, "m": [1, 2]}',
  ST_GeomFromText('POINT(1 2)', 4326), ST_GeomFromText('POINT(10 20)', 4326), x'000a090d5c00ff1a2722', x'0a0000', x'00',
  'tab\tnewline\nreturn\rbackslash\\N', 'é', '誠功', '語', 'a', 'ü', 'p,q''', '2001-01-01 00:00:00.000001',
  '2001-01-01 00:00:00.123456', '2001-02-28', '-838:59:59.000', '2001', 7, '2020-01-01'),
(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('POINT(0 0)', 4326), NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(3, 0.1, 1e300, 0, -0.0000000001, 0, 0, 0, b'0', 'null', ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'),
  ST_GeomFromText('POINT(-1 -1)', 4326), '', '', '', 'NULL', '', '', '', '', '', '', '0000-00-00', '0000-00-00 00:00:00',
  '0000-00-00', '00:00:00', '0000', 0, '0000-00-00'),
(-4, 3.4e38, -1e-300, 0, 0, 0, 1, 1, NULL, '"\\u0000\\t\\\\N"', ST_GeomFromText('LINESTRING(0 0, 1 1)'),
  ST_GeomFromText('POINT(5 5)', 4326), '\\N', 'N', 'end-of-data', '\\N', '\\', '\\', '\\N', 'N ', 'x', 'q''',
  '2038-01-19 03:14:07.999999', '9999-12-31 23:59:59.999999', '2020-00-00', '00:00:00.001', 1901, 0, NULL);
INSERT INTO every_type (id, point, dt, tx) VALUES (5, ST_GeomFromText('POINT(6 6)', 4326), '1999-12-31 23:59:59.9',
  CONCAT('SQL_LOG_BIN ', CHAR(0), 'ends here', CHAR(1)));

CREATE TABLE owners (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) CHARACTER SET utf8mb4 NOT NULL, email VARCHAR(80),
  UNIQUE KEY by_email (email), KEY by_name (name), CONSTRAINT has_name CHECK (name <> '')
) AUTO_INCREMENT = 10 DEFAULT CHARSET = utf8mb4;
SET SESSION cte_max_recursion_depth = 1000000;
INSERT INTO owners (name, email)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  SELECT CONCAT('Öwner\t', i), IF(i % 7, CONCAT('o', i, '@example.com'), NULL) FROM n;

CREATE TABLE pets (
  owner BIGINT UNSIGNED NOT NULL, number INT NOT NULL, name VARCHAR(30), born DATE, weight FLOAT, notes JSON,
  PRIMARY KEY (owner, number), KEY by_name (name),
  CONSTRAINT pet_has_owner FOREIGN KEY (owner) REFERENCES owners (id) ON DELETE CASCADE
);
INSERT INTO pets SELECT id, 1, CONCAT('pet ', id), DATE_ADD('2000-01-01', INTERVAL id % 5000 DAY), id / 7,
  JSON_OBJECT('n', id, 'text', REPEAT('x', 40)) FROM owners;
INSERT INTO pets SELECT id, 2, NULL, NULL, -id / 3, NULL FROM owners WHERE id % 2;
CREATE TABLE a_friend (
  a BIGINT UNSIGNED, b INT, c INT, FOREIGN KEY whose (a, b) REFERENCES pets (owner, number), KEY (c, a)
);
INSERT INTO a_friend VALUES (11, 1, 1), (11, 1, 1), (NULL, NULL, 2);
CREATE TABLE counted (part INT, n INT NOT NULL AUTO_INCREMENT, v TEXT, PRIMARY KEY (part, n), KEY by_n (n));
INSERT INTO counted (part, v) VALUES (1, 'a'), (2, 'b'), (1, REPEAT('long ', 100000));
CREATE TABLE keyless (a INT NOT NULL, b VARCHAR(10), UNIQUE KEY one (a));
INSERT INTO keyless VALUES (1, 'x'), (0, 'y'), (-7, NULL);
CREATE TABLE `odd ``name/ü` (`from` INT PRIMARY KEY, `a``b` VARCHAR(10), `tab	name` INT)
  PARTITION BY HASH (`from`) PARTITIONS 3;
INSERT INTO `odd ``name/ü` VALUES (1, 'a', 2), (2, 'b', NULL), (-3, NULL, NULL);
CREATE TABLE empty_one (id INT PRIMARY KEY);
CREATE TABLE journal (
  id INT AUTO_INCREMENT PRIMARY KEY, words VARCHAR(100), at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
) DEFAULT CHARSET = utf8mb4;

CREATE USER 'the_author'@'%' IDENTIFIED BY 'x';
GRANT ALL ON clinic.* TO 'the_author'@'%';
DELIMITER //
CREATE DEFINER = 'the_author'@'%' FUNCTION label_of (n INT) RETURNS VARCHAR(40) CHARSET utf8mb4 DETERMINISTIC
BEGIN
  -- a comment that stays; and DEFINER=`x`@`y` in it
  RETURN CONCAT('№ ', n, ';');
END //
CREATE DEFINER = 'the_author'@'%' PROCEDURE note (IN words VARCHAR(100) CHARACTER SET utf8mb4)
  COMMENT 'writes "one" row' SQL SECURITY INVOKER
BEGIN
  INSERT INTO journal (words) VALUES (CONCAT(words, '\\ //; '));
END //
CREATE DEFINER = 'the_author'@'%' TRIGGER owners_noted AFTER INSERT ON owners FOR EACH ROW
  INSERT INTO journal (words) VALUES (CONCAT('owner ', NEW.id)) //
CREATE DEFINER = 'the_author'@'%' TRIGGER owners_noted_too AFTER INSERT ON owners FOR EACH ROW FOLLOWS owners_noted
  INSERT INTO journal (words) VALUES ('second') //
CREATE DEFINER = 'the_author'@'%' EVENT tidy ON SCHEDULE EVERY 1 SECOND STARTS '2026-01-01 00:00:00' ON COMPLETION PRESERVE
  COMMENT 'it''s' DO INSERT INTO journal (words) VALUES ('event') //
CREATE EVENT asleep ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM journal //
DELIMITER ;
CREATE DEFINER = 'the_author'@'%' VIEW a_view_of_view AS SELECT 1 AS one;
CREATE DEFINER = 'the_author'@'%' VIEW pet_names AS
  SELECT p.name AS pet, o.name AS owner, label_of(p.number) AS label FROM pets p JOIN owners o ON o.id = p.owner;
CREATE OR REPLACE DEFINER = 'the_author'@'%' VIEW a_view_of_view AS SELECT COUNT(*) AS n, MIN(label) AS first FROM pet_names;
ALTER EVENT tidy DISABLE;
