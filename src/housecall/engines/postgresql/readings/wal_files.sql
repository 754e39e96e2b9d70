-- asks: How much WAL lies on disk, and how many files of it wait for the archiver?
-- privilege: pg_monitor, to list the WAL directory
-- versions: 13-
-- cost: lists two directories of the server; a server with 10,000 WAL files takes some ten milliseconds
SELECT
    w.files::int8 AS files,
    w.size_bytes::int8 AS size_bytes,
    r.ready::int8 AS ready_files,
    (SELECT s.setting::int8 * 1024 * 1024 FROM pg_catalog.pg_settings AS s WHERE s.name = 'max_wal_size')::int8
        AS max_wal_bytes
FROM (SELECT count(*) AS files, COALESCE(sum(size), 0) AS size_bytes FROM pg_catalog.pg_ls_waldir()) AS w
CROSS JOIN (
    SELECT count(*) AS ready FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready'
) AS r
