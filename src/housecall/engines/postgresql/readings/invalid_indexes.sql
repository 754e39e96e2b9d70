-- asks: which indexes are invalid, and whether somebody is building them now
-- privilege: none (who builds is certain with pg_monitor only)
-- versions: 13-
-- cost: one pass over pg_index
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
)
SELECT
    n.nspname::text AS schema_name,
    t.relname::text AS table_name,
    x.relname::text AS index_name,
    pg_catalog.pg_get_indexdef(i.indexrelid)::text AS definition,
    i.indisunique AS is_unique,
    i.indisready AS is_ready,
    i.indislive AS is_live,
    x.relkind = 'I' AS is_partitioned,
    COALESCE(CASE WHEN i.indexrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(i.indexrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = i.indexrelid)
            * current_setting('block_size')::int8)::int8 AS size_bytes,
    COALESCE(CASE WHEN i.indrelid NOT IN (SELECT relation FROM locked) THEN pg_catalog.pg_relation_size(i.indrelid) END,
        (SELECT k.relpages FROM pg_catalog.pg_class AS k WHERE k.oid = i.indrelid)
            * current_setting('block_size')::int8)::int8 AS table_bytes,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_stat_progress_create_index AS p
        WHERE p.datname = current_database() AND (p.relid IS NULL OR p.relid = i.indrelid)
    ) AS is_being_built,
    EXISTS (SELECT FROM pg_catalog.pg_constraint AS con WHERE con.conindid = i.indexrelid) AS is_constraint,
    count(*) OVER ()::int8 AS indexes
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid AND t.relpersistence <> 't'
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
-- the server locks a table to write out its indexes, so one that is being altered is left alone
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND i.indrelid NOT IN (SELECT relation FROM locked)
ORDER BY size_bytes DESC, i.indexrelid
LIMIT 20
