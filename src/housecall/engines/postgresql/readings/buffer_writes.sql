-- asks: who writes changed blocks to disk: checkpoints, the background writer, or the sessions themselves?
-- privilege: none
-- versions: 13-16
-- cost: one row
-- kind: counters
SELECT
    b.buffers_checkpoint::int8 AS by_checkpoints,
    b.buffers_clean::int8 AS by_writer,
    b.buffers_backend::int8 AS by_sessions,
    b.buffers_backend_fsync::int8 AS syncs_by_sessions,
    b.maxwritten_clean::int8 AS writer_stops,
    EXTRACT(epoch FROM clock_timestamp() - b.stats_reset)::float8 AS statistics_seconds
FROM pg_catalog.pg_stat_bgwriter AS b
