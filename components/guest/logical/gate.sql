-- Whether a flow's tables take writes at this end: one row a flow, asked by a statement trigger on each of its tables.
-- It holds owners, jobs and superusers, too. Rows that a subscription brings are not asked about: its workers run with
-- session_replication_role = replica, where such a trigger does not fire. Where another carries the rows it fires there as
-- well (ENABLE ALWAYS), and lets them in while the end is shut: into one that writes nobody carries, whoever starts what.
CREATE SCHEMA IF NOT EXISTS twinsite;
CREATE TABLE IF NOT EXISTS twinsite.gate (
    flow text PRIMARY KEY,
    -- Of the last order. An order of an earlier one is late.
    epoch bigint NOT NULL,
    writes boolean NOT NULL,
    -- Of this end as a source: the epoch in which all of it was at the other end, which may write since.
    handed bigint,
    -- Of this end as a target: the epoch in which it was parted from a source that was gone, and up to where it had it.
    taken bigint,
    place pg_lsn
);
ALTER TABLE twinsite.gate
    -- The sequence whose value is when this site stops to write, milliseconds since 1970: a row would be read as it was
    -- when the transaction began, a sequence is read as it is. NULL: no agent has ever held this gate.
    ADD COLUMN IF NOT EXISTS lease regclass,
    -- An agent's order of an earlier epoch is late.
    ADD COLUMN IF NOT EXISTS floor bigint NOT NULL DEFAULT 0,
    -- How far ahead a lease may end, and how long after it a transaction may still commit.
    ADD COLUMN IF NOT EXISTS lasts_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS closes_ms bigint NOT NULL DEFAULT 0;
-- A row for each transaction that writes under a lease. What it is for is its trigger, which fires at the commit; the
-- agent deletes the rows.
CREATE UNLOGGED TABLE IF NOT EXISTS twinsite.passing (flow text NOT NULL);
-- Whether all rows were brought here by whom carries them (loads.py). No row: not known.
CREATE TABLE IF NOT EXISTS twinsite.loads (
    flow text PRIMARY KEY,
    -- A load is under way since then. NULL: none is.
    since timestamptz,
    -- When one was last seen to have ended.
    ended timestamptz,
    -- What the carrier said of itself when it began: said again, it is of before.
    told text,
    -- Table -> rows here and at the other end, as they were counted last.
    lacks jsonb
);
CREATE OR REPLACE FUNCTION twinsite.gate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $gate$
DECLARE
    here twinsite.gate;
    left_ms bigint;
    mark text;
BEGIN
    SELECT * INTO here FROM twinsite.gate g WHERE g.flow = TG_ARGV[0];
    IF current_setting('session_replication_role') = 'replica' THEN
        IF here.writes THEN
            RAISE EXCEPTION '% is written here, and no rows are carried to it: flow % (epoch %)', TG_TABLE_NAME, TG_ARGV[0], here.epoch
                USING ERRCODE = 'read_only_sql_transaction', HINT = 'Stop what carries them.';
        END IF;
        -- Whoever empties a table is about to load it, on whosever word.
        IF TG_OP = 'TRUNCATE' THEN
            UPDATE twinsite.loads SET since = clock_timestamp(), told = NULL, lacks = NULL
            WHERE flow = TG_ARGV[0] AND since IS NULL AND ended IS NOT NULL;
        END IF;
        RETURN NULL;
    END IF;
    IF NOT here.writes THEN
        RAISE EXCEPTION '% takes no writes here: flow % is written at its other end (epoch %)', TG_TABLE_NAME, TG_ARGV[0], here.epoch
            USING ERRCODE = 'read_only_sql_transaction', HINT = 'Go to the server that writes.';
    END IF;
    IF here.lease IS NULL THEN
        RETURN NULL;
    END IF;
    left_ms := coalesce(pg_sequence_last_value(here.lease), 0) - (date_part('epoch', clock_timestamp()) * 1000)::bigint;
    -- One that ends later than it can was given before the clock was set back.
    IF left_ms <= 0 OR left_ms > here.lasts_ms + 1000 THEN
        RAISE EXCEPTION '% takes no writes here: this site has no lease of flow % (epoch %)', TG_TABLE_NAME, TG_ARGV[0], here.floor
            USING ERRCODE = 'read_only_sql_transaction', HINT = 'Its agent gives it while two of three registers name this site.';
    END IF;
    mark := pg_current_xact_id()::text || ' ' || TG_ARGV[0];
    IF current_setting('twinsite.passing', true) IS DISTINCT FROM mark THEN
        INSERT INTO twinsite.passing VALUES (TG_ARGV[0]);
        PERFORM set_config('twinsite.passing', mark, true);
    END IF;
    RETURN NULL;
END
$gate$;
-- A transaction that was open when the lease ended commits within closes_ms of that, or never.
CREATE OR REPLACE FUNCTION twinsite.passed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $passed$
DECLARE
    here twinsite.gate;
    left_ms bigint;
BEGIN
    -- Whoever had this looked at early (SET CONSTRAINTS) and writes on is looked at again.
    PERFORM set_config('twinsite.passing', '', true);
    SELECT * INTO here FROM twinsite.gate g WHERE g.flow = NEW.flow;
    left_ms := coalesce(pg_sequence_last_value(here.lease), 0) - (date_part('epoch', clock_timestamp()) * 1000)::bigint;
    IF here.lease IS NOT NULL AND (left_ms <= -here.closes_ms OR left_ms > here.lasts_ms + 1000) THEN
        RAISE EXCEPTION 'this transaction cannot be committed: the lease of flow % ended % s ago', NEW.flow, -left_ms / 1000
            USING ERRCODE = 'read_only_sql_transaction', HINT = 'Go to the server that writes.';
    END IF;
    RETURN NULL;
END
$passed$;
DROP TRIGGER IF EXISTS twinsite_passed ON twinsite.passing;
CREATE CONSTRAINT TRIGGER twinsite_passed AFTER INSERT ON twinsite.passing DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION twinsite.passed();
