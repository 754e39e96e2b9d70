-- asks: of which columns together do extended statistics exist?
-- privilege: none
-- versions: 13-
-- cost: one pass over pg_statistic_ext; at most 100 come back
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    s.stxname::text AS name,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(s.stxkeys::int2[]) AS k(attnum)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = s.stxrelid AND a.attnum = k.attnum
        ORDER BY a.attnum
    ) AS columns
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.stxrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY s.oid
LIMIT 100
