-- asks: which indexes served no query since the statistics began and enforce nothing
-- privilege: none
-- versions: 13-
-- cost: one counter an index; sizes of at most 25 indexes
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), idle AS MATERIALIZED (
    SELECT
        i.indexrelid,
        i.indrelid,
        CASE
            WHEN x.relpages > 1 OR t.reltuples < 10000 AND pg_catalog.pg_stat_get_live_tuples(t.oid) < 10000
                THEN x.relpages::int8 * current_setting('block_size')::int8
            ELSE COALESCE(CASE WHEN i.indexrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(i.indexrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = i.indexrelid)
            * current_setting('block_size')::int8)
        END AS size_bytes
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid AND x.relkind = 'i'
    JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid AND t.relpersistence <> 't'
    -- the server locks a table to write out its indexes, so one that is being altered is left alone
    WHERE i.indexrelid >= 16384 AND i.indisvalid AND i.indrelid NOT IN (SELECT relation FROM locked)
        AND NOT (i.indisunique OR i.indisprimary OR i.indisexclusion OR i.indisreplident OR i.indisclustered)
        AND pg_catalog.pg_stat_get_numscans(i.indexrelid) = 0
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS con WHERE con.conindid = i.indexrelid)
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_constraint AS con
            WHERE con.conrelid = i.indrelid AND con.contype = 'f'
                AND (i.indkey::int2[])[0:cardinality(con.conkey) - 1] @> con.conkey
        )
)
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    x.relname::text AS index_name,
    pg_catalog.pg_get_indexdef(idle.indexrelid)::text AS definition,
    idle.size_bytes,
    GREATEST(pg_catalog.pg_stat_get_live_tuples(t.oid)::float8, t.reltuples, 0)::float8 AS table_rows,
    (
        pg_catalog.pg_stat_get_tuples_inserted(t.oid) + pg_catalog.pg_stat_get_tuples_updated(t.oid)
        + pg_catalog.pg_stat_get_tuples_deleted(t.oid)
    )::int8 AS table_writes,
    (pg_catalog.pg_stat_get_numscans(t.oid) + COALESCE((
        SELECT sum(pg_catalog.pg_stat_get_numscans(o.indexrelid))
        FROM pg_catalog.pg_index AS o
        WHERE o.indrelid = t.oid
    ), 0))::int8 AS table_scans,
    x.relispartition AS is_partition,
    count(*) OVER ()::int8 AS indexes,
    sum(idle.size_bytes) OVER ()::int8 AS all_size_bytes
FROM idle
JOIN pg_catalog.pg_class AS x ON x.oid = idle.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = idle.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE idle.size_bytes >= 1048576
ORDER BY idle.size_bytes DESC, idle.indexrelid
LIMIT 25
