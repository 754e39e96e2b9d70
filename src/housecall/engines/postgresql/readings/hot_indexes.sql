-- asks: which indexes do the most read tables have, with their keys in order
-- privilege: none
-- versions: 13-
-- cost: one counter a table; the indexes of at most 12 tables
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), hot AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't' AND c.relpages <> 0
        AND pg_catalog.pg_stat_get_blocks_fetched(c.oid) > 0
    ORDER BY
        pg_catalog.pg_stat_get_tuples_returned(c.oid) + pg_catalog.pg_stat_get_blocks_fetched(c.oid) DESC,
        c.oid
    LIMIT 12
)
SELECT
    n.nspname::text AS schema_name,
    hot.relname::text AS table_name,
    x.relname::text AS index_name,
    am.amname::text AS access_method,
    ARRAY(
        -- the server locks a table to write out an expression of it: '?' while the table is being altered
        SELECT COALESCE(
            a.attname::text,
            CASE WHEN i.indrelid NOT IN (SELECT relation FROM locked)
                THEN pg_catalog.pg_get_indexdef(i.indexrelid, k.position::int, true) ELSE '?' END
        )
        FROM generate_series(1, i.indnkeyatts) AS k(position)
        LEFT JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.position - 1] AND a.attnum <> 0
        ORDER BY k.position
    ) AS keys,
    -- whether the key sorts by bytes, as LIKE 'abc%' needs it: by its operators, or in the collation C
    ARRAY(
        SELECT COALESCE(
            (SELECT oc.opcname ~ '_pattern_ops$' FROM pg_catalog.pg_opclass AS oc WHERE oc.oid = i.indclass[k.position - 1]), false)
            OR i.indcollation[k.position - 1] IN (
                SELECT co.oid
                FROM pg_catalog.pg_collation AS co
                WHERE co.collcollate IN ('C', 'POSIX')
                    OR co.collprovider = 'd'
                        AND (SELECT d.datcollate FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
                            IN ('C', 'POSIX')
            )
        FROM generate_series(1, i.indnkeyatts) AS k(position)
        ORDER BY k.position
    ) AS sorts_by_bytes,
    i.indexprs IS NOT NULL AS has_expressions,
    i.indisunique AS is_unique,
    i.indisvalid AS is_valid,
    CASE
        WHEN i.indrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_get_expr(i.indpred, i.indrelid, true)
        WHEN i.indpred IS NOT NULL THEN '?'
    END::text AS predicate,
    pg_catalog.pg_stat_get_numscans(i.indexrelid)::int8 AS scans,
    pg_catalog.pg_stat_get_tuples_returned(i.indexrelid)::int8 AS entries_read,
    pg_catalog.pg_stat_get_blocks_fetched(i.indexrelid)::int8 AS blocks_touched,
    COALESCE(CASE WHEN i.indexrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(i.indexrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = i.indexrelid)
            * current_setting('block_size')::int8)::int8 AS size_bytes
FROM hot
JOIN pg_catalog.pg_namespace AS n ON n.oid = hot.relnamespace
JOIN pg_catalog.pg_index AS i ON i.indrelid = hot.oid
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_am AS am ON am.oid = x.relam
ORDER BY n.nspname, hot.relname, x.relname
LIMIT 200
