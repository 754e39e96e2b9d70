-- Statements that run at this moment, the longest first.
SELECT
    p.ID AS pid,
    p.USER AS user_name,
    p.TIME AS running_seconds,
    NULL AS wait_event_type,
    NULLIF(p.STATE, '') AS wait_event,
    LEFT(p.INFO, 500) AS statement,
    COUNT(*) OVER () AS total
FROM information_schema.PROCESSLIST AS p
WHERE p.COMMAND IN ('Query', 'Execute') AND p.INFO IS NOT NULL AND p.ID <> CONNECTION_ID()
ORDER BY p.TIME DESC, p.ID
LIMIT %s
