-- asks: Which replication slots are there, who uses them, how much WAL and which old rows do they keep?
-- privilege: none
-- versions: 17-
-- cost: reads the slots in shared memory, at most 30
SELECT
    s.slot_name::text AS slot_name,
    s.slot_type::text AS slot_type,
    s.plugin::text AS plugin,
    s.database::text AS database,
    s.temporary::bool AS temporary,
    s.active::bool AS active,
    s.active_pid::int4 AS active_pid,
    pg_catalog.age(s.xmin)::int8 AS xmin_age,
    pg_catalog.age(s.catalog_xmin)::int8 AS catalog_xmin_age,
    GREATEST(pg_catalog.pg_wal_lsn_diff(
        CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
             ELSE pg_catalog.pg_current_wal_lsn() END,
        s.restart_lsn
    ), 0)::int8 AS retained_bytes,
    s.wal_status::text AS wal_status,
    s.safe_wal_size::int8 AS safe_bytes,
    EXTRACT(epoch FROM clock_timestamp() - s.inactive_since)::float8 AS inactive_seconds,
    s.invalidation_reason::text AS invalidation_reason,
    (SELECT g.setting::int8 FROM pg_catalog.pg_settings AS g WHERE g.name = 'max_slot_wal_keep_size')
        AS keep_limit_megabytes,
    EXTRACT(epoch FROM clock_timestamp())::float8 AS read_epoch,
    (count(*) OVER ())::int8 AS slot_total
FROM pg_catalog.pg_replication_slots AS s
ORDER BY s.active, 10 DESC NULLS LAST, s.slot_name
LIMIT 30
