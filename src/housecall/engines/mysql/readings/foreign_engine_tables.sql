-- asks: Tables whose engine has no transactions or no crash safety.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the dictionary
SELECT
    t.TABLE_SCHEMA AS schema_name,
    t.TABLE_NAME AS table_name,
    t.ENGINE AS engine,
    COALESCE(t.TABLE_ROWS, 0) AS live_rows,
    COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) AS size_bytes,
    COUNT(*) OVER () AS tables
FROM information_schema.TABLES AS t
WHERE t.TABLE_TYPE = 'BASE TABLE' AND t.ENGINE <> 'InnoDB' AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY size_bytes DESC, schema_name, table_name
LIMIT 100
