-- asks: who writes changed blocks to disk: checkpoints, the background writer, or the sessions themselves?
-- privilege: none
-- versions: 17-
-- cost: some twenty rows of shared statistics
-- kind: counters
SELECT
    COALESCE(sum(io.writes) FILTER (WHERE io.backend_type = 'checkpointer'), 0)::int8 AS by_checkpoints,
    COALESCE(sum(io.writes) FILTER (WHERE io.backend_type = 'background writer'), 0)::int8 AS by_writer,
    COALESCE(sum(io.writes) FILTER (
        WHERE io.backend_type = 'client backend' AND io.context = 'normal'
    ), 0)::int8 AS by_sessions,
    COALESCE(sum(io.fsyncs) FILTER (WHERE io.backend_type = 'client backend'), 0)::int8 AS syncs_by_sessions,
    (SELECT b.maxwritten_clean FROM pg_catalog.pg_stat_bgwriter AS b)::int8 AS writer_stops,
    EXTRACT(epoch FROM clock_timestamp() - min(io.stats_reset))::float8 AS statistics_seconds
FROM pg_catalog.pg_stat_io AS io
WHERE io.object = 'relation'
