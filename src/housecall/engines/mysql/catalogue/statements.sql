-- The kinds of statements that cost most since the server started; those that look at the catalogue, as monitoring
-- does, are left out.
SELECT
    d.DIGEST AS query_id,
    LEFT(d.DIGEST_TEXT, 500) AS statement,
    d.COUNT_STAR AS calls,
    d.SUM_TIMER_WAIT / 1e12 AS total_seconds,
    d.AVG_TIMER_WAIT / 1e9 AS mean_ms,
    d.MAX_TIMER_WAIT / 1e9 AS max_ms,
    d.SUM_ROWS_SENT + d.SUM_ROWS_AFFECTED AS `rows`,
    d.SUM_ROWS_EXAMINED AS rows_examined,
    d.SUM_NO_INDEX_USED AS calls_without_index,
    d.SUM_CREATED_TMP_DISK_TABLES AS disk_temporary_tables,
    d.SUM_TIMER_WAIT / NULLIF(SUM(d.SUM_TIMER_WAIT) OVER (), 0) AS share_of_time,
    COUNT(*) OVER () AS total
FROM performance_schema.events_statements_summary_by_digest AS d
WHERE d.DIGEST_TEXT IS NOT NULL
    AND d.DIGEST_TEXT NOT LIKE '%%performance\_schema%%' AND d.DIGEST_TEXT NOT LIKE '%%information\_schema%%'
    AND d.DIGEST_TEXT NOT LIKE '%%`mysql` .%%' AND d.DIGEST_TEXT NOT LIKE 'SELECT ? AS `housecall\_reading`%%'
    AND COALESCE(d.SCHEMA_NAME, '') NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY
    CASE %s
        WHEN 'mean_time' THEN d.AVG_TIMER_WAIT
        WHEN 'calls' THEN d.COUNT_STAR
        WHEN 'rows' THEN d.SUM_ROWS_SENT + d.SUM_ROWS_AFFECTED
        WHEN 'reads' THEN d.SUM_ROWS_EXAMINED
        ELSE d.SUM_TIMER_WAIT
    END DESC,
    d.DIGEST
LIMIT %s
