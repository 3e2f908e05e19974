-- Ends the transactions that began by $since ('' takes the moment of this call), and says which they were, and the
-- moment. One that the caller may not end, as a managed service's own, is waited for. $spare: leave ours alone.
SELECT began.at::text AS since, coalesce(json_agg(told) FILTER (WHERE told.pid IS NOT NULL), '[]') AS found
FROM (SELECT coalesce(nullif($since, '')::timestamptz, clock_timestamp()) AS at) began
LEFT JOIN LATERAL (
    SELECT open.pid, open.role, CASE WHEN open.ends THEN pg_terminate_backend(open.pid) END AS sent
    FROM (
        $sessions
    ) open
    WHERE open.since::timestamptz <= began.at AND NOT ($spare AND open.ours)
) told ON true
GROUP BY 1
