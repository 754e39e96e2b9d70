-- asks: Which tables are read and written most, and how much of the reading goes without an index.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the counters of tables and indexes
-- kind: counters
-- needs: performance_schema
SELECT
    i.OBJECT_SCHEMA AS schema_name,
    i.OBJECT_NAME AS table_name,
    SUM(i.COUNT_READ) AS rows_read,
    SUM(IF(i.INDEX_NAME IS NULL, i.COUNT_READ, 0)) AS rows_read_without_index,
    SUM(i.COUNT_INSERT) AS rows_inserted,
    SUM(i.COUNT_UPDATE) AS rows_updated,
    SUM(i.COUNT_DELETE) AS rows_deleted,
    SUM(i.SUM_TIMER_WAIT) / 1e12 AS io_seconds,
    SUM(SUM(i.COUNT_READ)) OVER () AS all_rows_read,
    COUNT(*) OVER () AS tables
FROM performance_schema.table_io_waits_summary_by_index_usage AS i
WHERE i.OBJECT_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
GROUP BY i.OBJECT_SCHEMA, i.OBJECT_NAME
HAVING SUM(i.COUNT_STAR) > 0
ORDER BY SUM(i.COUNT_READ) DESC, schema_name, table_name
LIMIT 60
