-- asks: Which sequences there are.
-- privilege: REFERENCES ON *.*
-- flavours: mariadb 10.6-
-- cost: one pass over the tables
SELECT
    t.TABLE_SCHEMA AS schema_name,
    t.TABLE_NAME AS sequence_name,
    COUNT(*) OVER () AS sequences_total
FROM information_schema.TABLES AS t
WHERE t.TABLE_TYPE = 'SEQUENCE' AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME
LIMIT 100
