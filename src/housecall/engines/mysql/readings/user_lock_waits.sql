-- asks: Who waits in GET_LOCK, for which name, and who holds it.
-- privilege: PROCESS ON *.*
-- flavours: mysql 8.0-, mariadb 10.6-
-- cost: one pass over the sessions, one look-up for each that waits
SELECT
    u.waiting_id AS waiting_id,
    CASE WHEN CHAR_LENGTH(u.lock_name) BETWEEN 1 AND 64 THEN IS_USED_LOCK(u.lock_name) END AS holder_id,
    LEFT(u.lock_name, 64) AS lock_name,
    u.wait_seconds AS wait_seconds
FROM (
    SELECT
        p.ID AS waiting_id,
        p.TIME AS wait_seconds,
        SUBSTRING_INDEX(SUBSTRING_INDEX(REPLACE(SUBSTRING(p.INFO, LOCATE('GET_LOCK', UPPER(p.INFO)) + 8), '"', ''''), '''', 2), '''', -1) AS lock_name
    FROM information_schema.PROCESSLIST AS p
    WHERE p.STATE = 'User lock' AND LOCATE('GET_LOCK', UPPER(p.INFO)) > 0
) AS u
ORDER BY u.wait_seconds DESC, u.waiting_id
LIMIT 200
