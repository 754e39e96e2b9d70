-- asks: how many checkpoints were forced by WAL volume, and what they cost, since the statistics began
-- privilege: none
-- versions: 17-
-- cost: one row
-- kind: counters
SELECT
    b.num_timed::int8 AS timed,
    b.num_requested::int8 AS requested,
    (b.write_time / 1000)::float8 AS write_seconds,
    (b.sync_time / 1000)::float8 AS sync_seconds,
    b.buffers_written::int8 AS buffers_written,
    EXTRACT(epoch FROM clock_timestamp() - b.stats_reset)::float8 AS reset_seconds_ago,
    pg_catalog.pg_is_in_recovery() AS in_recovery,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery()
        THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0') END::float8 AS wal_position_bytes
FROM pg_catalog.pg_stat_checkpointer AS b
