-- asks: How much larger are the largest tables than their rows need? An estimate from statistics.
-- privilege: SELECT on the tables (or pg_read_all_data) to see their column widths; without it the most they can need
-- versions: 13-
-- cost: one pass over pg_class; column statistics of at most 12 tables above 64 MB
WITH settings AS MATERIALIZED (
    SELECT current_setting('block_size')::int8 AS block_size
),
large AS MATERIALIZED (
    SELECT
        c.oid, n.nspname, c.relname, c.relnatts, c.relpages, c.reloptions::text AS options,
        GREATEST(c.reltuples, pg_catalog.pg_stat_get_live_tuples(c.oid), 0)::float8 AS live_rows,
        pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows,
        COALESCE((
            SELECT o.option_value::float8
            FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
            WHERE o.option_name = 'fillfactor'
        ), 100) / 100 AS fill
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm')
        AND c.relpersistence <> 't'
        AND (
            c.relpages >= 8192
            OR pg_catalog.pg_stat_get_live_tuples(c.oid) + pg_catalog.pg_stat_get_dead_tuples(c.oid) >= 500000
        )
    ORDER BY c.relpages DESC, c.oid
    LIMIT 12
),
locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
),
sized AS (
    SELECT
        l.*,
        CASE WHEN l.oid IN (SELECT relation FROM locked) THEN l.relpages * s.block_size
             ELSE pg_catalog.pg_relation_size(l.oid) END AS size_bytes,
        w.width,
        w.columns,
        NOT m.can_be_wider AND COALESCE(l.options, '') !~ 'toast_tuple_target' AS is_bounded,
        s.block_size
    FROM large AS l
    CROSS JOIN settings AS s
    CROSS JOIN LATERAL (
        SELECT sum((1 - p.null_frac) * p.avg_width) AS width, count(*) AS columns
        FROM pg_catalog.pg_stats AS p
        WHERE p.schemaname = l.nspname AND p.tablename = l.relname AND NOT p.inherited
    ) AS w
    -- A row of more than a quarter of a page is moved to TOAST until it fits, unless its columns refuse.
    CROSS JOIN LATERAL (
        SELECT
            COALESCE(sum(a.attlen) FILTER (WHERE a.attlen > 0), 0) + 24 * count(*) FILTER (WHERE a.attlen < 0) > 1500
            OR COALESCE(bool_or(
                a.attlen < 0 AND a.attstorage IN ('p', 'm') AND a.atttypid <> 'pg_catalog.numeric'::regtype
            ), false) AS can_be_wider
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = l.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS m
)
SELECT
    t.nspname::text AS schema_name,
    t.relname::text AS table_name,
    t.size_bytes::int8 AS size_bytes,
    t.live_rows::int8 AS live_rows,
    t.dead_rows::int8 AS dead_rows,
    t.columns::int8 AS columns_seen,
    t.relnatts::int8 AS columns_total,
    CASE WHEN t.columns > 0 THEN
        ceil(t.live_rows * (28 + 8 * ceil(t.width / 8)) / ((t.block_size - 24) * t.fill)) * t.block_size
    END::int8 AS needed_bytes,
    CASE WHEN t.is_bounded THEN
        ceil(t.live_rows / GREATEST(floor(4 * t.fill), 1)) * t.block_size
    END::int8 AS most_needed_bytes
FROM sized AS t
ORDER BY t.size_bytes DESC, t.oid
