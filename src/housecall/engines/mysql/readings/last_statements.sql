-- asks: What sessions that are idle in a transaction ran last.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one row for each connection
-- needs: performance_schema
SELECT
    t.PROCESSLIST_ID AS session_id,
    LEFT(s.SQL_TEXT, 2000) AS statement,
    s.TIMER_WAIT / 1e12 AS statement_seconds
FROM performance_schema.events_statements_current AS s
JOIN performance_schema.threads AS t ON t.THREAD_ID = s.THREAD_ID
WHERE t.PROCESSLIST_COMMAND = 'Sleep' AND t.PROCESSLIST_ID <> CONNECTION_ID() AND s.SQL_TEXT IS NOT NULL
ORDER BY t.PROCESSLIST_TIME DESC, session_id
LIMIT 200
