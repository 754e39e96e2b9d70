-- asks: which of the most read tables keep large values outside their rows, and how much of that is read?
-- privilege: none
-- versions: 13-
-- cost: two counters a table; sizes of at most 12 tables
WITH hot AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace, c.reltoastrelid, c.reltuples
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't' AND c.relpages <> 0
        AND c.reltoastrelid <> 0 AND pg_catalog.pg_stat_get_blocks_fetched(c.reltoastrelid) > 0
    ORDER BY pg_catalog.pg_stat_get_blocks_fetched(c.reltoastrelid) DESC, c.oid
    LIMIT 12
)
SELECT
    n.nspname::text AS schema_name,
    hot.relname::text AS table_name,
    CASE WHEN pg_catalog.pg_stat_get_live_tuples(hot.oid) > 0 THEN pg_catalog.pg_stat_get_live_tuples(hot.oid)::float8
        ELSE GREATEST(hot.reltuples, 0)::float8 END AS live_rows,
    pg_catalog.pg_relation_size(hot.oid)::int8 AS row_bytes,
    pg_catalog.pg_relation_size(hot.reltoastrelid)::int8 AS large_bytes,
    pg_catalog.pg_stat_get_blocks_fetched(hot.oid)::int8 AS row_blocks_touched,
    pg_catalog.pg_stat_get_blocks_fetched(hot.reltoastrelid)::int8 AS large_blocks_touched,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = hot.oid AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
        LIMIT 200
    ) AS columns,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = hot.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage IN ('e', 'x', 'm')
            AND a.atttypid NOT IN ('numeric'::regtype, 'inet'::regtype)
        ORDER BY a.attnum
        LIMIT 50
    ) AS large_columns
FROM hot
JOIN pg_catalog.pg_namespace AS n ON n.oid = hot.relnamespace
ORDER BY large_blocks_touched DESC, hot.oid
