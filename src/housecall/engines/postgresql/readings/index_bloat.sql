-- asks: which large B-tree indexes take far more pages than their entries need (an estimate from planner statistics)
-- privilege: SELECT on the tables (their value statistics give the width of the keys)
-- versions: 13-
-- cost: statistics of the columns of the 30 largest B-tree indexes
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), large AS MATERIALIZED (
    SELECT
        i.indexrelid, i.indrelid, i.indkey, i.indnatts, i.indisunique, i.indisprimary, x.relname, x.reltuples, x.relpages,
        COALESCE((SELECT max(option_value) FROM pg_catalog.pg_options_to_table(x.reloptions) WHERE option_name = 'fillfactor')::float8, 90) AS fillfactor
    FROM pg_catalog.pg_class AS x
    JOIN pg_catalog.pg_am AS am ON am.oid = x.relam AND am.amname = 'btree'
    JOIN pg_catalog.pg_index AS i ON i.indexrelid = x.oid AND i.indexprs IS NULL AND i.indisvalid
    WHERE x.relkind = 'i' AND x.oid >= 16384 AND x.relpages >= 1280 AND x.reltuples >= 1000
    ORDER BY x.relpages DESC, x.oid
    LIMIT 30
), measured AS (
    SELECT
        large.*,
        n.nspname, t.relname AS table_name,
        w.widths, w.known
    FROM large
    JOIN pg_catalog.pg_class AS t ON t.oid = large.indrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
    CROSS JOIN LATERAL (
        SELECT
            sum(CASE
                WHEN a.attlen > 0 THEN a.attlen
                ELSE s.avg_width + 4
            END) AS widths,
            bool_and(a.attlen > 0 OR s.avg_width IS NOT NULL) AS known
        FROM generate_series(0, large.indnatts - 1) AS k(position)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = large.indrelid AND a.attnum = large.indkey[k.position]
        LEFT JOIN pg_catalog.pg_stats AS s
            ON a.attlen < 0 AND s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname
    ) AS w
), sized AS (
    SELECT
        measured.*,
        COALESCE(CASE WHEN indexrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(indexrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = indexrelid)
            * current_setting('block_size')::int8)::int8 AS size_bytes,
        ceil(reltuples * (8 + ceil(widths / 8.0) * 8 + 4) / ((current_setting('block_size')::float8 - 40) * fillfactor / 100) * 1.02 + 2)
            * current_setting('block_size')::float8 AS needed_bytes
    FROM measured
    WHERE known
)
SELECT
    nspname::text AS schema_name,
    table_name::text AS table_name,
    relname::text AS index_name,
    size_bytes,
    needed_bytes::int8 AS needed_bytes,
    reltuples::float8 AS entries,
    fillfactor::float8 AS fillfactor,
    pg_catalog.pg_stat_get_numscans(indexrelid)::int8 AS scans
FROM sized
WHERE size_bytes > needed_bytes * 1.5
ORDER BY size_bytes - needed_bytes DESC, indexrelid
LIMIT 10
