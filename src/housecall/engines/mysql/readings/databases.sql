-- asks: How large each database is.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: the statistics of every table are asked
SELECT
    t.TABLE_SCHEMA AS schema_name,
    COUNT(*) AS tables,
    SUM(COALESCE(t.DATA_LENGTH, 0)) AS data_bytes,
    SUM(COALESCE(t.INDEX_LENGTH, 0)) AS index_bytes
FROM information_schema.TABLES AS t
WHERE t.TABLE_TYPE = 'BASE TABLE' AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
GROUP BY t.TABLE_SCHEMA
ORDER BY SUM(COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0)) DESC, schema_name
LIMIT 100
