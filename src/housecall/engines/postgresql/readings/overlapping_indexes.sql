-- asks: which indexes have the same key as another index of their table, or the beginning of its key
-- privilege: none
-- versions: 13-
-- cost: one group over pg_index; the indexes that share table and first column are compared, 40 pairs come back
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
), crowded AS MATERIALIZED (
    SELECT i.indrelid, i.indkey[0] AS first_column
    FROM pg_catalog.pg_index AS i
    -- the server locks a table to write out its indexes, so one that is being altered is left alone
    WHERE i.indexrelid >= 16384 AND i.indrelid NOT IN (SELECT relation FROM locked)
    GROUP BY i.indrelid, i.indkey[0]
    HAVING count(*) > 1
), candidates AS MATERIALIZED (
    SELECT
        i.*, x.relname, x.relam, x.relpages, x.relkind, am.amname,
        CASE WHEN i.indexprs IS NULL THEN '' ELSE pg_catalog.pg_get_expr(i.indexprs, i.indrelid) END AS expressions,
        CASE WHEN i.indpred IS NULL THEN '' ELSE pg_catalog.pg_get_expr(i.indpred, i.indrelid) END AS predicate
    FROM crowded
    JOIN pg_catalog.pg_index AS i ON i.indrelid = crowded.indrelid AND i.indkey[0] = crowded.first_column
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am AS am ON am.oid = x.relam
    WHERE i.indexrelid >= 16384 AND i.indisvalid AND NOT x.relispartition
), pairs AS (
    SELECT
        a.indexrelid AS lesser,
        b.indexrelid AS other,
        a.indrelid,
        a.indkey::int2[] = b.indkey::int2[] AND a.indnkeyatts = b.indnkeyatts AS is_equal
    FROM candidates AS a
    JOIN candidates AS b
        ON b.indrelid = a.indrelid AND b.indkey[0] = a.indkey[0] AND b.relam = a.relam
        AND b.indexrelid <> a.indexrelid AND b.relkind = a.relkind
        AND b.predicate = a.predicate AND b.indnkeyatts >= a.indnkeyatts
    WHERE (a.indkey::int2[])[0:a.indnkeyatts - 1] = (b.indkey::int2[])[0:a.indnkeyatts - 1]
        AND (a.indclass::oid[])[0:a.indnkeyatts - 1] = (b.indclass::oid[])[0:a.indnkeyatts - 1]
        AND (a.indcollation::oid[])[0:a.indnkeyatts - 1] = (b.indcollation::oid[])[0:a.indnkeyatts - 1]
        AND (a.indoption::int2[])[0:a.indnkeyatts - 1] = (b.indoption::int2[])[0:a.indnkeyatts - 1]
        AND NOT a.indisexclusion AND NOT b.indisexclusion
        AND (
            (
                a.indkey::int2[] = b.indkey::int2[] AND a.indnkeyatts = b.indnkeyatts
                AND a.expressions = b.expressions
                AND (NOT a.indisunique OR b.indisunique)
            ) OR (
                a.amname = 'btree' AND a.indnatts = a.indnkeyatts AND NOT a.indisunique
                AND a.indexprs IS NULL AND b.indnatts > a.indnatts
            )
        )
)
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    a.relname::text AS index_name,
    b.relname::text AS other_name,
    pairs.is_equal,
    pg_catalog.pg_get_indexdef(a.indexrelid)::text AS definition,
    pg_catalog.pg_get_indexdef(b.indexrelid)::text AS other_definition,
    COALESCE(CASE WHEN a.indexrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(a.indexrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = a.indexrelid)
            * current_setting('block_size')::int8)::int8 AS size_bytes,
    COALESCE(CASE WHEN b.indexrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(b.indexrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = b.indexrelid)
            * current_setting('block_size')::int8)::int8 AS other_size_bytes,
    pg_catalog.pg_stat_get_numscans(a.indexrelid)::int8 AS scans,
    pg_catalog.pg_stat_get_numscans(b.indexrelid)::int8 AS other_scans,
    a.indisunique AS is_unique,
    b.indisunique AS other_is_unique,
    EXISTS (SELECT FROM pg_catalog.pg_constraint AS con WHERE con.conindid = a.indexrelid) AS is_constraint,
    EXISTS (SELECT FROM pg_catalog.pg_constraint AS con WHERE con.conindid = b.indexrelid) AS other_is_constraint,
    a.indisreplident OR a.indisclustered AS is_marked,
    b.indisreplident OR b.indisclustered AS other_is_marked,
    a.indexrelid::int8 AS index_id,
    b.indexrelid::int8 AS other_id,
    a.relkind = 'I' AS is_partitioned,
    (
        pg_catalog.pg_stat_get_tuples_inserted(t.oid) + pg_catalog.pg_stat_get_tuples_updated(t.oid)
        + pg_catalog.pg_stat_get_tuples_deleted(t.oid)
    )::int8 AS table_writes,
    count(*) OVER ()::int8 AS pairs
FROM pairs
JOIN candidates AS a ON a.indexrelid = pairs.lesser
JOIN candidates AS b ON b.indexrelid = pairs.other
JOIN pg_catalog.pg_class AS t ON t.oid = pairs.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
ORDER BY pairs.is_equal DESC, a.relpages DESC, a.indexrelid, b.indexrelid
LIMIT 40
