-- asks: since when pg_stat_statements counts, and whether it threw entries away for want of room
-- privilege: the extension pg_stat_statements 1.9 or newer
-- versions: 14-
-- cost: one row
SELECT
    EXTRACT(epoch FROM clock_timestamp() - i.stats_reset)::float8 AS reset_seconds_ago,
    i.dealloc::int8 AS evictions,
    current_setting('pg_stat_statements.max')::int8 AS max_entries
FROM pg_stat_statements_info AS i
