-- asks: Which limits, timeouts and autovacuum settings does the server run with, and which roles or databases override timeouts?
-- privilege: none
-- versions: 13-
-- cost: one pass over the settings in memory
WITH s AS MATERIALIZED (
    SELECT name, setting, reset_val
    FROM pg_catalog.pg_settings
    WHERE name IN (
        'max_connections', 'superuser_reserved_connections', 'reserved_connections', 'statement_timeout',
        'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout',
        'default_transaction_isolation', 'deadlock_timeout', 'log_lock_waits', 'autovacuum', 'track_counts',
        'autovacuum_max_workers', 'autovacuum_naptime', 'autovacuum_vacuum_threshold',
        'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_cost_delay', 'autovacuum_vacuum_cost_limit',
        'vacuum_cost_limit', 'autovacuum_freeze_max_age', 'autovacuum_multixact_freeze_max_age',
        'max_prepared_transactions', 'max_locks_per_transaction', 'old_snapshot_threshold'
    )
)
SELECT
    max(setting) FILTER (WHERE name = 'max_connections')::int8 AS max_connections,
    max(setting) FILTER (WHERE name = 'superuser_reserved_connections')::int8 AS superuser_reserved_connections,
    COALESCE(max(setting) FILTER (WHERE name = 'reserved_connections'), '0')::int8 AS reserved_connections,
    max(reset_val) FILTER (WHERE name = 'statement_timeout')::float8 / 1000 AS statement_timeout_seconds,
    max(reset_val) FILTER (WHERE name = 'lock_timeout')::float8 / 1000 AS lock_timeout_seconds,
    max(reset_val) FILTER (WHERE name = 'idle_in_transaction_session_timeout')::float8 / 1000
        AS idle_in_transaction_timeout_seconds,
    COALESCE(max(reset_val) FILTER (WHERE name = 'idle_session_timeout'), '0')::float8 / 1000
        AS idle_session_timeout_seconds,
    COALESCE(max(reset_val) FILTER (WHERE name = 'transaction_timeout'), '0')::float8 / 1000
        AS transaction_timeout_seconds,
    max(reset_val) FILTER (WHERE name = 'default_transaction_isolation')::text AS default_isolation,
    max(setting) FILTER (WHERE name = 'deadlock_timeout')::float8 / 1000 AS deadlock_timeout_seconds,
    (max(setting) FILTER (WHERE name = 'log_lock_waits') = 'on')::bool AS log_lock_waits,
    (max(setting) FILTER (WHERE name = 'autovacuum') = 'on')::bool AS autovacuum,
    (max(setting) FILTER (WHERE name = 'track_counts') = 'on')::bool AS track_counts,
    max(setting) FILTER (WHERE name = 'autovacuum_max_workers')::int8 AS autovacuum_max_workers,
    max(setting) FILTER (WHERE name = 'autovacuum_naptime')::float8 AS autovacuum_naptime_seconds,
    max(setting) FILTER (WHERE name = 'autovacuum_vacuum_threshold')::int8 AS autovacuum_vacuum_threshold,
    max(setting) FILTER (WHERE name = 'autovacuum_vacuum_scale_factor')::float8 AS autovacuum_vacuum_scale_factor,
    CASE WHEN max(setting) FILTER (WHERE name = 'autovacuum_vacuum_cost_delay')::float8 < 0 THEN 0
         ELSE max(setting) FILTER (WHERE name = 'autovacuum_vacuum_cost_delay')::float8 / 1000
    END::float8 AS autovacuum_cost_delay_seconds,
    CASE WHEN max(setting) FILTER (WHERE name = 'autovacuum_vacuum_cost_limit')::int8 < 0
         THEN max(setting) FILTER (WHERE name = 'vacuum_cost_limit')::int8
         ELSE max(setting) FILTER (WHERE name = 'autovacuum_vacuum_cost_limit')::int8
    END::int8 AS autovacuum_cost_limit,
    max(setting) FILTER (WHERE name = 'autovacuum_freeze_max_age')::int8 AS autovacuum_freeze_max_age,
    max(setting) FILTER (WHERE name = 'autovacuum_multixact_freeze_max_age')::int8
        AS autovacuum_multixact_freeze_max_age,
    max(setting) FILTER (WHERE name = 'max_prepared_transactions')::int8 AS max_prepared_transactions,
    (SELECT count(*) FROM pg_catalog.pg_locks WHERE mode = 'SIReadLock')::int8 AS serializable_locks,
    ARRAY(
        SELECT pg_catalog.format('%s/%s: %s', COALESCE(r.rolname, '*'), COALESCE(d.datname, '*'), each)
        FROM pg_catalog.pg_db_role_setting AS o
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = o.setrole
        LEFT JOIN pg_catalog.pg_database AS d ON d.oid = o.setdatabase
        CROSS JOIN LATERAL unnest(o.setconfig) AS each
        WHERE each LIKE '%timeout=%' OR each LIKE 'default_transaction_isolation=%'
        ORDER BY 1
        LIMIT 40
    )::text[] AS overrides
FROM s
