-- Every session that waits for another one, and every session that is waited for. A blocker 0 is a prepared transaction.
-- Waiting is read from pg_locks, which every role may see; states and statements of others need pg_monitor.
WITH waiting AS MATERIALIZED (
    SELECT a.pid, pg_catalog.pg_blocking_pids(a.pid) AS blocked_by
    FROM (SELECT DISTINCT l.pid FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND l.pid IS NOT NULL) AS a
),
involved AS (
    SELECT w.pid FROM waiting AS w
    UNION
    SELECT unnest(w.blocked_by) FROM waiting AS w
)
SELECT
    i.pid,
    a.usename::text AS user_name,
    a.application_name,
    a.client_addr::text AS client_address,
    a.state,
    EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
    left(a.query, 400) AS statement,
    coalesce(w.blocked_by, ARRAY[]::int[]) AS blocked_by,
    (
        SELECT string_agg(DISTINCT coalesce(l.relation::regclass::text, l.locktype) || ' (' || l.mode || ')', ', ')
        FROM pg_catalog.pg_locks AS l
        WHERE l.pid = i.pid AND NOT l.granted
    ) AS waits_for
FROM involved AS i
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = i.pid
LEFT JOIN waiting AS w ON w.pid = i.pid
ORDER BY a.xact_start NULLS FIRST, i.pid
LIMIT 150
