-- What a move must know of one end beside what server.sql says.
SELECT
    pg_has_role(current_user, 'pg_read_all_stats', 'usage') AS sees,
    pg_has_role(current_user, 'pg_signal_backend', 'usage') AS signals,
    current_setting('track_activities')::boolean AS tracks,
    (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()) AS prepared,
    ARRAY(
        SELECT DISTINCT s.subname
        FROM pg_subscription s
        JOIN pg_subscription_rel sr ON sr.srsubid = s.oid
        JOIN pg_class c ON c.oid = sr.srrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND n.nspname = ANY ($schemas)
        ORDER BY 1
    ) AS subscriptions,
    -- Whose gate each table has: the trigger's argument, which ends with a zero byte.
    (
        SELECT json_object_agg(
            format('%s.%s', n.nspname, c.relname),
            convert_from(substring(t.tgargs FROM 1 FOR length(t.tgargs) - 1), 'UTF8')
        )
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE t.tgname = $gate AND t.tgenabled IN ('O', 'A') AND n.nspname = ANY ($schemas)
    ) AS gated
