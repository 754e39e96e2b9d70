-- Tables and views whose name holds a text: what a person may have meant.
SELECT n.nspname::text || '.' || c.relname::text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_%%'
    AND position(lower(left(%s::text, 3)) IN lower(c.relname)) > 0
ORDER BY length(c.relname), 1
LIMIT 8
