-- Client sessions, the working and the old ones first. Without pg_monitor the sessions of others show neither state nor
-- statement nor kind; those of a database are taken for clients then. One that is asked for by its pid may be
-- any process of the server.
SELECT
    a.pid,
    a.usename::text AS user_name,
    a.datname::text AS database,
    a.application_name,
    a.client_addr::text AS client_address,
    a.state,
    a.wait_event_type,
    a.wait_event,
    EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.query_start)::float8 AS statement_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
    left(a.query, 400) AS statement,
    count(*) OVER () AS total
FROM pg_catalog.pg_stat_activity AS a
WHERE (a.backend_type = 'client backend' OR a.backend_type IS NULL AND a.datid IS NOT NULL OR a.pid = %s::int)
    AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.application_name IS DISTINCT FROM 'housecall'
    AND (%s::text IS NULL OR a.state LIKE %s::text || '%%')
    AND (%s::float8 IS NULL OR clock_timestamp() - coalesce(a.xact_start, a.query_start) >= make_interval(secs => %s::float8))
    AND (%s::int IS NULL OR a.pid = %s::int)
ORDER BY (a.state = 'idle'), a.xact_start NULLS LAST, a.pid
LIMIT 60
