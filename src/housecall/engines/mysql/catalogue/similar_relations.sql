-- Tables and views whose name holds a text: what a person may have meant.
SELECT CONCAT(t.TABLE_SCHEMA, '.', t.TABLE_NAME) AS name
FROM information_schema.TABLES AS t
WHERE t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    AND LOCATE(LOWER(LEFT(%s, 3)), LOWER(t.TABLE_NAME)) > 0
ORDER BY CHAR_LENGTH(t.TABLE_NAME), name
LIMIT 8
