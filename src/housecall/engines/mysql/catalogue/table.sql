-- Size and storage of one table, by the statistics of its engine.
SELECT
    t.TABLE_ROWS AS estimated_rows,
    COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0) AS total_bytes,
    COALESCE(t.DATA_LENGTH, 0) AS table_bytes,
    COALESCE(t.INDEX_LENGTH, 0) AS indexes_bytes,
    t.DATA_FREE AS free_bytes,
    t.ENGINE AS engine,
    t.ROW_FORMAT AS row_format,
    t.TABLE_COLLATION AS collation,
    NULLIF(t.CREATE_OPTIONS, '') AS storage_options,
    NULLIF(t.TABLE_COMMENT, '') AS comment,
    t.AUTO_INCREMENT AS next_key
FROM information_schema.TABLES AS t
WHERE t.TABLE_SCHEMA = %s AND t.TABLE_NAME = %s
