-- asks: Tables without a primary key.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the dictionary
SELECT
    t.TABLE_SCHEMA AS schema_name,
    t.TABLE_NAME AS table_name,
    t.ENGINE AS engine,
    COALESCE(t.TABLE_ROWS, 0) AS live_rows,
    COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) AS size_bytes,
    u.index_list AS usable_unique_indexes,
    COUNT(*) OVER () AS tables
FROM information_schema.TABLES AS t
LEFT JOIN (
    SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM information_schema.STATISTICS
    WHERE INDEX_NAME = 'PRIMARY' AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
) AS k ON k.TABLE_SCHEMA = t.TABLE_SCHEMA AND k.TABLE_NAME = t.TABLE_NAME
LEFT JOIN (
    SELECT TABLE_SCHEMA, TABLE_NAME, CONCAT('[', GROUP_CONCAT(JSON_QUOTE(INDEX_NAME) ORDER BY INDEX_NAME), ']') AS index_list
    FROM (
        SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME
        FROM information_schema.STATISTICS
        WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
        GROUP BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME
        HAVING SUM(NULLABLE = 'YES') = 0 AND SUM(SUB_PART IS NOT NULL) = 0
    ) AS whole
    GROUP BY TABLE_SCHEMA, TABLE_NAME
) AS u ON u.TABLE_SCHEMA = t.TABLE_SCHEMA AND u.TABLE_NAME = t.TABLE_NAME
WHERE t.TABLE_TYPE = 'BASE TABLE' AND k.TABLE_NAME IS NULL AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY live_rows DESC, schema_name, table_name
LIMIT 100
