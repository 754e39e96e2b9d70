-- asks: Which tables hold more dead rows than autovacuum should allow, by its own formula, and which have it switched off?
-- privilege: none
-- versions: 13-
-- cost: one pass over pg_class with two counters a table; sizes only of the at most 60 tables returned, none that is locked
WITH settings AS MATERIALIZED (
    SELECT
        current_setting('autovacuum_vacuum_threshold')::float8 AS base,
        current_setting('autovacuum_vacuum_scale_factor')::float8 AS scale,
        NULLIF(current_setting('autovacuum_vacuum_max_threshold', true), '-1')::float8 AS most,
        (current_setting('autovacuum') = 'on') AS autovacuum,
        current_setting('block_size')::int8 AS block_size
),
counted AS MATERIALIZED (
    SELECT
        c.oid, c.relname, c.relnamespace, c.reloptions, c.relfrozenxid, c.relpages,
        -- large values lie in a table of their own, which has its own switch and its own dead rows
        l.oid AS large_oid, l.relpages AS large_pages, l.reloptions AS large_options,
        GREATEST(l.reltuples, 0)::float8 AS large_reltuples,
        pg_catalog.pg_stat_get_dead_tuples(l.oid) AS large_dead,
        GREATEST(c.reltuples, 0)::float8 AS reltuples,
        pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead,
        pg_catalog.pg_stat_get_live_tuples(c.oid) AS live
    FROM pg_catalog.pg_class AS c
    LEFT JOIN pg_catalog.pg_class AS l ON l.oid = c.reltoastrelid
    WHERE c.relkind IN ('r', 'm')
        AND c.relpersistence <> 't'
),
suspicious AS MATERIALIZED (
    SELECT
        c.*,
        COALESCE((
            SELECT o.option_value::bool
            FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
            WHERE o.option_name = 'autovacuum_enabled'
        ), true) AS enabled,
        COALESCE((
            SELECT o.option_value::bool
            FROM pg_catalog.pg_options_to_table(c.large_options) AS o
            WHERE o.option_name = 'autovacuum_enabled'
        ), true) AS large_enabled,
        COALESCE((
            SELECT o.option_value::float8
            FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
            WHERE o.option_name = 'autovacuum_vacuum_threshold'
        ), s.base) AS base,
        COALESCE((
            SELECT o.option_value::float8
            FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
            WHERE o.option_name = 'autovacuum_vacuum_scale_factor'
        ), s.scale) AS scale,
        s.most,
        s.block_size
    FROM counted AS c
    CROSS JOIN settings AS s
    WHERE c.dead >= 1000
        OR c.reloptions::text ~* 'autovacuum_enabled'
        OR c.large_options::text ~* 'autovacuum_enabled'
),
judged AS MATERIALIZED (
    SELECT t.*, LEAST(t.base + t.scale * t.reltuples, t.most) AS threshold
    FROM suspicious AS t
),
ranked AS (
    SELECT
        j.*,
        count(*) FILTER (WHERE j.dead > j.threshold) OVER () AS past_threshold_total,
        count(*) FILTER (WHERE NOT j.enabled) OVER () AS switched_off_total,
        row_number() OVER (
            PARTITION BY j.enabled AND j.large_enabled ORDER BY j.dead DESC, j.reltuples DESC, j.oid
        ) AS place
    FROM judged AS j
    WHERE j.dead >= 1000 OR NOT j.enabled OR NOT j.large_enabled
),
locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
)
SELECT
    n.nspname::text AS schema_name,
    r.relname::text AS table_name,
    r.live::int8 AS live_rows,
    r.dead::int8 AS dead_rows,
    r.threshold::float8 AS threshold_rows,
    r.base::float8 AS threshold_base,
    r.scale::float8 AS threshold_scale,
    r.enabled::bool AS autovacuum_enabled,
    (NOT r.large_enabled)::bool AS large_values_off,
    COALESCE(r.large_dead, 0)::int8 AS dead_large_parts,
    (current_setting('autovacuum_vacuum_threshold')::float8
        + current_setting('autovacuum_vacuum_scale_factor')::float8 * COALESCE(r.large_reltuples, 0))::float8
        AS threshold_large_parts,
    CASE WHEN r.large_oid IS NULL THEN 0
         WHEN r.oid IN (SELECT relation FROM locked) OR r.large_oid IN (SELECT relation FROM locked)
             THEN r.large_pages * r.block_size
         ELSE pg_catalog.pg_relation_size(r.large_oid) END::int8 AS large_bytes,
    COALESCE(r.reloptions::text[], ARRAY[]::text[]) AS options,
    CASE WHEN r.oid IN (SELECT relation FROM locked) THEN r.relpages * r.block_size
         ELSE pg_catalog.pg_relation_size(r.oid) END::int8 AS size_bytes,
    EXTRACT(epoch FROM clock_timestamp() - pg_catalog.pg_stat_get_last_vacuum_time(r.oid))::float8
        AS last_vacuum_seconds,
    EXTRACT(epoch FROM clock_timestamp() - pg_catalog.pg_stat_get_last_autovacuum_time(r.oid))::float8
        AS last_autovacuum_seconds,
    EXTRACT(epoch FROM clock_timestamp())::float8 AS read_epoch,
    pg_catalog.pg_stat_get_mod_since_analyze(r.oid)::int8 AS modified_rows,
    pg_catalog.age(r.relfrozenxid)::int8 AS xid_age,
    r.past_threshold_total::int8 AS past_threshold_total,
    r.switched_off_total::int8 AS switched_off_total
FROM ranked AS r
JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
WHERE r.place <= 30
ORDER BY r.dead DESC, r.reltuples DESC, r.oid
LIMIT 60
