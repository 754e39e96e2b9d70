-- The statements of this database that cost most since the statistics were reset; those that look at the catalogue,
-- as monitoring does, are left out. {schema} is composed and quoted.
SELECT
    s.queryid::text AS query_id,
    left(s.query, 500) AS statement,
    s.calls,
    s.total_exec_time / 1000.0 AS total_seconds,
    s.mean_exec_time AS mean_ms,
    s.max_exec_time AS max_ms,
    s.rows,
    s.shared_blks_read AS blocks_read,
    s.shared_blks_hit AS blocks_hit,
    s.temp_blks_written AS temp_blocks_written,
    s.total_exec_time / nullif(sum(s.total_exec_time) OVER (), 0) AS share_of_time,
    count(*) OVER () AS total
FROM {schema}.pg_stat_statements AS s
WHERE position('pg_catalog.pg_' IN s.query) = 0
    AND s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
ORDER BY
    CASE %s::text
        WHEN 'mean_time' THEN s.mean_exec_time
        WHEN 'calls' THEN s.calls::float8
        WHEN 'rows' THEN s.rows::float8
        WHEN 'reads' THEN s.shared_blks_read::float8
        ELSE s.total_exec_time
    END DESC,
    s.queryid
LIMIT %s::int
