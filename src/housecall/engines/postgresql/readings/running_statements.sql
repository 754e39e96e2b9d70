-- asks: which statements run at this moment in this database, where pg_stat_statements is not there to ask
-- privilege: pg_read_all_stats (in pg_monitor) to see the statements of other roles
-- versions: 13-
-- cost: one pass over the session list
-- kind: sample
SELECT
    a.query::text AS query,
    count(*)::int8 AS sessions,
    max(EXTRACT(epoch FROM clock_timestamp() - a.query_start))::float8 AS longest_seconds,
    (count(*) FILTER (WHERE a.wait_event_type = 'Lock'))::int8 AS waiting_for_locks
FROM pg_catalog.pg_stat_activity AS a
WHERE a.state = 'active' AND a.backend_type = 'client backend' AND a.datname = current_database()
    AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.application_name IS DISTINCT FROM 'housecall'
    AND a.query <> '<insufficient privilege>'
    AND length(a.query) < pg_catalog.pg_size_bytes(current_setting('track_activity_query_size')) - 1
GROUP BY a.query
ORDER BY longest_seconds DESC, query
LIMIT 12
