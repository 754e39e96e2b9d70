-- asks: Who is connected, what each session does, and which transaction it has open.
-- privilege: PROCESS ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the sessions, at most 200 come back
-- kind: sample
SELECT
    p.ID AS id,
    p.USER AS user_name,
    SUBSTRING_INDEX(p.HOST, ':', 1) AS client,
    p.DB AS database_name,
    p.COMMAND AS command,
    p.TIME AS seconds,
    p.STATE AS state,
    LEFT(p.INFO, 4000) AS statement,
    t.trx_id AS transaction_id,
    t.trx_state AS transaction_state,
    TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS transaction_seconds,
    TIMESTAMPDIFF(SECOND, t.trx_wait_started, NOW()) AS lock_wait_seconds,
    t.trx_rows_locked AS rows_locked,
    t.trx_rows_modified AS rows_modified,
    t.trx_tables_locked AS tables_locked,
    t.trx_isolation_level AS isolation_level,
    SUM(t.trx_state = 'LOCK WAIT' OR p.STATE LIKE 'Waiting for%lock%' OR p.STATE IN ('User lock', 'Waiting for table flush')) OVER () AS waiting_total,
    COUNT(*) OVER () AS session_total
FROM information_schema.PROCESSLIST AS p
LEFT JOIN information_schema.INNODB_TRX AS t ON t.trx_mysql_thread_id = p.ID
WHERE p.ID <> CONNECTION_ID() AND p.USER NOT IN ('event_scheduler', 'system user')
ORDER BY t.trx_started IS NULL, t.trx_started, p.COMMAND = 'Sleep', p.TIME DESC
LIMIT 200
