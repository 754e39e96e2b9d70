-- asks: Which secondary indexes were not used since the server started, but for those that a foreign key needs.
-- privilege: SELECT ON performance_schema.*; SELECT ON mysql.innodb_index_stats; REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the counters of indexes
-- needs: performance_schema
SELECT
    u.OBJECT_SCHEMA AS schema_name,
    u.OBJECT_NAME AS table_name,
    u.INDEX_NAME AS index_name,
    COALESCE(s.stat_value, 0) * @@innodb_page_size AS size_bytes,
    c.column_list AS columns,
    w.writes AS table_writes,
    COUNT(*) OVER () AS indexes
FROM performance_schema.table_io_waits_summary_by_index_usage AS u
JOIN (
    SELECT
        TABLE_SCHEMA, TABLE_NAME, INDEX_NAME,
        CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COALESCE(COLUMN_NAME, '')) ORDER BY SEQ_IN_INDEX), ']') AS column_list,
        MAX(IF(SEQ_IN_INDEX = 1, COLUMN_NAME, NULL)) AS first_column
    FROM information_schema.STATISTICS
    WHERE NON_UNIQUE = 1 AND INDEX_TYPE = 'BTREE'
        AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    GROUP BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME
) AS c ON c.TABLE_SCHEMA = u.OBJECT_SCHEMA AND c.TABLE_NAME = u.OBJECT_NAME AND c.INDEX_NAME = u.INDEX_NAME
JOIN (
    SELECT OBJECT_SCHEMA, OBJECT_NAME, SUM(COUNT_WRITE) AS writes
    FROM performance_schema.table_io_waits_summary_by_index_usage
    GROUP BY OBJECT_SCHEMA, OBJECT_NAME
) AS w ON w.OBJECT_SCHEMA = u.OBJECT_SCHEMA AND w.OBJECT_NAME = u.OBJECT_NAME
LEFT JOIN mysql.innodb_index_stats AS s
    ON s.database_name = u.OBJECT_SCHEMA AND s.table_name = u.OBJECT_NAME AND s.index_name = u.INDEX_NAME
    AND s.stat_name = 'size'
LEFT JOIN (
    SELECT DISTINCT k.TABLE_SCHEMA, k.TABLE_NAME, k.COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE AS k
    WHERE k.REFERENCED_TABLE_NAME IS NOT NULL AND k.ORDINAL_POSITION = 1
        AND k.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
) AS f ON f.TABLE_SCHEMA = u.OBJECT_SCHEMA AND f.TABLE_NAME = u.OBJECT_NAME AND f.COLUMN_NAME = c.first_column
WHERE f.COLUMN_NAME IS NULL AND u.INDEX_NAME IS NOT NULL AND u.INDEX_NAME <> 'PRIMARY' AND u.COUNT_STAR = 0
    AND u.OBJECT_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY size_bytes DESC, schema_name, table_name, index_name
LIMIT 100
