-- asks: the settings that decide safety, plans, memory, checkpoints and logging, and every change that waits for a restart
-- privilege: none (settings that only superusers see are left out by the server)
-- versions: 13-
-- cost: one pass over pg_settings
SELECT
    s.name::text AS name,
    s.reset_val::text AS value,
    s.unit::text AS unit,
    s.boot_val::text AS default_value,
    s.context::text AS context,
    s.vartype::text AS value_type,
    s.source::text AS source,
    s.pending_restart AS pending_restart
FROM pg_catalog.pg_settings AS s
WHERE s.pending_restart OR s.name LIKE 'enable\_%' OR s.name = ANY (ARRAY[
    'fsync', 'full_page_writes', 'synchronous_commit', 'zero_damaged_pages', 'ignore_checksum_failure',
    'ignore_invalid_pages', 'ignore_system_indexes', 'allow_system_table_mods', 'data_checksums', 'wal_level',
    'synchronous_standby_names', 'data_sync_retry', 'debug_discard_caches', 'jit_debugging_support',
    'random_page_cost', 'seq_page_cost', 'cpu_tuple_cost', 'cpu_index_tuple_cost', 'cpu_operator_cost',
    'effective_cache_size', 'shared_buffers', 'work_mem', 'hash_mem_multiplier', 'maintenance_work_mem',
    'max_connections', 'superuser_reserved_connections', 'temp_buffers', 'huge_pages', 'block_size',
    'max_wal_size', 'min_wal_size', 'checkpoint_timeout', 'checkpoint_completion_target', 'wal_buffers',
    'jit', 'jit_above_cost', 'default_statistics_target', 'geqo', 'geqo_threshold', 'join_collapse_limit',
    'from_collapse_limit', 'plan_cache_mode', 'constraint_exclusion', 'track_counts', 'track_activities',
    'track_io_timing', 'track_activity_query_size', 'shared_preload_libraries', 'compute_query_id',
    'log_min_duration_statement', 'log_statement', 'log_duration', 'log_min_messages', 'log_min_error_statement',
    'log_lock_waits', 'log_temp_files', 'log_checkpoints', 'log_autovacuum_min_duration', 'log_connections',
    'log_disconnections', 'log_statement_stats', 'log_parser_stats', 'log_planner_stats', 'log_executor_stats',
    'debug_print_parse', 'debug_print_plan', 'debug_print_rewritten', 'logging_collector', 'log_destination',
    'log_min_duration_sample', 'log_statement_sample_rate', 'log_transaction_sample_rate', 'temp_file_limit',
    'max_parallel_workers_per_gather', 'max_worker_processes', 'effective_io_concurrency',
    'pg_stat_statements.max', 'pg_stat_statements.track', 'listen_addresses', 'ssl', 'password_encryption',
    'archive_mode', 'max_wal_senders', 'max_replication_slots', 'autovacuum_max_workers', 'row_security',
    'idle_session_timeout', 'bgwriter_lru_maxpages', 'bgwriter_delay', 'lc_messages',
    'force_parallel_mode', 'debug_parallel_query'
])
ORDER BY s.name
LIMIT 200
