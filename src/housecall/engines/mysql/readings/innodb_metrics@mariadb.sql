-- asks: InnoDB's counters that are on by default.
-- privilege: PROCESS ON *.*
-- flavours: mariadb 10.6-
-- cost: one pass over 300 counters
-- kind: counters
SELECT m.NAME AS name, m.COUNT AS value
FROM information_schema.INNODB_METRICS AS m
WHERE m.ENABLED = 1 AND m.NAME IN (
    'lock_deadlocks', 'lock_timeouts', 'trx_rseg_history_len', 'lock_row_lock_waits', 'lock_row_lock_time',
    'lock_row_lock_time_max', 'lock_row_lock_current_waits', 'log_waits', 'os_log_bytes_written', 'buffer_pool_reads',
    'buffer_pool_read_requests', 'buffer_pool_wait_free', 'dml_reads', 'dml_inserts', 'dml_updates', 'dml_deletes'
)
ORDER BY m.NAME
