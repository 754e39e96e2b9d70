-- The largest tables of people with their TOAST and indexes. Which they are is told by the page counts of the last VACUUM
-- or ANALYZE and the rows counted since, so that the files of tens of thousands of tables are not touched; a table that
-- is locked exclusively, or whose index is, is told by those page counts too, since its size would wait for the lock.
WITH locked AS MATERIALIZED (
    SELECT DISTINCT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
),
weighed AS (
    SELECT
        c.oid, c.relnamespace, c.relname,
        (
            GREATEST(c.relpages, (pg_catalog.pg_stat_get_live_tuples(c.oid) + pg_catalog.pg_stat_get_dead_tuples(c.oid)) / 100)
            + COALESCE((SELECT t.relpages FROM pg_catalog.pg_class AS t WHERE t.oid = c.reltoastrelid), 0)
            + COALESCE((
                SELECT sum(x.relpages)
                FROM pg_catalog.pg_index AS i
                JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
                WHERE i.indrelid = c.oid
            ), 0)
        ) * current_setting('block_size')::int8 AS weight_bytes,
        c.oid IN (SELECT relation FROM locked) OR c.reltoastrelid IN (SELECT relation FROM locked) OR EXISTS (
            SELECT FROM pg_catalog.pg_index AS i JOIN locked AS l ON l.relation = i.indexrelid WHERE i.indrelid = c.oid
        ) AS is_locked
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't'
),
heaviest AS MATERIALIZED (
    SELECT w.* FROM weighed AS w ORDER BY w.weight_bytes DESC, w.oid LIMIT 40
)
SELECT
    n.nspname::text AS schema_name,
    h.relname::text AS name,
    (CASE WHEN h.is_locked THEN h.weight_bytes ELSE pg_catalog.pg_total_relation_size(h.oid) END)::int8 AS total_bytes,
    (CASE WHEN h.is_locked THEN NULL ELSE pg_catalog.pg_indexes_size(h.oid) END)::int8 AS indexes_bytes
FROM heaviest AS h
JOIN pg_catalog.pg_namespace AS n ON n.oid = h.relnamespace
WHERE n.nspname <> 'information_schema'
ORDER BY total_bytes DESC NULLS LAST, 1, 2
LIMIT 5
