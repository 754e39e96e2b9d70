-- How many sessions there are by state, and how many the server takes. Those that the account may not see are counted
-- as hidden. {transactions} is INNODB_TRX, or nothing without the right to see it.
SELECT s.state, s.sessions, s.longest_seconds, @@max_connections AS max_connections, 0 AS reserved_connections
FROM (
    SELECT
        CASE
            WHEN p.COMMAND <> 'Sleep' THEN 'active'
            WHEN t.trx_started IS NOT NULL THEN 'idle in transaction'
            ELSE 'idle'
        END AS state,
        COUNT(*) AS sessions,
        MAX(p.TIME) AS longest_seconds
    FROM information_schema.PROCESSLIST AS p
    LEFT JOIN {transactions} AS t ON t.trx_mysql_thread_id = p.ID
    WHERE p.USER NOT IN ('event_scheduler', 'system user')
    GROUP BY 1
    UNION ALL
    SELECT 'hidden', CAST(g.VARIABLE_VALUE AS SIGNED) - seen.sessions, NULL
    FROM information_schema.GLOBAL_STATUS AS g
    JOIN (
        SELECT COUNT(*) AS sessions
        FROM information_schema.PROCESSLIST
        WHERE USER NOT IN ('event_scheduler', 'system user')
    ) AS seen
    WHERE g.VARIABLE_NAME = 'Threads_connected' AND CAST(g.VARIABLE_VALUE AS SIGNED) > seen.sessions
        AND {hides}
) AS s
ORDER BY s.sessions DESC, s.state
