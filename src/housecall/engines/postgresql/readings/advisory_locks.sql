-- asks: Which sessions hold advisory locks, how many, on which keys, and who waits for them?
-- privilege: pg_read_all_stats (in pg_monitor) for the state of other roles' sessions
-- versions: 13-
-- cost: one pass over the lock table and the session list
WITH advisory AS MATERIALIZED (
    SELECT pid, granted, database, classid, objid, objsubid,
        CASE WHEN objsubid = 1 THEN ((classid::int8 << 32) | objid::int8)::text
             ELSE pg_catalog.format('%s, %s', classid::int8, objid::int8) END AS key
    FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory'
        AND pid IS NOT NULL
),
holders AS (
    SELECT
        h.pid,
        count(*) AS locks,
        (array_agg(h.key ORDER BY h.key))[1:5] AS keys,
        count(DISTINCT w.pid) AS waiters
    FROM advisory AS h
    LEFT JOIN advisory AS w ON NOT w.granted
        AND (w.database, w.classid, w.objid, w.objsubid) = (h.database, h.classid, h.objid, h.objsubid)
    WHERE h.granted
    GROUP BY h.pid
)
SELECT
    h.pid::int4 AS pid,
    a.usename::text AS user_name,
    a.application_name::text AS application,
    a.datname::text AS database,
    a.state::text AS state,
    EXTRACT(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.backend_start)::float8 AS session_seconds,
    CASE WHEN a.query = '<insufficient privilege>' THEN NULL ELSE left(a.query, 300) END::text AS statement,
    h.locks::int8 AS locks,
    h.keys::text[] AS keys,
    h.waiters::int8 AS waiters,
    (count(*) OVER ())::int8 AS holder_total
FROM holders AS h
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = h.pid
WHERE a.application_name IS DISTINCT FROM 'housecall'
    AND h.pid <> pg_catalog.pg_backend_pid()
ORDER BY h.waiters DESC, h.locks DESC, h.pid
LIMIT 30
