"""Settings of MySQL that only a restart changes: the server tells so only when one tries.

Source: `SET GLOBAL name = @@global.name` for each setting of MySQL 9.7, which answered with error 1238 for these; the
families of performance_schema and of paths and ports are told by their form. MariaDB has a catalogue of this.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FAMILIES = re.compile(
    r"performance_schema(?:_\w+)?|have_\w+|version\w*|\w+_dir|\w+dir|\w+_path|report_\w+|innodb_ft_(?:cache_size|max_token_size"
    r"|min_token_size|sort_pll_degree|total_cache_size)|innodb_doublewrite_\w+|relay_log(?:_basename|_index|_recovery"
    r"|_space_limit)?|skip_\w+|tls_\w+_validation"
)  # fmt: skip
_NAMES = _words(
    """admin_address admin_port auto_generate_certs back_log basedir bind_address binlog_gtid_simple_recovery
    binlog_row_event_max_size character_set_system core_file create_admin_listener_thread disabled_storage_engines
    disconnect_on_expired_password ft_max_word_len ft_min_word_len ft_query_expansion_limit ft_stopword_file
    gtid_executed gtid_owned hostname init_file innodb_adaptive_hash_index_parts innodb_api_disable_rowlock
    innodb_api_enable_binlog innodb_api_enable_mdl innodb_autoinc_lock_mode innodb_buffer_pool_chunk_size
    innodb_buffer_pool_instances innodb_buffer_pool_load_at_startup innodb_data_file_path innodb_dedicated_server
    innodb_directories innodb_flush_method innodb_force_load_corrupted innodb_force_recovery
    innodb_log_group_home_dir innodb_numa_interleave innodb_open_files innodb_page_cleaners innodb_page_size
    innodb_purge_threads innodb_read_io_threads innodb_read_only innodb_rollback_on_timeout innodb_sort_buffer_size
    innodb_sync_array_size innodb_undo_directory innodb_use_native_aio innodb_version innodb_write_io_threads
    large_files_support large_page_size large_pages license locked_in_memory log_bin log_bin_basename log_bin_index
    log_error log_replica_updates log_slave_updates lower_case_file_system lower_case_table_names max_digest_length
    myisam_mmap_size myisam_recover_options ngram_token_size open_files_limit persisted_globals_load pid_file port
    protocol_version replica_load_tmpdir replica_skip_errors secure_file_priv server_uuid slave_load_tmpdir
    slave_skip_errors socket system_time_zone table_open_cache_instances thread_handling thread_stack tmpdir"""
)


def is_static(name: str) -> bool:
    """Whether a change of this setting needs a restart on MySQL."""
    return name in _NAMES or _FAMILIES.fullmatch(name) is not None
