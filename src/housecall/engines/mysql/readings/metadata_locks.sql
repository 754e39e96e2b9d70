-- asks: Who holds and who awaits metadata locks, for objects that somebody waits for.
-- privilege: SELECT ON performance_schema.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the metadata locks; at most 500
-- kind: sample
-- needs: performance_schema
SELECT
    m.OBJECT_TYPE AS object_type,
    m.OBJECT_SCHEMA AS schema_name,
    m.OBJECT_NAME AS object_name,
    m.LOCK_TYPE AS lock_type,
    m.LOCK_DURATION AS duration,
    m.LOCK_STATUS = 'GRANTED' AS is_granted,
    t.PROCESSLIST_ID AS session_id
FROM performance_schema.metadata_locks AS m
JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID
WHERE t.PROCESSLIST_ID IS NOT NULL AND t.PROCESSLIST_ID <> CONNECTION_ID()
    AND (
        (m.OBJECT_TYPE, COALESCE(m.OBJECT_SCHEMA, ''), COALESCE(m.OBJECT_NAME, '')) IN (
            SELECT p.OBJECT_TYPE, COALESCE(p.OBJECT_SCHEMA, ''), COALESCE(p.OBJECT_NAME, '')
            FROM performance_schema.metadata_locks AS p
            WHERE p.LOCK_STATUS = 'PENDING'
        )
        OR (m.OBJECT_TYPE IN ('GLOBAL', 'COMMIT', 'BACKUP LOCK') AND m.LOCK_TYPE = 'SHARED')
        OR m.OBJECT_TYPE IN ('USER LEVEL LOCK', 'LOCKING SERVICE')
    )
ORDER BY is_granted DESC, session_id, schema_name, object_name
LIMIT 500
