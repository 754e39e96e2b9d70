-- asks: did the server start its own processes anew since it was started, as it does after one of them died?
-- privilege: pg_read_all_stats (in pg_monitor) to see when the processes were started
-- versions: 13-
-- cost: one pass over the session list
SELECT
    EXTRACT(epoch FROM clock_timestamp() - pg_catalog.pg_postmaster_start_time())::float8 AS server_seconds,
    EXTRACT(epoch FROM clock_timestamp() - w.backend_start)::float8 AS youngest_seconds,
    w.backend_type::text AS youngest_name
FROM (SELECT 1) AS always
LEFT JOIN LATERAL (
    SELECT a.backend_start, a.backend_type
    FROM pg_catalog.pg_stat_activity AS a
    -- a standby starts its walwriter when it is promoted, so that one tells nothing
    WHERE a.backend_type IN ('background writer', 'checkpointer') AND a.backend_start IS NOT NULL
    ORDER BY a.backend_start DESC
    LIMIT 1
) AS w ON true
