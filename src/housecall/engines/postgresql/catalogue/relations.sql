-- Relations by name: exact first, then by lower case. Columns, sizes and counters need no privilege on the table.
SELECT
    c.oid::int8 AS oid,
    n.nspname::text AS schema_name,
    c.relname::text AS name,
    c.relkind::text AS kind,
    (c.relname = %s::text) AS exact,
    pg_catalog.pg_table_is_visible(c.oid) AS visible,
    parent.relname::text AS table_name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS parent ON parent.oid = i.indrelid
WHERE lower(c.relname) = lower(%s::text)
    AND (%s::text IS NULL OR lower(n.nspname) = lower(%s::text))
    AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I', 'S')
    AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR %s::text IS NOT NULL)
    AND n.nspname NOT LIKE 'pg\_toast%%'
    AND n.nspname NOT LIKE 'pg\_temp\_%%'
ORDER BY 5 DESC, 6 DESC, 2, 3
LIMIT 20
