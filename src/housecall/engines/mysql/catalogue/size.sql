-- How big this database is (all of people's, when none is chosen) and how the server is set up to answer.
SELECT
    COALESCE(SUM(COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0)), 0) AS database_bytes,
    COUNT(*) AS tables,
    @@max_connections AS max_connections,
    @@innodb_buffer_pool_size AS buffer_pool_bytes,
    IF(@@global.time_zone = 'SYSTEM', @@system_time_zone, @@global.time_zone) AS server_time_zone
FROM information_schema.TABLES AS t
WHERE t.TABLE_TYPE = 'BASE TABLE'
    AND t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    AND t.TABLE_SCHEMA = COALESCE(DATABASE(), t.TABLE_SCHEMA)
