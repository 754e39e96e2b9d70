-- asks: Which tables are partitioned, by what, and into how many partitions.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the partitions
SELECT
    p.TABLE_SCHEMA AS schema_name,
    p.TABLE_NAME AS table_name,
    MIN(p.PARTITION_METHOD) AS method,
    MIN(p.PARTITION_EXPRESSION) AS expression,
    COUNT(*) AS partitions,
    SUM(COALESCE(p.TABLE_ROWS, 0)) AS live_rows
FROM information_schema.PARTITIONS AS p
WHERE p.PARTITION_NAME IS NOT NULL AND p.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
GROUP BY p.TABLE_SCHEMA, p.TABLE_NAME
ORDER BY live_rows DESC, schema_name, table_name
LIMIT 100
