-- asks: Columns that are named like money and are floating point.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the columns
SELECT c.TABLE_SCHEMA AS schema_name, c.TABLE_NAME AS table_name, c.COLUMN_NAME AS column_name, c.COLUMN_TYPE AS column_type
FROM information_schema.COLUMNS AS c
WHERE c.DATA_TYPE IN ('float', 'double') AND c.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    AND LOWER(c.COLUMN_NAME) REGEXP 'price|amount|total|cost|balance|salary|fee|tax|payment'
ORDER BY schema_name, table_name, column_name
LIMIT 100
