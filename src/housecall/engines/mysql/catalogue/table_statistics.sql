-- How old the optimizer's statistics of one table are.
SELECT TIMESTAMPDIFF(SECOND, s.last_update, NOW()) AS analyzed_seconds_ago, s.n_rows AS statistics_rows
FROM mysql.innodb_table_stats AS s
WHERE s.database_name = %s AND s.table_name = %s
