-- Client sessions, the working and the old ones first. {transactions} is INNODB_TRX, {last} what each session ran last;
-- nothing where the account may not see them.
SELECT
    s.pid, s.user_name, s.database_name, NULL AS application_name, s.client_address, s.state, NULL AS wait_event_type,
    s.wait_event, s.transaction_seconds, s.statement_seconds, s.state_seconds, s.statement, COUNT(*) OVER () AS total
FROM (
    SELECT
        p.ID AS pid,
        p.USER AS user_name,
        p.DB AS database_name,
        SUBSTRING_INDEX(p.HOST, ':', 1) AS client_address,
        CASE
            WHEN p.COMMAND <> 'Sleep' THEN 'active'
            WHEN t.trx_started IS NOT NULL THEN 'idle in transaction'
            ELSE 'idle'
        END AS state,
        NULLIF(p.STATE, '') AS wait_event,
        TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS transaction_seconds,
        IF(p.COMMAND = 'Sleep', NULL, p.TIME) AS statement_seconds,
        p.TIME AS state_seconds,
        LEFT(COALESCE(p.INFO, l.statement), 400) AS statement
    FROM information_schema.PROCESSLIST AS p
    LEFT JOIN {transactions} AS t ON t.trx_mysql_thread_id = p.ID
    LEFT JOIN {last} AS l ON l.session_id = p.ID
    WHERE (p.USER NOT IN ('event_scheduler', 'system user') OR p.ID = %s) AND p.ID <> CONNECTION_ID()
) AS s
WHERE (%s IS NULL OR s.state LIKE CONCAT(%s, '%%'))
    AND (%s IS NULL OR COALESCE(s.transaction_seconds, s.statement_seconds) >= %s)
    AND (%s IS NULL OR s.pid = %s)
ORDER BY s.state = 'idle', s.transaction_seconds IS NULL, s.transaction_seconds DESC, s.pid
LIMIT 60
