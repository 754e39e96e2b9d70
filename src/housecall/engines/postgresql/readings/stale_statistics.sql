-- asks: which tables changed more since their last ANALYZE than autovacuum allows, or were never analysed
-- privilege: none
-- versions: 13-
-- cost: four counters a table, filtered on the server; at most 25 rows come back
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), limits AS (
    SELECT
        current_setting('autovacuum_analyze_threshold')::float8 AS base,
        current_setting('autovacuum_analyze_scale_factor')::float8 AS scale,
        current_setting('autovacuum')::bool AND current_setting('track_counts')::bool AS autovacuum
), tables AS MATERIALIZED (
    SELECT
        c.oid, c.relname, c.relnamespace, c.relpages, c.reloptions,
        GREATEST(c.reltuples, 0)::float8 AS planner_rows,
        c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0) AS never_counted,
        pg_catalog.pg_stat_get_mod_since_analyze(c.oid)::float8 AS changes,
        pg_catalog.pg_stat_get_live_tuples(c.oid)::float8 AS live_rows,
        pg_catalog.pg_stat_get_dead_tuples(c.oid)::float8 AS dead_rows,
        GREATEST(
            pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
            pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)
        ) AS vacuumed_at,
        GREATEST(
            pg_catalog.pg_stat_get_last_analyze_time(c.oid),
            pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)
        ) AS analysed_at
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't'
), judged AS (
    SELECT
        tables.*,
        COALESCE(o.base, limits.base) + COALESCE(o.scale, limits.scale) * tables.planner_rows AS threshold,
        limits.autovacuum AND COALESCE(o.enabled, true) AS autovacuum,
        COALESCE(o.enabled, true) AS table_autovacuum
    FROM tables
    CROSS JOIN limits
    LEFT JOIN LATERAL (
        SELECT
            max(option_value) FILTER (WHERE option_name = 'autovacuum_analyze_threshold')::float8 AS base,
            max(option_value) FILTER (WHERE option_name = 'autovacuum_analyze_scale_factor')::float8 AS scale,
            bool_and(option_value::bool) FILTER (WHERE option_name = 'autovacuum_enabled') AS enabled
        FROM pg_catalog.pg_options_to_table(tables.reloptions)
    ) AS o ON tables.reloptions IS NOT NULL
)
SELECT
    n.nspname::text AS schema_name,
    judged.relname::text AS table_name,
    judged.live_rows,
    judged.planner_rows,
    judged.never_counted,
    judged.changes,
    judged.threshold,
    judged.autovacuum AS autovacuum_enabled,
    judged.table_autovacuum AS table_autovacuum_enabled,
    EXTRACT(epoch FROM clock_timestamp() - judged.analysed_at)::float8 AS analysed_seconds_ago,
    COALESCE(m.measured, judged.relpages * current_setting('block_size')::int8)::int8 AS size_bytes,
    (pg_catalog.pg_stat_get_numscans(judged.oid) + COALESCE((
        SELECT sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = judged.oid
    ), 0))::int8 AS scans,
    -- A backend reports its changes up to a second late: what it counts after its ANALYZE may stem from before. Then the
    -- table has still the pages that ANALYZE saw, hardly a dead row, and no space that a later vacuum freed.
    COALESCE(
        judged.analysed_at >= COALESCE(judged.vacuumed_at, judged.analysed_at)
        AND m.measured = judged.relpages * current_setting('block_size')::int8
        AND judged.dead_rows < 0.05 * judged.changes, false) AS is_counted_late,
    count(*) OVER ()::int8 AS tables
FROM judged
JOIN pg_catalog.pg_namespace AS n ON n.oid = judged.relnamespace
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN judged.oid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(judged.oid) END
            AS measured
) AS m
WHERE judged.live_rows >= 1000 AND (judged.changes > judged.threshold OR judged.never_counted)
ORDER BY judged.changes DESC, judged.oid
LIMIT 25
