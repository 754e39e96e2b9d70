-- Indexes of one table, or of all tables of people, the biggest first. Over all tables the order and the sum come from
-- the page counts of the last VACUUM or ANALYZE, so that the files of tens of thousands of indexes are not touched.
WITH chosen AS (
    SELECT
        i.indexrelid,
        i.indrelid,
        i.indisprimary,
        i.indisunique,
        i.indisvalid,
        CASE
            WHEN %s::int8 IS NULL THEN c.relpages * current_setting('block_size')::int8
            ELSE pg_catalog.pg_relation_size(i.indexrelid)
        END AS weight_bytes
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE (%s::int8 IS NULL OR i.indrelid = %s::int8::oid)
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname NOT LIKE 'pg\_toast%%'
),
biggest AS (
    SELECT
        chosen.*,
        count(*) OVER () AS total,
        (sum(chosen.weight_bytes) OVER ())::int8 AS total_bytes
    FROM chosen
    ORDER BY chosen.weight_bytes DESC, chosen.indexrelid
    LIMIT 60
)
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS name,
    t.relname::text AS table_name,
    pg_catalog.pg_get_indexdef(b.indexrelid) AS definition,
    pg_catalog.pg_relation_size(b.indexrelid) AS size_bytes,
    b.indisprimary AS is_primary,
    b.indisunique AS is_unique,
    b.indisvalid AS is_valid,
    EXISTS (
        SELECT 1 FROM pg_catalog.pg_constraint AS o WHERE o.conindid = b.indexrelid AND o.contype IN ('p', 'u', 'x')
    ) AS backs_constraint,
    pg_catalog.pg_stat_get_numscans(b.indexrelid) AS scans,
    (
        SELECT EXTRACT(epoch FROM clock_timestamp() - d.stats_reset)::float8
        FROM pg_catalog.pg_stat_database AS d
        WHERE d.datname = current_database()
    ) AS statistics_age_seconds,
    b.total,
    b.total_bytes
FROM biggest AS b
JOIN pg_catalog.pg_class AS c ON c.oid = b.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = b.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY b.weight_bytes DESC, 1, 2
