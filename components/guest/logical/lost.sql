-- What a slot still has of transactions that ended after $lsn, by table and kind (I, U, D; T is a truncation, counted
-- once). The messages are pgoutput's own [PostgreSQL, Logical Replication Message Formats]; a commit has the end of its
-- transaction as its place. Heartbeats are not data.
WITH messages AS (
    SELECT row_number() OVER () AS at, lsn, chr(get_byte(data, 0)) AS kind, data
    FROM pg_logical_slot_peek_binary_changes($slot, NULL, NULL, 'proto_version', '1', 'publication_names', $slot)
),
placed AS (
    SELECT
        kind,
        -- The next commit's; from the end, so that it is one pass.
        min(lsn) FILTER (WHERE kind = 'C') OVER (ORDER BY at DESC ROWS UNBOUNDED PRECEDING) AS ended,
        CASE
            WHEN kind IN ('I', 'U', 'D') THEN ('x' || encode(substring(data FROM 2 FOR 4), 'hex'))::bit(32)::bigint
            WHEN kind = 'T' THEN ('x' || encode(substring(data FROM 7 FOR 4), 'hex'))::bit(32)::bigint
        END AS relation
    FROM messages
)
SELECT n.nspname AS schema, c.relname AS name, p.kind, count(*) AS rows
FROM placed p
JOIN pg_class c ON c.oid = p.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.relation IS NOT NULL AND p.ended > $lsn AND n.nspname <> 'twinsite'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
