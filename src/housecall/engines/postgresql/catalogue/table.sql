-- Size, counters and maintenance of one table since the statistics were reset.
SELECT
    c.reltuples::float8 AS estimated_rows,
    pg_catalog.pg_total_relation_size(c.oid) AS total_bytes,
    pg_catalog.pg_table_size(c.oid) AS table_bytes,
    pg_catalog.pg_indexes_size(c.oid) AS indexes_bytes,
    c.relpersistence::text AS persistence,
    array_to_string(c.reloptions, ', ') AS storage_options,
    age(c.relfrozenxid) AS transaction_age,
    pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
    t.n_live_tup AS live_rows,
    t.n_dead_tup AS dead_rows,
    t.n_mod_since_analyze AS changed_rows_since_analyze,
    t.seq_scan AS sequential_scans,
    t.seq_tup_read AS rows_read_sequentially,
    t.idx_scan AS index_scans,
    t.n_tup_ins AS inserted_rows,
    t.n_tup_upd AS updated_rows,
    t.n_tup_hot_upd AS hot_updated_rows,
    t.n_tup_del AS deleted_rows,
    EXTRACT(epoch FROM clock_timestamp() - t.last_vacuum)::float8 AS vacuumed_seconds_ago,
    EXTRACT(epoch FROM clock_timestamp() - t.last_autovacuum)::float8 AS autovacuumed_seconds_ago,
    EXTRACT(epoch FROM clock_timestamp() - t.last_analyze)::float8 AS analyzed_seconds_ago,
    EXTRACT(epoch FROM clock_timestamp() - t.last_autoanalyze)::float8 AS autoanalyzed_seconds_ago,
    pg_catalog.pg_get_viewdef(c.oid, true) AS view_definition,
    pg_catalog.pg_get_partkeydef(c.oid) AS partition_key
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_stat_all_tables AS t ON t.relid = c.oid
WHERE c.oid = %s::int8::oid
