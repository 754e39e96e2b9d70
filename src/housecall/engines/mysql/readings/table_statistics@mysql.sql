-- asks: How old the statistics of tables are, and how far the tables have moved on.
-- privilege: PROCESS ON *.*; SELECT ON mysql.innodb_table_stats; REFERENCES ON *.*
-- flavours: mysql 8.0-
-- cost: one row a table is looked at
SELECT
    s.database_name AS schema_name,
    s.table_name AS table_name,
    s.n_rows AS statistics_rows,
    COALESCE(t.TABLE_ROWS, s.n_rows) AS live_rows,
    COALESCE(m.MODIFIED_COUNTER, 0) AS modified_rows,
    TIMESTAMPDIFF(SECOND, s.last_update, NOW()) AS statistics_age_seconds,
    t.CREATE_OPTIONS AS create_options,
    (COALESCE(t.CREATE_OPTIONS, '') NOT LIKE '%stats_auto_recalc=0%' AND @@innodb_stats_auto_recalc = 1)
        OR COALESCE(t.CREATE_OPTIONS, '') LIKE '%stats_auto_recalc=1%' AS is_recalculated
FROM mysql.innodb_table_stats AS s
JOIN information_schema.TABLES AS t ON t.TABLE_SCHEMA = s.database_name AND t.TABLE_NAME = s.table_name
LEFT JOIN information_schema.INNODB_TABLESTATS AS m
    ON m.NAME = CONCAT(s.database_name, '/', s.table_name)
WHERE t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    AND s.database_name NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY GREATEST(COALESCE(m.MODIFIED_COUNTER, 0), ABS(CAST(COALESCE(t.TABLE_ROWS, 0) AS SIGNED) - CAST(s.n_rows AS SIGNED))) DESC,
    schema_name, s.table_name
LIMIT 100
