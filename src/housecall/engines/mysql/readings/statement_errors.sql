-- asks: Which errors statements got since the server started.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-
-- cost: one pass over 5,000 counters
-- kind: counters
-- needs: performance_schema
SELECT
    e.ERROR_NUMBER AS number,
    e.ERROR_NAME AS name,
    e.SQL_STATE AS sql_state,
    e.SUM_ERROR_RAISED AS raised,
    TIMESTAMPDIFF(SECOND, e.LAST_SEEN, NOW()) AS last_seconds_ago
FROM performance_schema.events_errors_summary_global_by_error AS e
WHERE e.SUM_ERROR_RAISED > 0 AND e.ERROR_NUMBER IS NOT NULL
ORDER BY e.SUM_ERROR_RAISED DESC, number
LIMIT 50
