-- asks: Who holds metadata locks, as the plugin of MariaDB tells it.
-- privilege: PROCESS ON *.*
-- flavours: mariadb 10.6-
-- cost: one pass over the metadata locks; at most 500
-- kind: sample
-- needs: metadata_lock_info
SELECT
    m.THREAD_ID AS session_id,
    m.LOCK_MODE AS lock_mode,
    m.LOCK_TYPE AS lock_type,
    m.TABLE_SCHEMA AS schema_name,
    m.TABLE_NAME AS table_name
FROM information_schema.METADATA_LOCK_INFO AS m
LEFT JOIN (SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX LIMIT 1) AS allowed ON FALSE
WHERE m.THREAD_ID <> CONNECTION_ID()
ORDER BY m.THREAD_ID, schema_name, table_name
LIMIT 500
