-- asks: Which logical subscriptions of this database are enabled, and do their workers run?
-- privilege: superuser, or SELECT on the columns of pg_subscription that are read
-- versions: 13-13
-- cost: one small catalogue table, at most 30 rows
SELECT
    s.subname::text AS name,
    s.subenabled::bool AS enabled,
    EXISTS (
        SELECT FROM pg_catalog.pg_stat_subscription AS w WHERE w.subid = s.oid AND w.pid IS NOT NULL
    )::bool AS running,
    s.subslotname::text AS slot_name,
    (count(*) OVER ())::int8 AS subscription_total
FROM pg_catalog.pg_subscription AS s
JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid
WHERE d.datname = current_database()
ORDER BY s.subname
LIMIT 30
