-- asks: The columns of the 40 tables with the most rows.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the dictionary
SELECT
    c.TABLE_SCHEMA AS schema_name,
    c.TABLE_NAME AS table_name,
    c.COLUMN_NAME AS column_name,
    c.COLUMN_TYPE AS column_type,
    c.DATA_TYPE AS data_type,
    c.IS_NULLABLE = 'NO' AS not_null,
    c.CHARACTER_SET_NAME AS character_set,
    c.COLLATION_NAME AS collation,
    t.TABLE_ROWS AS table_rows
FROM (SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS
    FROM information_schema.TABLES
    WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    ORDER BY TABLE_ROWS DESC, TABLE_SCHEMA, TABLE_NAME
    LIMIT 40
) AS t
JOIN information_schema.COLUMNS AS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
WHERE c.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY schema_name, table_name, c.ORDINAL_POSITION
LIMIT 800
