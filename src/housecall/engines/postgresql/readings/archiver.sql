-- asks: Does WAL archiving work, when did it last succeed and last fail, and on which file?
-- privilege: none
-- versions: 13-
-- cost: reads one row of shared statistics
-- kind: counters
SELECT
    (current_setting('archive_mode') <> 'off')::bool AS enabled,
    (current_setting('archive_command') NOT IN ('', '(disabled)'))::bool AS has_command,
    NULLIF(current_setting('archive_library', true), '')::text AS library,
    a.archived_count::int8 AS archived_files,
    a.failed_count::int8 AS failures,
    EXTRACT(epoch FROM clock_timestamp() - a.last_archived_time)::float8 AS last_archived_seconds,
    a.last_failed_wal::text AS last_failed_file,
    EXTRACT(epoch FROM clock_timestamp() - a.last_failed_time)::float8 AS last_failed_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.stats_reset)::float8 AS statistics_seconds
FROM pg_catalog.pg_stat_archiver AS a
