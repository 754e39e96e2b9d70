-- asks: Which errors the latest statements of the sessions that are connected got, with the server's own words.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: at most ten statements a session
-- needs: performance_schema
SELECT
    h.MYSQL_ERRNO AS number,
    MIN(h.CURRENT_SCHEMA) AS schema_name,
    t.PROCESSLIST_USER AS user_name,
    LEFT(MIN(h.MESSAGE_TEXT), 300) AS message,
    COUNT(*) AS statements
FROM performance_schema.events_statements_history AS h
JOIN performance_schema.threads AS t ON t.THREAD_ID = h.THREAD_ID
WHERE h.MYSQL_ERRNO > 0 AND h.ERRORS > 0 AND t.PROCESSLIST_ID <> CONNECTION_ID()
GROUP BY h.MYSQL_ERRNO, t.PROCESSLIST_USER, h.MESSAGE_TEXT
ORDER BY COUNT(*) DESC, h.MYSQL_ERRNO
LIMIT 50
