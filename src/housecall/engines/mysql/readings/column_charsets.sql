-- asks: Which character sets and collations the columns have, and in how many tables.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the columns
SELECT
    c.TABLE_SCHEMA AS schema_name,
    c.CHARACTER_SET_NAME AS character_set,
    c.COLLATION_NAME AS collation,
    COUNT(*) AS columns,
    COUNT(DISTINCT c.TABLE_NAME) AS tables,
    MIN(CONCAT(c.TABLE_NAME, '.', c.COLUMN_NAME)) AS example
FROM information_schema.COLUMNS AS c
WHERE c.CHARACTER_SET_NAME IS NOT NULL AND c.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
GROUP BY c.TABLE_SCHEMA, c.CHARACTER_SET_NAME, c.COLLATION_NAME
ORDER BY columns DESC, schema_name, collation
LIMIT 100
