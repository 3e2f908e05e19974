-- @title: a view whose table goes by the schema's name, restored under another name
-- @into: twinsite_drill_x
CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(20)); INSERT INTO users VALUES (1,'a');
CREATE FUNCTION f (n INT) RETURNS INT DETERMINISTIC RETURN n;
CREATE VIEW v AS SELECT app.id, app.f(app.id) AS x, ' from `app`.`users`' AS words FROM users app;
CREATE VIEW w AS SELECT app.v.id FROM v;
CREATE TABLE s (id INT PRIMARY KEY); INSERT INTO s VALUES (1);
CREATE VIEW z AS SELECT u.id FROM app.users u, (SELECT 1 FROM app.s) d, information_schema.tables i WHERE u.id IN (SELECT id FROM app.s) LIMIT 1;
