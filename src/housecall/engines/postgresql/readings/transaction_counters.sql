-- asks: How many transactions, rollbacks, deadlocks and new sessions has each database seen since its statistics were reset?
-- privilege: none
-- versions: 14-
-- cost: reads one row a database from shared statistics, at most 20
-- kind: counters
SELECT
    d.datname::text AS database,
    (d.datname = current_database())::bool AS is_current,
    d.xact_commit::int8 AS commits,
    d.xact_rollback::int8 AS rollbacks,
    d.deadlocks::int8 AS deadlocks,
    d.conflicts::int8 AS recovery_conflicts,
    d.sessions::int8 AS sessions,
    (d.session_time / 1000)::float8 AS session_seconds,
    d.sessions_abandoned::int8 AS sessions_abandoned,
    d.sessions_fatal::int8 AS sessions_fatal,
    EXTRACT(
        epoch FROM clock_timestamp() - COALESCE(d.stats_reset, pg_catalog.pg_postmaster_start_time())
    )::float8 AS statistics_seconds,
    (d.stats_reset IS NOT NULL)::bool AS reset_known
FROM pg_catalog.pg_stat_database AS d
WHERE d.datname IS NOT NULL
ORDER BY (d.datname = current_database()) DESC, d.xact_commit + d.xact_rollback DESC, d.datname
LIMIT 20
