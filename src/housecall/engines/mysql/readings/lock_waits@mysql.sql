-- asks: Which session waits for a row lock of which other.
-- privilege: PROCESS ON *.*; SELECT ON performance_schema.*
-- flavours: mysql 8.0-
-- cost: the lock system is looked at once; at most 500 pairs
-- kind: sample
-- needs: performance_schema
SELECT
    waiting.PROCESSLIST_ID AS waiting_id,
    COALESCE(blocking.PROCESSLIST_ID, 0) AS blocking_id,
    COALESCE(TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()), waiting.PROCESSLIST_TIME) AS wait_seconds,
    wanted.OBJECT_SCHEMA AS schema_name,
    wanted.OBJECT_NAME AS table_name,
    wanted.INDEX_NAME AS index_name,
    wanted.LOCK_TYPE AS lock_type,
    wanted.LOCK_MODE AS lock_mode,
    held.LOCK_MODE AS blocking_mode,
    LEFT(wanted.LOCK_DATA, 100) AS lock_row
FROM performance_schema.data_lock_waits AS w
JOIN performance_schema.data_locks AS wanted
    ON wanted.ENGINE_LOCK_ID = w.REQUESTING_ENGINE_LOCK_ID AND wanted.ENGINE = w.ENGINE
JOIN performance_schema.data_locks AS held
    ON held.ENGINE_LOCK_ID = w.BLOCKING_ENGINE_LOCK_ID AND held.ENGINE = w.ENGINE
JOIN performance_schema.threads AS waiting ON waiting.THREAD_ID = w.REQUESTING_THREAD_ID
LEFT JOIN performance_schema.threads AS blocking ON blocking.THREAD_ID = w.BLOCKING_THREAD_ID
LEFT JOIN information_schema.INNODB_TRX AS r ON r.trx_id = w.REQUESTING_ENGINE_TRANSACTION_ID
WHERE waiting.PROCESSLIST_ID IS NOT NULL
ORDER BY wait_seconds DESC, waiting_id, blocking_id
LIMIT 500
