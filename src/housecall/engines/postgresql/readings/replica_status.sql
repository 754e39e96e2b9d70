-- asks: Is this server a standby, does it receive and replay WAL, how late is it, and what must a primary's commit wait for?
-- privilege: pg_read_all_stats (in pg_monitor) for the receiver; pg_read_all_settings for the primary's address
-- versions: 13-
-- cost: reads a handful of values in shared memory
WITH recovery AS MATERIALIZED (
    SELECT pg_catalog.pg_is_in_recovery() AS active
)
SELECT
    r.active::bool AS in_recovery,
    CASE WHEN r.active THEN pg_catalog.pg_is_wal_replay_paused() END::bool AS replay_paused,
    CASE WHEN r.active THEN pg_catalog.pg_wal_lsn_diff(
        pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()
    ) END::int8 AS unreplayed_bytes,
    CASE WHEN r.active THEN EXTRACT(
        epoch FROM clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
    ) END::float8 AS last_replayed_seconds,
    (SELECT w.status FROM pg_catalog.pg_stat_wal_receiver AS w WHERE w.pid IS NOT NULL)::text AS receiver_status,
    EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver AS w WHERE w.pid IS NOT NULL)::bool AS receiver_running,
    (SELECT EXTRACT(epoch FROM clock_timestamp() - w.last_msg_receipt_time)
     FROM pg_catalog.pg_stat_wal_receiver AS w)::float8 AS last_message_seconds,
    (SELECT s.setting <> '' FROM pg_catalog.pg_settings AS s WHERE s.name = 'primary_conninfo')::bool
        AS has_primary,
    (SELECT s.setting::float8 / 1000 FROM pg_catalog.pg_settings AS s WHERE s.name = 'recovery_min_apply_delay')::float8
        AS apply_delay_seconds,
    (current_setting('hot_standby_feedback') = 'on')::bool AS standby_feedback,
    (SELECT s.setting::float8 / 1000 FROM pg_catalog.pg_settings AS s
     WHERE s.name = 'max_standby_streaming_delay')::float8 AS standby_delay_seconds,
    current_setting('synchronous_standby_names')::text AS synchronous_standby_names,
    current_setting('synchronous_commit')::text AS synchronous_commit,
    (SELECT COALESCE(sum(d.conflicts), 0) FROM pg_catalog.pg_stat_database AS d)::int8 AS recovery_conflicts
FROM recovery AS r
