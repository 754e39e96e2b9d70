-- asks: The largest tables: engine, rows, sizes, free space, options.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: the statistics of every table are asked; about a second for 10,000 tables
SELECT
    t.TABLE_SCHEMA AS schema_name,
    t.TABLE_NAME AS table_name,
    t.ENGINE AS engine,
    t.ROW_FORMAT AS row_format,
    t.TABLE_COLLATION AS collation,
    t.CREATE_OPTIONS AS create_options,
    COALESCE(t.TABLE_ROWS, 0) AS live_rows,
    COALESCE(t.DATA_LENGTH, 0) AS data_bytes,
    COALESCE(t.INDEX_LENGTH, 0) AS index_bytes,
    COALESCE(t.DATA_FREE, 0) AS free_bytes,
    SUM(COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0)) OVER () AS all_bytes,
    COUNT(*) OVER () AS tables
FROM information_schema.TABLES AS t
WHERE t.TABLE_TYPE = 'BASE TABLE' AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) DESC, schema_name, table_name
LIMIT 100
