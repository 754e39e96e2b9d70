-- asks: Indexes whose columns are those of another index of the table, or its beginning.
-- privilege: SELECT ON mysql.innodb_index_stats; REFERENCES ON *.*
-- flavours: mariadb 10.6-
-- cost: one pass over the index columns
WITH indexes AS (
    SELECT
        TABLE_SCHEMA AS schema_name,
        TABLE_NAME AS table_name,
        INDEX_NAME AS index_name,
        MIN(NON_UNIQUE) = 0 AS is_unique,
        MIN(IGNORED = 'YES') AS is_hidden,
        MIN(INDEX_TYPE) AS index_type,
        CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COLUMN_NAME) ORDER BY SEQ_IN_INDEX), ']') AS columns,
        CONCAT(GROUP_CONCAT(
            CONCAT(COLUMN_NAME, ':', COALESCE(SUB_PART, ''), ':', COALESCE(COLLATION, ''))
            ORDER BY SEQ_IN_INDEX SEPARATOR '\n'
        ), '\n') AS signature
    FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    GROUP BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME
)
SELECT
    a.schema_name,
    a.table_name,
    a.index_name,
    b.index_name AS other_name,
    a.signature = b.signature AS is_equal,
    a.is_unique,
    b.is_unique AS other_is_unique,
    a.is_hidden,
    b.is_hidden AS other_is_hidden,
    a.columns,
    b.columns AS other_columns,
    COALESCE(s.stat_value, 0) * @@innodb_page_size AS size_bytes,
    COUNT(*) OVER () AS pairs
FROM indexes AS a
JOIN indexes AS b
    ON b.schema_name = a.schema_name AND b.table_name = a.table_name AND b.index_type = a.index_type
    AND b.index_name <> a.index_name
LEFT JOIN mysql.innodb_index_stats AS s
    ON s.database_name = a.schema_name AND s.table_name = a.table_name AND s.index_name = a.index_name
    AND s.stat_name = 'size'
WHERE a.index_name <> 'PRIMARY' AND LEFT(b.signature, CHAR_LENGTH(a.signature)) = a.signature
ORDER BY size_bytes DESC, a.schema_name, a.table_name, a.index_name, other_name
LIMIT 200
