-- asks: Which kinds of statements took the most time since the server started.
-- privilege: SELECT ON performance_schema.*
-- flavours: mariadb 10.6-
-- cost: one pass over the digests (10,000 at most)
-- kind: counters
-- needs: performance_schema
SELECT
    d.DIGEST AS digest,
    d.SCHEMA_NAME AS schema_name,
    LEFT(d.DIGEST_TEXT, 4000) AS query,
    NULL AS sample,
    d.COUNT_STAR AS calls,
    d.SUM_TIMER_WAIT / 1e12 AS total_seconds,
    d.MAX_TIMER_WAIT / 1e12 AS max_seconds,
    d.SUM_LOCK_TIME / 1e12 AS lock_seconds,
    d.SUM_ERRORS AS errors,
    d.SUM_WARNINGS AS warnings,
    d.SUM_ROWS_AFFECTED AS rows_affected,
    d.SUM_ROWS_SENT AS rows_sent,
    d.SUM_ROWS_EXAMINED AS rows_examined,
    d.SUM_CREATED_TMP_DISK_TABLES AS tmp_disk_tables,
    d.SUM_CREATED_TMP_TABLES AS tmp_tables,
    d.SUM_SELECT_FULL_JOIN AS full_joins,
    d.SUM_SELECT_FULL_RANGE_JOIN AS full_range_joins,
    d.SUM_SELECT_SCAN AS scans,
    d.SUM_SORT_MERGE_PASSES AS sort_merge_passes,
    d.SUM_SORT_ROWS AS sort_rows,
    d.SUM_NO_INDEX_USED AS no_index_used,
    d.SUM_NO_GOOD_INDEX_USED AS no_good_index_used,
    TIMESTAMPDIFF(SECOND, d.FIRST_SEEN, NOW()) AS first_seen_seconds,
    TIMESTAMPDIFF(SECOND, d.LAST_SEEN, NOW()) AS last_seen_seconds,
    SUM(d.SUM_TIMER_WAIT) OVER () / 1e12 AS all_seconds,
    COUNT(*) OVER () AS digests
FROM performance_schema.events_statements_summary_by_digest AS d
WHERE d.DIGEST_TEXT IS NOT NULL
    AND d.DIGEST_TEXT NOT LIKE '%performance\_schema%' AND d.DIGEST_TEXT NOT LIKE '%information\_schema%'
    AND d.DIGEST_TEXT NOT LIKE '%`mysql` .%' AND d.DIGEST_TEXT NOT LIKE 'SELECT ? AS `housecall\_reading`%'
    AND COALESCE(d.SCHEMA_NAME, '') NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY d.SUM_TIMER_WAIT DESC, d.DIGEST
LIMIT 60
