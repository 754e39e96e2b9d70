-- asks: How many sessions each user has from each host, and how many of them sleep.
-- privilege: PROCESS ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the sessions
SELECT
    p.USER AS user_name,
    SUBSTRING_INDEX(p.HOST, ':', 1) AS client,
    p.DB AS database_name,
    COUNT(*) AS sessions,
    SUM(p.COMMAND = 'Sleep') AS sleeping,
    SUM(p.COMMAND = 'Sleep' AND p.TIME >= 600) AS sleeping_long,
    MAX(IF(p.COMMAND = 'Sleep', p.TIME, 0)) AS longest_sleep_seconds,
    SUM(COUNT(*)) OVER () AS session_total
FROM information_schema.PROCESSLIST AS p
LEFT JOIN (SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX LIMIT 1) AS allowed ON FALSE
WHERE p.ID <> CONNECTION_ID() AND p.COMMAND <> 'Daemon'
GROUP BY p.USER, SUBSTRING_INDEX(p.HOST, ':', 1), p.DB
ORDER BY COUNT(*) DESC, p.USER, client
LIMIT 50
