-- asks: Who is connected, in which state and for how long, who waits for a lock, and for whom? Blockers and waiters first.
-- privilege: pg_read_all_stats (in pg_monitor) to see state and statements of other roles; locks and ages are public
-- versions: 13-13
-- cost: one pass over the session list and the lock table; the blocking tree is asked for at most 100 waiters
-- kind: sample
WITH locks AS MATERIALIZED (
    SELECT pid, locktype, database, relation, page, tuple, transactionid, classid, objid, objsubid, mode, granted, NULL::timestamptz AS waitstart
    FROM pg_catalog.pg_locks
    WHERE pid IS NOT NULL
        AND (NOT granted OR locktype = 'tuple')
),
waiting AS MATERIALIZED (
    SELECT DISTINCT ON (pid) pid, locktype, mode, database, relation, page, tuple, transactionid, classid, objid, objsubid,
        waitstart
    FROM (SELECT * FROM locks WHERE NOT granted ORDER BY waitstart NULLS LAST, pid LIMIT 100) AS longest
    ORDER BY pid
),
blocked AS MATERIALIZED (
    SELECT pid, ARRAY(SELECT DISTINCT each FROM unnest(pg_catalog.pg_blocking_pids(pid)) AS each) AS blocked_by
    FROM waiting
),
blockers AS MATERIALIZED (
    SELECT DISTINCT unnest(blocked_by) AS pid FROM blocked
),
held AS MATERIALIZED (
    SELECT DISTINCT ON (pid) pid, database, relation, page, tuple
    FROM locks
    WHERE granted AND locktype = 'tuple'
    ORDER BY pid
)
SELECT
    a.pid::int4 AS pid,
    a.datname::text AS database,
    a.usename::text AS user_name,
    a.application_name::text AS application,
    CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.host(a.client_addr)
         WHEN a.client_port IS NOT NULL THEN 'local' END AS client,
    COALESCE(a.backend_type, 'client backend')::text AS backend_type,
    a.state::text AS state,
    a.wait_event_type::text AS wait_event_type,
    a.wait_event::text AS wait_event,
    EXTRACT(epoch FROM clock_timestamp() - a.backend_start)::float8 AS session_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.query_start)::float8 AS statement_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
    pg_catalog.age(a.backend_xid)::int8 AS xid_age,
    pg_catalog.age(a.backend_xmin)::int8 AS xmin_age,
    (a.backend_xid IS NOT NULL)::bool AS has_written,
    CASE WHEN a.query = '<insufficient privilege>' THEN NULL ELSE left(a.query, 300) END::text AS statement,
    (a.query IS DISTINCT FROM '<insufficient privilege>')::bool AS visible,
    COALESCE(b.blocked_by, ARRAY[]::int4[]) AS blocked_by,
    w.locktype::text AS lock_type,
    w.mode::text AS lock_mode,
    (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
     FROM pg_catalog.pg_class AS c
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = COALESCE(w.relation, h.relation)
         AND COALESCE(w.database, h.database) IN (0, (
            SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()
         ))
    )::text AS lock_relation,
    CASE WHEN w.locktype = 'advisory' AND w.objsubid = 1 THEN ((w.classid::int8 << 32) | w.objid::int8)::text
         WHEN w.locktype = 'advisory' THEN pg_catalog.format('%s, %s', w.classid::int8, w.objid::int8)
         WHEN COALESCE(w.tuple, h.tuple) IS NOT NULL AND w.pid IS NOT NULL
         THEN pg_catalog.format('(%s,%s)', COALESCE(w.page, h.page), COALESCE(w.tuple, h.tuple)) END::text AS lock_row,
    w.transactionid::text::int8 AS lock_xid,
    CASE WHEN w.pid IS NOT NULL THEN GREATEST(EXTRACT(epoch FROM clock_timestamp() - a.query_start), 0) END::float8 AS wait_seconds,
    EXTRACT(epoch FROM clock_timestamp())::float8 AS read_epoch,
    (SELECT count(DISTINCT pid) FROM locks WHERE NOT granted)::int8 AS waiting_total,
    (count(*) OVER ())::int8 AS session_total
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN waiting AS w ON w.pid = a.pid
LEFT JOIN blocked AS b ON b.pid = a.pid
LEFT JOIN held AS h ON h.pid = a.pid AND w.pid IS NOT NULL
WHERE a.pid <> pg_catalog.pg_backend_pid()
    AND a.application_name IS DISTINCT FROM 'housecall'
    AND (
        a.backend_type = 'client backend'
        OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL AND a.datid IS NOT NULL)
        OR w.pid IS NOT NULL
        OR a.pid IN (SELECT pid FROM blockers)
    )
ORDER BY
    (a.pid IN (SELECT pid FROM blockers)) DESC,
    (w.pid IS NOT NULL) DESC,
    GREATEST(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) DESC NULLS LAST,
    a.xact_start NULLS LAST,
    (a.state = 'active') DESC NULLS LAST,
    a.pid
LIMIT 150
