-- Indexes of one table, or of all tables of people, the biggest first.
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS name,
    t.relname::text AS table_name,
    m.amname::text AS method,
    pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
    pg_catalog.pg_relation_size(i.indexrelid) AS size_bytes,
    i.indisprimary AS is_primary,
    i.indisunique AS is_unique,
    i.indisvalid AS is_valid,
    EXISTS (
        SELECT 1 FROM pg_catalog.pg_constraint AS o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x')
    ) AS backs_constraint,
    s.idx_scan AS scans,
    (
        SELECT EXTRACT(epoch FROM clock_timestamp() - d.stats_reset)::float8
        FROM pg_catalog.pg_stat_database AS d
        WHERE d.datname = current_database()
    ) AS statistics_age_seconds,
    count(*) OVER () AS total,
    (sum(pg_catalog.pg_relation_size(i.indexrelid)) OVER ())::int8 AS total_bytes
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_stat_all_indexes AS s ON s.indexrelid = i.indexrelid
WHERE (%s::int8 IS NULL OR i.indrelid = %s::int8::oid)
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_toast%%'
ORDER BY pg_catalog.pg_relation_size(i.indexrelid) DESC, 1, 2
LIMIT 60
