-- What somebody has made in a database, as DROP names it: nothing of the system's, of an extension's or of this program's.
WITH found (classid, objid) AS (
    SELECT d.classid, d.objid
    FROM pg_depend d
    JOIN pg_namespace n ON d.refclassid = 'pg_namespace'::regclass AND n.oid = d.refobjid
    WHERE n.nspname !~ '^pg_'
        AND n.nspname NOT IN ('information_schema', 'twinsite', 'twinsite_restore')
        AND d.deptype IN ('n', 'a')
        AND d.objsubid = 0
        -- An extension rests in a schema, and what is said of it is its own.
        AND d.classid NOT IN ('pg_extension'::regclass, 'pg_default_acl'::regclass)
    UNION SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
    UNION SELECT 'pg_cast'::regclass, oid FROM pg_cast
    UNION SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
    UNION SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
)
SELECT i.type, i.identity
FROM found f, pg_identify_object(f.classid, f.objid, 0) i
WHERE f.objid >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = f.classid AND e.objid = f.objid AND e.objsubid = 0 AND e.deptype IN ('e', 'i'))
ORDER BY i.type <> 'event trigger', 1, 2
