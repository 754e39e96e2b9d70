-- asks: which tables are unlogged, and which are updated much without room for updates beside the old row?
-- privilege: none
-- versions: 13-
-- cost: two counters a table; at most 40 come back
WITH counted AS MATERIALIZED (
    SELECT
        c.oid, c.relname, c.relnamespace, c.relpersistence, c.reloptions, c.relpages,
        GREATEST(pg_catalog.pg_stat_get_live_tuples(c.oid)::float8, c.reltuples, 0) AS live_rows,
        pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
        pg_catalog.pg_stat_get_tuples_hot_updated(c.oid) AS hot_updated
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind = 'r' AND c.oid >= 16384 AND c.relpersistence <> 't'
)
SELECT
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    c.relpersistence = 'u' AS is_unlogged,
    c.live_rows::float8 AS live_rows,
    c.updated::int8 AS updated,
    c.hot_updated::int8 AS hot_updated,
    COALESCE((
        SELECT o.option_value::int8
        FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
        WHERE o.option_name = 'fillfactor'
    ), 100)::int8 AS fillfactor,
    (SELECT count(*) FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid)::int8 AS indexes,
    (c.relpages::int8 * current_setting('block_size')::int8)::int8 AS size_bytes
FROM counted AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence = 'u' OR (c.updated >= 10000 AND c.hot_updated < c.updated / 2)
ORDER BY (c.relpersistence = 'u') DESC, c.updated - c.hot_updated DESC, c.oid
LIMIT 40
