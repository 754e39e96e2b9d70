-- asks: Tables with many indexes or with very wide ones.
-- privilege: REFERENCES ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the index columns
SELECT
    i.TABLE_SCHEMA AS schema_name,
    i.TABLE_NAME AS table_name,
    COUNT(DISTINCT i.INDEX_NAME) AS indexes,
    MAX(i.SEQ_IN_INDEX) AS widest_columns,
    CONCAT('[', GROUP_CONCAT(DISTINCT JSON_QUOTE(i.INDEX_NAME) ORDER BY i.INDEX_NAME), ']') AS index_names,
    COUNT(*) OVER () AS tables
FROM information_schema.STATISTICS AS i
WHERE i.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
GROUP BY i.TABLE_SCHEMA, i.TABLE_NAME
HAVING COUNT(DISTINCT i.INDEX_NAME) > 6 OR MAX(i.SEQ_IN_INDEX) > 5
ORDER BY indexes DESC, widest_columns DESC, schema_name, table_name
LIMIT 60
