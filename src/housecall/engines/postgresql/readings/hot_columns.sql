-- asks: which columns do the most read tables have, and what does the planner know about their values
-- privilege: SELECT on the tables for their value statistics (without it the statistics are NULL)
-- versions: 13-
-- cost: one counter a table; columns and statistics of at most 12 tables
WITH hot AS MATERIALIZED (
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
    a.attname::text AS column_name,
    pg_catalog.format_type(a.atttypid, NULL)::text AS type_name,
    a.attnotnull AS not_null,
    (COALESCE(a.attstattarget, -1) = 0) AS without_statistics,
    s.n_distinct::float8 AS distinct_values,
    s.null_frac::float8 AS null_share,
    (s.most_common_freqs)[1]::float8 AS top_share,
    s.avg_width::int8 AS width_bytes,
    pg_catalog.has_column_privilege(hot.oid, a.attnum, 'SELECT') AS is_readable
FROM hot
JOIN pg_catalog.pg_namespace AS n ON n.oid = hot.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = hot.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
    SELECT st.n_distinct, st.null_frac, st.most_common_freqs, st.avg_width
    FROM pg_catalog.pg_stats AS st
    WHERE st.schemaname = n.nspname AND st.tablename = hot.relname AND st.attname = a.attname AND NOT st.inherited
    LIMIT 1
) AS s ON true
ORDER BY n.nspname, hot.relname, a.attnum
LIMIT 300
