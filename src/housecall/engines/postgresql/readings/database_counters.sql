-- asks: cache hits, temporary files, checksum failures and commits of this database since its statistics began
-- privilege: none
-- versions: 13-
-- cost: one row of pg_stat_database and one pass over pg_class
-- kind: counters
SELECT
    d.blks_hit::int8 AS blocks_hit,
    d.blks_read::int8 AS blocks_read,
    d.temp_files::int8 AS temp_files,
    d.temp_bytes::int8 AS temp_bytes,
    d.checksum_failures::int8 AS checksum_failures,
    d.xact_commit::int8 AS commits,
    d.xact_rollback::int8 AS rollbacks,
    d.blk_read_time::float8 / 1000 AS read_seconds,
    EXTRACT(epoch FROM clock_timestamp() - d.stats_reset)::float8 AS reset_seconds_ago,
    EXTRACT(epoch FROM clock_timestamp() - pg_catalog.pg_postmaster_start_time())::float8 AS started_seconds_ago,
    size.tables::int8 AS tables,
    size.indexes::int8 AS indexes,
    size.heap_bytes::int8 AS heap_bytes,
    size.index_bytes::int8 AS index_bytes,
    EXISTS (SELECT FROM pg_catalog.pg_stat_replication) AS has_replica
FROM pg_catalog.pg_stat_database AS d
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE c.relkind = 'r') AS tables,
        count(*) FILTER (WHERE c.relkind = 'i') AS indexes,
        COALESCE(sum(c.relpages::int8) FILTER (WHERE c.relkind IN ('r', 'm')), 0) * current_setting('block_size')::int8 AS heap_bytes,
        COALESCE(sum(c.relpages::int8) FILTER (WHERE c.relkind = 'i'), 0) * current_setting('block_size')::int8 AS index_bytes
    FROM pg_catalog.pg_class AS c
    WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i')
) AS size
WHERE d.datname = current_database()
