-- asks: What the server's error log says most, with the latest text of each kind.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0.22-
-- cost: the last 5 MB of the log, which the server keeps in memory
-- needs: performance_schema
SELECT
    e.ERROR_CODE AS code,
    e.PRIO AS priority,
    e.SUBSYSTEM AS subsystem,
    COUNT(*) AS entries,
    TIMESTAMPDIFF(SECOND, MAX(e.LOGGED), NOW(6)) AS last_seconds_ago,
    TIMESTAMPDIFF(SECOND, MIN(e.LOGGED), NOW(6)) AS first_seconds_ago,
    LEFT(SUBSTRING_INDEX(GROUP_CONCAT(e.DATA ORDER BY e.LOGGED DESC SEPARATOR '\n'), '\n', 1), 500) AS latest
FROM performance_schema.error_log AS e
WHERE e.PRIO IN ('Error', 'Warning')
GROUP BY e.ERROR_CODE, e.PRIO, e.SUBSYSTEM
ORDER BY e.PRIO, entries DESC, code
LIMIT 60
