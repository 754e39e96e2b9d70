-- asks: Which session waits for a row lock of which other.
-- privilege: PROCESS ON *.*
-- flavours: mariadb 10.6-
-- cost: the lock system is looked at once; at most 500 pairs
-- kind: sample
SELECT
    r.trx_mysql_thread_id AS waiting_id,
    b.trx_mysql_thread_id AS blocking_id,
    TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()) AS wait_seconds,
    SUBSTRING_INDEX(REPLACE(wanted.lock_table, '`', ''), '.', 1) AS schema_name,
    SUBSTRING(REPLACE(wanted.lock_table, '`', ''), LOCATE('.', REPLACE(wanted.lock_table, '`', '')) + 1) AS table_name,
    wanted.lock_index AS index_name,
    wanted.lock_type AS lock_type,
    wanted.lock_mode AS lock_mode,
    held.lock_mode AS blocking_mode,
    LEFT(wanted.lock_data, 100) AS lock_row
FROM information_schema.INNODB_LOCK_WAITS AS w
JOIN information_schema.INNODB_LOCKS AS wanted ON wanted.lock_id = w.requested_lock_id
JOIN information_schema.INNODB_LOCKS AS held ON held.lock_id = w.blocking_lock_id
JOIN information_schema.INNODB_TRX AS r ON r.trx_id = w.requesting_trx_id
JOIN information_schema.INNODB_TRX AS b ON b.trx_id = w.blocking_trx_id
ORDER BY r.trx_wait_started, waiting_id, blocking_id
LIMIT 500
