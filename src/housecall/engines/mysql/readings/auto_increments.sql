-- asks: How near the AUTO_INCREMENT columns are to the end of their type.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the columns; the statistics of tables with such a column
SELECT
    k.schema_name, k.table_name, k.column_name, k.column_type, k.next_value, k.max_value, k.live_rows, k.size_bytes,
    COUNT(*) OVER () AS keys_total
FROM (
    SELECT
        c.TABLE_SCHEMA AS schema_name,
        c.TABLE_NAME AS table_name,
        c.COLUMN_NAME AS column_name,
        c.COLUMN_TYPE AS column_type,
        t.AUTO_INCREMENT AS next_value,
        CASE c.DATA_TYPE
            WHEN 'tinyint' THEN 127 WHEN 'smallint' THEN 32767 WHEN 'mediumint' THEN 8388607
            WHEN 'int' THEN 2147483647 ELSE CAST(9223372036854775807 AS DECIMAL(20))
        END * IF(c.COLUMN_TYPE LIKE '%unsigned%', 2, 1) + IF(c.COLUMN_TYPE LIKE '%unsigned%', 1, 0) AS max_value,
        COALESCE(t.TABLE_ROWS, 0) AS live_rows,
        COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) AS size_bytes
    FROM information_schema.COLUMNS AS c
    JOIN information_schema.TABLES AS t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
    WHERE c.EXTRA LIKE '%auto_increment%' AND c.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
        AND c.DATA_TYPE IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint')
) AS k
WHERE k.next_value IS NOT NULL
ORDER BY k.next_value / k.max_value DESC, k.schema_name, k.table_name
LIMIT 100
