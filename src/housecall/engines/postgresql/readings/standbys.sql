-- asks: Which standbys and subscribers stream from this server, how far are they behind, and do they hold back vacuum?
-- privilege: pg_read_all_stats (in pg_monitor) to see more than the process ids
-- versions: 13-
-- cost: reads the sender processes in shared memory, at most 30
SELECT
    r.pid::int4 AS pid,
    r.usename::text AS user_name,
    r.application_name::text AS application,
    COALESCE(pg_catalog.host(r.client_addr), 'local')::text AS client,
    r.state::text AS state,
    r.sync_state::text AS sync_state,
    pg_catalog.pg_wal_lsn_diff(here.lsn, r.sent_lsn)::int8 AS send_lag_bytes,
    pg_catalog.pg_wal_lsn_diff(here.lsn, r.flush_lsn)::int8 AS flush_lag_bytes,
    pg_catalog.pg_wal_lsn_diff(here.lsn, r.replay_lsn)::int8 AS replay_lag_bytes,
    EXTRACT(epoch FROM r.replay_lag)::float8 AS replay_lag_seconds,
    EXTRACT(epoch FROM clock_timestamp() - r.reply_time)::float8 AS reply_age_seconds,
    EXTRACT(epoch FROM clock_timestamp() - r.backend_start)::float8 AS connected_seconds,
    pg_catalog.age(r.backend_xmin)::int8 AS xmin_age,
    EXISTS (
        SELECT FROM pg_catalog.pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical'
    )::bool AS is_logical,
    (r.state IS NOT NULL)::bool AS visible
FROM pg_catalog.pg_stat_replication AS r
CROSS JOIN (
    SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                ELSE pg_catalog.pg_current_wal_lsn() END AS lsn
) AS here
WHERE r.application_name IS DISTINCT FROM 'pg_basebackup'
ORDER BY 9 DESC NULLS LAST, r.pid
LIMIT 30
