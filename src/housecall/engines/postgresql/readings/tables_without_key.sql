-- asks: which tables have no primary key
-- privilege: none
-- versions: 13-
-- cost: an anti-join of the catalogue; at most 20 rows come back
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
)
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    GREATEST(pg_catalog.pg_stat_get_live_tuples(c.oid)::float8, c.reltuples, 0)::float8 AS live_rows,
    COALESCE(CASE WHEN c.oid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(c.oid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = c.oid)
            * current_setting('block_size')::int8)::int8 AS size_bytes,
    c.relkind = 'p' AS is_partitioned,
    c.relreplident::text AS replica_identity,
    EXISTS (
        SELECT FROM pg_catalog.pg_publication_rel AS p WHERE p.prrelid = c.oid
    ) OR EXISTS (
        SELECT FROM pg_catalog.pg_publication AS p WHERE p.puballtables
    ) AS is_published,
    (pg_catalog.pg_stat_get_tuples_updated(c.oid) + pg_catalog.pg_stat_get_tuples_deleted(c.oid))::int8 AS changed,
    ARRAY(
        SELECT x.relname::text
        FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
            AND i.indpred IS NULL AND i.indexprs IS NULL
            AND NOT EXISTS (
                SELECT
                FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull
            )
        ORDER BY i.indnkeyatts, x.relname
    ) AS usable_unique_indexes,
    count(*) OVER ()::int8 AS tables
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND c.relpersistence <> 't' AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY live_rows DESC, c.oid
LIMIT 20
