-- How many sessions there are by state, and how many the server takes.
SELECT
    coalesce(a.state, 'hidden') AS state,
    count(*) AS sessions,
    max(EXTRACT(epoch FROM clock_timestamp() - a.state_change))::float8 AS longest_seconds,
    current_setting('max_connections')::int AS max_connections,
    current_setting('superuser_reserved_connections')::int AS reserved_connections
FROM pg_catalog.pg_stat_activity AS a
WHERE (a.backend_type = 'client backend' OR a.backend_type IS NULL AND a.datid IS NOT NULL)
GROUP BY 1
ORDER BY 2 DESC, 1
