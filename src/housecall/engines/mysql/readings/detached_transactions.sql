-- asks: Transactions that no session has: prepared by XA and left, and how long they have been open.
-- privilege: PROCESS ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the transactions
SELECT
    t.trx_id AS transaction_id,
    TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS transaction_seconds,
    t.trx_rows_locked AS rows_locked,
    t.trx_rows_modified AS rows_modified
FROM information_schema.INNODB_TRX AS t
WHERE t.trx_mysql_thread_id = 0
ORDER BY t.trx_started, t.trx_id
LIMIT 100
