-- asks: Which error each worker that applies a source's changes stopped with.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-
-- cost: one row a worker
-- needs: performance_schema
SELECT
    w.CHANNEL_NAME AS channel,
    w.LAST_ERROR_NUMBER AS number,
    LEFT(w.LAST_ERROR_MESSAGE, 1000) AS message
FROM performance_schema.replication_applier_status_by_worker AS w
WHERE w.LAST_ERROR_NUMBER <> 0
ORDER BY w.CHANNEL_NAME, w.WORKER_ID
LIMIT 20
