-- asks: When the server started and stopped lately, and what it says of its machine at the start.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0.22-
-- cost: the last 5 MB of the log, which the server keeps in memory
-- needs: performance_schema
SELECT
    e.ERROR_CODE AS code,
    TIMESTAMPDIFF(MICROSECOND, e.LOGGED, NOW(6)) / 1e6 AS seconds_ago,
    LEFT(e.DATA, 200) AS message
FROM performance_schema.error_log AS e
WHERE e.ERROR_CODE IN ('MY-010116', 'MY-010931', 'MY-010910', 'MY-013172', 'MY-015603')
ORDER BY e.LOGGED DESC
LIMIT 60
