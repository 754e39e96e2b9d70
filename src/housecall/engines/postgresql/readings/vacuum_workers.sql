-- asks: Which vacuums run now, by whom, on which table, and how far are they?
-- privilege: pg_read_all_stats (in pg_monitor) to see the workers of autovacuum
-- versions: 13-
-- cost: one pass over the session list
SELECT
    a.pid::int4 AS pid,
    (a.backend_type = 'autovacuum worker')::bool AS is_autovacuum,
    (a.query LIKE '%to prevent wraparound%')::bool AS prevents_wraparound,
    COALESCE(p.datname, a.datname)::text AS database,
    (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
     FROM pg_catalog.pg_class AS c
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = p.relid AND p.datname = current_database()
    )::text AS table_name,
    p.phase::text AS phase,
    p.heap_blks_total::int8 AS heap_blocks,
    p.heap_blks_scanned::int8 AS scanned_blocks,
    p.index_vacuum_count::int8 AS index_passes,
    EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::float8 AS running_seconds,
    a.wait_event_type::text AS wait_event_type,
    a.wait_event::text AS wait_event
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN pg_catalog.pg_stat_progress_vacuum AS p ON p.pid = a.pid
WHERE a.backend_type = 'autovacuum worker'
    OR p.pid IS NOT NULL
ORDER BY a.xact_start, a.pid
LIMIT 50
