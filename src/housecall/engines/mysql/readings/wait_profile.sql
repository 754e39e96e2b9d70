-- asks: What the server waits for most: files, tables, locks, latches.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over 400 counters
-- kind: counters
-- needs: performance_schema
SELECT
    w.EVENT_NAME AS event,
    w.COUNT_STAR AS waits,
    w.SUM_TIMER_WAIT / 1e12 AS total_seconds,
    w.MAX_TIMER_WAIT / 1e12 AS max_seconds
FROM performance_schema.events_waits_summary_global_by_event_name AS w
WHERE w.COUNT_STAR > 0 AND w.EVENT_NAME <> 'idle'
ORDER BY w.SUM_TIMER_WAIT DESC, event
LIMIT 30
