-- asks: How many sessions are there by database, user, application, client and state, and how near are they to the limits?
-- privilege: pg_read_all_stats (in pg_monitor) for application, client and state of other roles; the counts are public
-- versions: 13-
-- cost: one pass over the session list
WITH sessions AS MATERIALIZED (
    SELECT
        a.datname, a.usename, a.application_name, a.state, a.datid, a.usesysid,
        CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.host(a.client_addr)
             WHEN a.client_port IS NOT NULL THEN 'local' END AS client,
        EXTRACT(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
        EXTRACT(epoch FROM clock_timestamp() - a.backend_start)::float8 AS session_seconds
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.pid <> pg_catalog.pg_backend_pid()
        AND a.application_name IS DISTINCT FROM 'housecall'
        AND (
            a.backend_type = 'client backend'
            OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL AND a.datid IS NOT NULL)
        )
)
SELECT
    s.datname::text AS database,
    s.usename::text AS user_name,
    s.application_name::text AS application,
    s.client::text AS client,
    s.state::text AS state,
    count(*)::int8 AS sessions,
    max(s.state_seconds)::float8 AS oldest_state_seconds,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY s.state_seconds))::float8 AS median_state_seconds,
    max(s.session_seconds)::float8 AS oldest_session_seconds,
    (sum(count(*)) OVER ())::int8 AS session_total,
    (sum(count(*)) OVER (PARTITION BY s.usename))::int8 AS user_total,
    (sum(count(*)) OVER (PARTITION BY s.datname))::int8 AS database_total,
    NULLIF((SELECT r.rolconnlimit FROM pg_catalog.pg_roles AS r WHERE r.rolname = s.usename), -1)::int8 AS user_limit,
    NULLIF((SELECT d.datconnlimit FROM pg_catalog.pg_database AS d WHERE d.datname = s.datname), -1)::int8
        AS database_limit
FROM sessions AS s
GROUP BY s.datname, s.usename, s.application_name, s.client, s.state
ORDER BY count(*) DESC, max(s.state_seconds) DESC NULLS LAST
LIMIT 40
