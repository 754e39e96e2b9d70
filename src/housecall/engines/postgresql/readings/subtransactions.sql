-- asks: Do transactions have more subtransactions than a session caches (64), and how busy is the cache on disk for them?
-- privilege: none for the cache; pg_read_all_stats (in pg_monitor) for other roles' sessions
-- versions: 16-
-- cost: reads one row of shared statistics and one number a session
-- kind: counters
SELECT
    s.blks_hit::int8 AS cache_hits,
    s.blks_read::int8 AS cache_reads,
    COALESCE(o.sessions, 0)::int8 AS overflowed_sessions,
    o.pid::int4 AS worst_pid,
    o.subtransactions::int8 AS worst_subtransactions,
    o.user_name::text AS worst_user,
    o.application::text AS worst_application,
    o.statement::text AS worst_statement
FROM pg_catalog.pg_stat_slru AS s
LEFT JOIN LATERAL (
    SELECT
        count(*) OVER () AS sessions,
        a.pid,
        x.subxact_count AS subtransactions,
        a.usename AS user_name,
        a.application_name AS application,
        CASE WHEN a.query = '<insufficient privilege>' THEN NULL ELSE left(a.query, 300) END AS statement
    FROM pg_catalog.pg_stat_get_backend_idset() AS backend
    CROSS JOIN LATERAL pg_catalog.pg_stat_get_backend_subxact(backend) AS x
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = pg_catalog.pg_stat_get_backend_pid(backend)
    WHERE x.subxact_overflowed
    ORDER BY a.xact_start
    LIMIT 1
) AS o ON true
WHERE lower(s.name) LIKE 'subtrans%'
