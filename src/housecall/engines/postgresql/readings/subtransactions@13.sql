-- asks: Do transactions have more subtransactions than a session caches (64), and how busy is the cache on disk for them?
-- privilege: none for the cache; pg_read_all_stats (in pg_monitor) for other roles' sessions
-- versions: 13-15
-- cost: reads one row of shared statistics
-- kind: counters
SELECT
    s.blks_hit::int8 AS cache_hits,
    s.blks_read::int8 AS cache_reads,
    NULL::int8 AS overflowed_sessions,
    NULL::int4 AS worst_pid,
    NULL::int8 AS worst_subtransactions,
    NULL::text AS worst_user,
    NULL::text AS worst_application,
    NULL::text AS worst_statement
FROM pg_catalog.pg_stat_slru AS s
WHERE lower(s.name) LIKE 'subtrans%'
