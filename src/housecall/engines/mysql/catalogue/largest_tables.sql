-- The largest tables of this database (of all of people's, when none is chosen) with their indexes, by InnoDB's statistics.
SELECT
    t.TABLE_SCHEMA AS schema_name,
    t.TABLE_NAME AS name,
    COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) AS total_bytes,
    COALESCE(t.INDEX_LENGTH, 0) AS indexes_bytes
FROM information_schema.TABLES AS t
WHERE t.TABLE_TYPE = 'BASE TABLE'
    AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    AND t.TABLE_SCHEMA = COALESCE(DATABASE(), t.TABLE_SCHEMA)
ORDER BY total_bytes DESC, t.TABLE_SCHEMA, t.TABLE_NAME
LIMIT 5
