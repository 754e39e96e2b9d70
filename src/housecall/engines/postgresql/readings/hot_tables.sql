-- asks: which tables are read most, by sequential scans or in blocks, and what else happens to them
-- privilege: none
-- versions: 13-
-- cost: two counters a table and one an index; everything else for at most 24 tables
-- kind: counters
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), blocks AS MATERIALIZED (
    SELECT
        c.oid,
        c.relkind,
        pg_catalog.pg_stat_get_tuples_returned(c.oid) AS rows_read,
        pg_catalog.pg_stat_get_blocks_fetched(c.oid)
            + COALESCE(
                (
                    SELECT sum(pg_catalog.pg_stat_get_blocks_fetched(i.indexrelid))
                    FROM pg_catalog.pg_index AS i
                    WHERE i.indrelid = c.oid
                ), 0) AS blocks
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't' AND c.relpages <> 0
), ranked AS (
    SELECT
        blocks.*,
        row_number() OVER (ORDER BY rows_read DESC, oid) AS by_rows,
        row_number() OVER (ORDER BY blocks DESC, oid) AS by_blocks,
        sum(rows_read) OVER () AS all_rows_read,
        sum(blocks) OVER () AS all_blocks,
        count(*) OVER () AS tables
    FROM blocks
), chosen AS MATERIALIZED (
    SELECT *
    FROM ranked
    WHERE (by_rows <= 12 AND rows_read > 0) OR (by_blocks <= 12 AND blocks > 0)
)
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    COALESCE(m.measured, c.relpages * current_setting('block_size')::int8)::int8 AS size_bytes,
    -- Rows counted up to a second after the ANALYZE that had seen them already are not counted twice.
    CASE WHEN c.reltuples > 0 AND pg_catalog.pg_stat_get_live_tuples(c.oid) >= 1.5 * c.reltuples
            AND m.measured = c.relpages * current_setting('block_size')::int8 THEN c.reltuples::float8
        WHEN pg_catalog.pg_stat_get_live_tuples(c.oid) > 0 THEN pg_catalog.pg_stat_get_live_tuples(c.oid)::float8
        ELSE GREATEST(c.reltuples, 0)::float8 END AS live_rows,
    pg_catalog.pg_stat_get_numscans(c.oid)::int8 AS sequential_scans,
    chosen.rows_read::int8 AS sequential_rows,
    COALESCE(x.scans, 0)::int8 AS index_scans,
    (COALESCE(x.fetched, 0) + pg_catalog.pg_stat_get_tuples_fetched(c.oid))::int8 AS index_rows,
    pg_catalog.pg_stat_get_tuples_inserted(c.oid)::int8 AS inserted,
    pg_catalog.pg_stat_get_tuples_updated(c.oid)::int8 AS updated,
    pg_catalog.pg_stat_get_tuples_deleted(c.oid)::int8 AS deleted,
    chosen.blocks::int8 AS blocks_touched,
    (pg_catalog.pg_stat_get_blocks_fetched(c.oid) - pg_catalog.pg_stat_get_blocks_hit(c.oid))::int8 AS heap_blocks_read,
    pg_catalog.pg_stat_get_blocks_hit(c.oid)::int8 AS heap_blocks_hit,
    chosen.all_rows_read::int8 AS all_sequential_rows,
    chosen.all_blocks::int8 AS all_blocks_touched,
    chosen.tables::int8 AS tables
FROM chosen
JOIN pg_catalog.pg_class AS c ON c.oid = chosen.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.oid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(c.oid) END AS measured
) AS m
LEFT JOIN LATERAL (
    SELECT
        sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)) AS scans,
        sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid)) AS fetched
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = c.oid
) AS x ON true
ORDER BY chosen.rows_read DESC, chosen.blocks DESC
LIMIT 24
