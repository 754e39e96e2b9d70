-- asks: Which errors statements and logins got since the server started, and whose logins were refused most for a locked or expired account; looks that the reader's own account was refused are left out.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-
-- cost: one pass over 5,000 counters; the LIMITs keep each side apart, joined row by row it took twenty times as long
-- kind: counters
-- needs: performance_schema
SELECT
    e.ERROR_NUMBER AS number,
    e.ERROR_NAME AS name,
    e.SQL_STATE AS sql_state,
    e.SUM_ERROR_RAISED - COALESCE(own.SUM_ERROR_RAISED, 0) AS raised,
    TIMESTAMPDIFF(SECOND, e.LAST_SEEN, NOW()) AS last_seconds_ago,
    who.USER AS user_name
FROM (
    SELECT ERROR_NUMBER, ERROR_NAME, SQL_STATE, SUM_ERROR_RAISED, LAST_SEEN
    FROM performance_schema.events_errors_summary_global_by_error
    WHERE SUM_ERROR_RAISED > 0 AND ERROR_NUMBER IS NOT NULL
    LIMIT 10000
) AS e
LEFT JOIN (
    SELECT ERROR_NUMBER, SUM_ERROR_RAISED
    FROM performance_schema.events_errors_summary_by_user_by_error
    WHERE USER = SUBSTRING_INDEX(USER(), '@', 1) AND SUM_ERROR_RAISED > 0
        AND ERROR_NUMBER IN (1044, 1045, 1142, 1143, 1227, 1356, 1370, 1410)
    LIMIT 8
) AS own ON own.ERROR_NUMBER = e.ERROR_NUMBER
LEFT JOIN (
    SELECT ERROR_NUMBER, USER, ROW_NUMBER() OVER (PARTITION BY ERROR_NUMBER ORDER BY SUM_ERROR_RAISED DESC, USER) AS place
    FROM performance_schema.events_errors_summary_by_user_by_error
    WHERE USER IS NOT NULL AND SUM_ERROR_RAISED > 0 AND ERROR_NUMBER IN (1862, 3118, 3159)
    LIMIT 1000
) AS who ON who.ERROR_NUMBER = e.ERROR_NUMBER AND who.place = 1
WHERE e.SUM_ERROR_RAISED > COALESCE(own.SUM_ERROR_RAISED, 0)
ORDER BY raised DESC, number
LIMIT 50
