-- asks: which tables carry many indexes, how many of them serve nothing, and how much is written
-- privilege: none
-- versions: 13-
-- cost: one group over pg_index; counters and sizes for at most 15 tables
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), many AS MATERIALIZED (
    SELECT i.indrelid, count(*) AS indexes
    FROM pg_catalog.pg_index AS i
    -- the server locks a table to write out its indexes, so one that is being altered is left alone
    WHERE i.indexrelid >= 16384 AND i.indrelid NOT IN (SELECT relation FROM locked)
    GROUP BY i.indrelid
    HAVING count(*) >= 6
), heaviest AS MATERIALIZED (
    SELECT
        many.indrelid, many.indexes, c.relname, c.relnamespace, c.reltuples,
        pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid)
            + pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS writes,
        count(*) OVER () AS tables
    FROM many
    JOIN pg_catalog.pg_class AS c ON c.oid = many.indrelid AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
    ORDER BY many.indexes * GREATEST(
        pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid)
        + pg_catalog.pg_stat_get_tuples_deleted(c.oid), 1) DESC, c.oid
    LIMIT 15
)
SELECT
    n.nspname::text AS schema_name,
    heaviest.relname::text AS table_name,
    heaviest.indexes::int8 AS indexes,
    GREATEST(pg_catalog.pg_stat_get_live_tuples(heaviest.indrelid)::float8, heaviest.reltuples, 0)::float8 AS live_rows,
    heaviest.writes::int8 AS writes,
    (pg_catalog.pg_stat_get_tuples_updated(heaviest.indrelid))::int8 AS updated,
    (pg_catalog.pg_stat_get_tuples_hot_updated(heaviest.indrelid))::int8 AS hot_updated,
    COALESCE(CASE WHEN heaviest.indrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(heaviest.indrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = heaviest.indrelid)
            * current_setting('block_size')::int8)::int8 AS table_bytes,
    COALESCE(CASE WHEN heaviest.indrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_indexes_size(heaviest.indrelid) END,
        (SELECT sum(k.relpages) FROM pg_catalog.pg_index AS j JOIN pg_catalog.pg_class AS k ON k.oid = j.indexrelid
            WHERE j.indrelid = heaviest.indrelid) * current_setting('block_size')::int8)::int8 AS index_bytes,
    x.idle_names,
    x.idle_definitions,
    x.idle_bytes::int8 AS idle_bytes,
    (pg_catalog.pg_stat_get_numscans(heaviest.indrelid) + x.scans)::int8 AS scans,
    heaviest.tables::int8 AS tables
FROM heaviest
JOIN pg_catalog.pg_namespace AS n ON n.oid = heaviest.relnamespace
CROSS JOIN LATERAL (
    SELECT
        COALESCE((array_agg(k.relname::text ORDER BY k.size_bytes DESC, k.indexrelid) FILTER (WHERE k.is_idle))[1:12], '{}') AS idle_names,
        COALESCE((array_agg(k.definition ORDER BY k.size_bytes DESC, k.indexrelid) FILTER (WHERE k.is_idle))[1:12], '{}') AS idle_definitions,
        COALESCE(sum(k.size_bytes) FILTER (WHERE k.is_idle), 0) AS idle_bytes,
        COALESCE(sum(k.scans), 0) AS scans
    FROM (
        SELECT
            i.indexrelid, ix.relname, pg_catalog.pg_get_indexdef(i.indexrelid)::text AS definition,
            COALESCE(CASE WHEN i.indexrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(i.indexrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = i.indexrelid)
            * current_setting('block_size')::int8) AS size_bytes,
            pg_catalog.pg_stat_get_numscans(i.indexrelid) AS scans,
            pg_catalog.pg_stat_get_numscans(i.indexrelid) = 0 AND i.indisvalid
                AND NOT (i.indisunique OR i.indisprimary OR i.indisexclusion OR i.indisreplident OR i.indisclustered)
                AND NOT EXISTS (
                    SELECT
                    FROM pg_catalog.pg_constraint AS con
                    WHERE con.conrelid = i.indrelid AND con.contype = 'f'
                        AND (i.indkey::int2[])[0:cardinality(con.conkey) - 1] @> con.conkey
                ) AS is_idle
        FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS ix ON ix.oid = i.indexrelid
        WHERE i.indrelid = heaviest.indrelid
    ) AS k
) AS x
ORDER BY heaviest.indexes * GREATEST(heaviest.writes, 1) DESC, heaviest.indrelid
LIMIT 15
