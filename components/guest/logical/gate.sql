-- Whether a flow's tables take writes at this end: one row a flow, asked by a statement trigger on each of its tables.
-- It holds owners, jobs and superusers, too. Rows that a subscription brings are not asked about: its workers run with
-- session_replication_role = replica, where such a trigger does not fire.
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
CREATE OR REPLACE FUNCTION twinsite.gate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $gate$
DECLARE
    here twinsite.gate;
BEGIN
    SELECT * INTO here FROM twinsite.gate g WHERE g.flow = TG_ARGV[0];
    IF here.writes THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% takes no writes here: flow % is written at its other end (epoch %)', TG_TABLE_NAME, TG_ARGV[0], here.epoch
        USING ERRCODE = 'read_only_sql_transaction', HINT = 'Go to the server that writes.';
END
$gate$;
