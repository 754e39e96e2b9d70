-- asks: Tables with much free space inside.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: the statistics of every table are asked
SELECT
    t.TABLE_SCHEMA AS schema_name,
    t.TABLE_NAME AS table_name,
    t.ENGINE AS engine,
    COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) AS used_bytes,
    t.DATA_FREE AS free_bytes
FROM information_schema.TABLES AS t
WHERE t.TABLE_TYPE = 'BASE TABLE' AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') AND t.DATA_FREE > 16 * 1024 * 1024
ORDER BY t.DATA_FREE DESC, schema_name, table_name
LIMIT 100
