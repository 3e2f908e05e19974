-- @title: views and functions of another schema, triggers that write there
-- @source_before: DROP DATABASE IF EXISTS app; DROP DATABASE IF EXISTS shared; CREATE DATABASE shared; CREATE TABLE shared.countries (code CHAR(2) PRIMARY KEY, name VARCHAR(40)); INSERT INTO shared.countries VALUES ('KR','Korea'); CREATE FUNCTION shared.fn() RETURNS INT DETERMINISTIC RETURN 1
-- @source_after: DROP DATABASE IF EXISTS app; DROP DATABASE IF EXISTS shared
-- @check_target: INSERT INTO a VALUES (2, 'KR'); SELECT COUNT(*) FROM a
CREATE TABLE a (id INT PRIMARY KEY, country CHAR(2));
INSERT INTO a VALUES (1, 'KR');
CREATE VIEW v AS SELECT a.*, c.name FROM a JOIN shared.countries c ON c.code = a.country;
CREATE VIEW v2 AS SELECT id, shared.fn() AS x FROM a;
CREATE VIEW v3 AS SELECT * FROM v2;
CREATE TRIGGER tr AFTER INSERT ON a FOR EACH ROW UPDATE shared.countries SET name = 'x';
