-- asks: Which errors statements got since the server started; looks that the reader's own account was refused are left out.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-
-- cost: one pass over 5,000 counters, and one over those of the reader's account
-- kind: counters
-- needs: performance_schema
SELECT
    e.ERROR_NUMBER AS number,
    e.ERROR_NAME AS name,
    e.SQL_STATE AS sql_state,
    e.SUM_ERROR_RAISED - COALESCE(own.SUM_ERROR_RAISED, 0) AS raised,
    TIMESTAMPDIFF(SECOND, e.LAST_SEEN, NOW()) AS last_seconds_ago
FROM performance_schema.events_errors_summary_global_by_error AS e
LEFT JOIN performance_schema.events_errors_summary_by_user_by_error AS own
    ON own.ERROR_NUMBER = e.ERROR_NUMBER AND own.USER = SUBSTRING_INDEX(USER(), '@', 1)
    AND own.ERROR_NUMBER IN (1044, 1045, 1142, 1143, 1227, 1356, 1370, 1410)
WHERE e.SUM_ERROR_RAISED > COALESCE(own.SUM_ERROR_RAISED, 0) AND e.ERROR_NUMBER IS NOT NULL
ORDER BY raised DESC, number
LIMIT 50
