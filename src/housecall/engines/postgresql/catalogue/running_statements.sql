-- Statements that run at this moment, the longest first: what is left to see without pg_stat_statements.
SELECT
    a.pid,
    a.usename::text AS user_name,
    EXTRACT(epoch FROM clock_timestamp() - a.query_start)::float8 AS running_seconds,
    a.wait_event_type,
    a.wait_event,
    left(a.query, 500) AS statement,
    count(*) OVER () AS total
FROM pg_catalog.pg_stat_activity AS a
WHERE a.state = 'active'
    AND a.backend_type = 'client backend'
    AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.application_name <> 'housecall'
ORDER BY a.query_start, a.pid
LIMIT %s::int
