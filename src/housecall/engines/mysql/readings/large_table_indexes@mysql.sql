-- asks: The indexes of the 40 tables with the most rows, with how many distinct keys each has.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-
-- cost: one pass over the dictionary
SELECT
    i.TABLE_SCHEMA AS schema_name,
    i.TABLE_NAME AS table_name,
    i.INDEX_NAME AS index_name,
    MIN(i.NON_UNIQUE) = 0 AS is_unique,
    MIN(i.INDEX_TYPE) AS index_type,
    MAX(i.IS_VISIBLE = 'NO') AS is_hidden,
    CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COALESCE(i.COLUMN_NAME, '')) ORDER BY i.SEQ_IN_INDEX), ']') AS columns,
    CONCAT('[', GROUP_CONCAT(COALESCE(i.CARDINALITY, 0) ORDER BY i.SEQ_IN_INDEX), ']') AS cardinalities,
    CONCAT('[', GROUP_CONCAT(IF(i.COLLATION = 'D', 'true', 'false') ORDER BY i.SEQ_IN_INDEX), ']') AS descending,
    CONCAT('[', GROUP_CONCAT(COALESCE(i.SUB_PART, 0) ORDER BY i.SEQ_IN_INDEX), ']') AS prefix_lengths
FROM (SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS
    FROM information_schema.TABLES
    WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    ORDER BY TABLE_ROWS DESC, TABLE_SCHEMA, TABLE_NAME
    LIMIT 40
) AS t
JOIN information_schema.STATISTICS AS i ON i.TABLE_SCHEMA = t.TABLE_SCHEMA AND i.TABLE_NAME = t.TABLE_NAME
WHERE i.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
GROUP BY i.TABLE_SCHEMA, i.TABLE_NAME, i.INDEX_NAME
ORDER BY schema_name, table_name, index_name
LIMIT 400
