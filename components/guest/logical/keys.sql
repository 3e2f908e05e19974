-- By which columns each table's rows are told apart: its primary key, else its replica identity. Others have no row here.
SELECT DISTINCT ON (n.nspname, c.relname)
    n.nspname AS schema,
    c.relname AS name,
    ARRAY(
        SELECT a.attname
        FROM unnest(i.indkey::int[]) WITH ORDINALITY k (number, at)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE k.at <= i.indnkeyatts
        ORDER BY k.at
    ) AS columns
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($schemas) AND c.relkind = 'r' AND (i.indisprimary OR i.indisreplident)
ORDER BY 1, 2, i.indisprimary DESC
