-- Rows of one table read and written since the server started; one row, also for a table that nobody used.
SELECT
    SUM(u.COUNT_READ) AS rows_read,
    SUM(IF(u.INDEX_NAME IS NULL, u.COUNT_READ, 0)) AS rows_read_sequentially,
    SUM(u.COUNT_INSERT) AS inserted_rows,
    SUM(u.COUNT_UPDATE) AS updated_rows,
    SUM(u.COUNT_DELETE) AS deleted_rows
FROM performance_schema.table_io_waits_summary_by_index_usage AS u
WHERE u.OBJECT_SCHEMA = %s AND u.OBJECT_NAME = %s
