-- What databases contain that does not survive every dump; each test of the archive role carries it over.
CREATE SCHEMA "Odd ""one""";
CREATE TYPE mood AS ENUM ('fine', 'it''s bad', 'Ärger');
CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE customers (
    id int GENERATED ALWAYS AS IDENTITY (START 7 INCREMENT 3) PRIMARY KEY,
    name text NOT NULL,
    mood mood,
    tags text[],
    about jsonb,
    raw bytea,
    two pair,
    price numeric(12, 2),
    seen timestamptz,
    during tstzrange,
    ip inet,
    bits bit(5),
    ratio float8,
    small real,
    gap interval,
    cash money,
    words tsvector,
    shouted text GENERATED ALWAYS AS (upper(name)) STORED
);
INSERT INTO customers (name, mood, tags, about, raw, two, price, seen, during, ip, bits, ratio, small, gap, cash, words)
SELECT
    E'n\t\n\\''"é' || i,
    (enum_range(NULL::mood))[1 + i % 3],
    ARRAY['a,b', NULL, E'"\\', '{}'],
    jsonb_build_object('k', i, 'n', 1.50, 'u', E'é"\\'),
    decode(lpad(to_hex(i), 8, '0'), 'hex'),
    ROW(i, NULL)::pair,
    i / 3.0,
    timestamptz '2026-03-29 02:30:00+01' + i * interval '1 hour',
    tstzrange('2026-01-01+00', NULL),
    '10.0.0.1/8',
    B'10101',
    1 / (i + 0.1),
    1 / 3.0,
    i * interval '1 month 3 days',
    i::money,
    to_tsvector('simple', 'x y')
FROM generate_series(1, 300) i;
INSERT INTO customers (name, ratio) VALUES ('nan', 'NaN'), ('inf', '-Infinity'), ('', NULL);
CREATE TABLE "Odd ""one"""."Tab%le, 's" ("Col ""x""" serial, t text, "order" int DEFAULT 5, PRIMARY KEY ("Col ""x"""));
INSERT INTO "Odd ""one"""."Tab%le, 's" (t) VALUES ('t'), (NULL);
CREATE TABLE empty (a int);
CREATE TABLE nothing ();
CREATE UNLOGGED TABLE fleeting (a int);
INSERT INTO fleeting VALUES (1);
CREATE TABLE events (day date, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events SELECT date '2026-12-25' + i, i FROM generate_series(1, 20) i;
CREATE TABLE parent (a int);
CREATE TABLE child (b int) INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 3);
CREATE SEQUENCE lonely START 100;
SELECT nextval('lonely');
CREATE SEQUENCE unused;
CREATE INDEX customers_fine ON customers (lower(name)) WHERE mood = 'fine';
CREATE VIEW rich AS SELECT id, name FROM customers WHERE price > 50;
CREATE MATERIALIZED VIEW counted AS SELECT mood, count(*) AS n FROM customers GROUP BY 1;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.b := coalesce(NEW.b, 0) + 1; RETURN NEW; END$$;
-- Were it there while rows come in, each would be another one.
CREATE TRIGGER stamped BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE PROCEDURE nop() LANGUAGE sql AS 'SELECT 1';
CREATE STATISTICS twins ON name, mood FROM customers;
CREATE TABLE self (id int PRIMARY KEY, parent int REFERENCES self DEFERRABLE INITIALLY DEFERRED);
INSERT INTO self VALUES (1, 2), (2, 1);
COMMENT ON TABLE self IS 'Name: x; Type: TABLE; Schema: y; Owner: -';
COMMENT ON COLUMN self.id IS E'a\n--\n-- Name: z; Type: TABLE; Schema: y; Owner: -\n--\nb';
ALTER TABLE self ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON self USING (id > 0);
SELECT lo_from_bytea(4711, 'large');
