-- asks: which sessions hold a lock on a whole table that keeps writers or readers out, and how many wait for it?
-- privilege: pg_read_all_stats (in pg_monitor) to see the statements of other roles
-- versions: 13-
-- cost: one pass over the lock table
WITH locks AS MATERIALIZED (
    SELECT l.pid, l.relation, l.mode, l.granted
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation' AND l.relation >= 16384
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
), held AS (
    SELECT locks.pid, locks.relation, locks.mode, (
        SELECT count(DISTINCT w.pid) FROM locks AS w WHERE w.relation = locks.relation AND NOT w.granted
    ) AS waiting
    FROM locks
    WHERE locks.granted
        AND locks.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
)
SELECT
    held.pid::int4 AS pid,
    n.nspname::text AS schema_name,
    c.relname::text AS table_name,
    held.mode::text AS mode,
    held.waiting::int8 AS waiting,
    a.usename::text AS user_name,
    a.state::text AS state,
    CASE WHEN a.query = '<insufficient privilege>' THEN NULL ELSE left(a.query, 300) END::text AS statement,
    EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds
FROM held
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = held.pid AND a.backend_type = 'client backend'
JOIN pg_catalog.pg_class AS c ON c.oid = held.relation AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY held.waiting DESC, transaction_seconds DESC NULLS LAST, held.pid
LIMIT 20
