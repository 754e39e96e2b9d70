-- asks: How near the AUTO_INCREMENT columns are to the end of their type.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the columns, one over the tables; each apart, since MariaDB opens the system schemas' views where a join filters
SELECT
    c.TABLE_SCHEMA AS schema_name,
    c.TABLE_NAME AS table_name,
    c.COLUMN_NAME AS column_name,
    c.COLUMN_TYPE AS column_type,
    t.AUTO_INCREMENT AS next_value,
    c.max_value AS max_value,
    COALESCE(t.TABLE_ROWS, 0) AS live_rows,
    COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) AS size_bytes,
    COUNT(*) OVER () AS keys_total
FROM (SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE,
        CASE DATA_TYPE
            WHEN 'tinyint' THEN 127 WHEN 'smallint' THEN 32767 WHEN 'mediumint' THEN 8388607
            WHEN 'int' THEN 2147483647 ELSE CAST(9223372036854775807 AS DECIMAL(20))
        END * IF(COLUMN_TYPE LIKE '%unsigned%', 2, 1) + IF(COLUMN_TYPE LIKE '%unsigned%', 1, 0) AS max_value
    FROM information_schema.COLUMNS
    WHERE EXTRA LIKE '%auto_increment%' AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
        AND DATA_TYPE IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint')
    LIMIT 100000
) AS c
JOIN (SELECT TABLE_SCHEMA, TABLE_NAME, AUTO_INCREMENT, TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH
    FROM information_schema.TABLES
    WHERE TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') AND AUTO_INCREMENT IS NOT NULL
    LIMIT 100000
) AS t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
ORDER BY t.AUTO_INCREMENT / c.max_value DESC, schema_name, table_name
LIMIT 100
