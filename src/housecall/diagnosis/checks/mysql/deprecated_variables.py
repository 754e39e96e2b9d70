"""Settings that were set and that a later version of the server no longer knows.

Why it matters: a server refuses to start with an option that it does not know, so the next upgrade fails on it.
How to fix: take the line out of the configuration file, or use what came in its place.
Source: MySQL manual, "Server and Status Variables and Options Added, Deprecated, or Removed" of 8.0, 8.4 and 9.x;
MariaDB documentation, "Upgrading" pages of 10.11 to 11.8.
"""

from collections.abc import Iterator, Mapping

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Version
from housecall.engines.mysql.rows.server import ChangedVariable
from housecall.wording import Say

CHECK = Check(
    id="mysql.deprecated_variables",
    item="instance_info",
    severity=Severity.INFO,
    title=Say(en="Settings that later versions do not know", zh="后续版本将移除的参数"),
)
_GOES = Say(
    en="{name} is set to {value}; it is deprecated{instead}, and a later version may not start with it.",
    zh="已设置 {name} = {value}；该参数已弃用{instead}，后续版本可能因此无法启动。",
)
MYSQL: Mapping[str, str] = {
    "avoid_temporal_upgrade": "", "binlog_format": "", "binlog_transaction_dependency_tracking": "",
    "character_set_client_handshake": "", "default_authentication_plugin": "authentication_policy",
    "expire_logs_days": "binlog_expire_logs_seconds",
    "group_replication_ip_whitelist": "group_replication_ip_allowlist",
    "innodb_log_file_size": "innodb_redo_log_capacity", "innodb_log_files_in_group": "innodb_redo_log_capacity",
    "innodb_undo_tablespaces": "", "log_bin_use_v1_row_events": "", "master_info_repository": "",
    "max_length_for_sort_data": "", "new": "", "old": "", "old_alter_table": "", "relay_log_info_file": "",
    "relay_log_info_repository": "", "replica_parallel_type": "", "show_old_temporals": "",
    "slave_parallel_type": "", "slave_rows_search_algorithms": "", "sync_relay_log_info": "", "temptable_use_mmap": "",
    "transaction_write_set_extraction": "",
}  # fmt: skip
MARIADB: Mapping[str, str] = {
    "date_format": "", "datetime_format": "", "debug_no_thread_alarm": "", "innodb_change_buffer_max_size": "",
    "innodb_change_buffering": "", "innodb_defragment": "", "innodb_defragment_fill_factor": "",
    "innodb_defragment_fill_factor_n_recs": "", "innodb_defragment_frequency": "", "innodb_defragment_n_pages": "",
    "innodb_defragment_stats_accuracy": "", "innodb_file_per_table": "",
    "innodb_prefix_index_cluster_optimization": "", "keep_files_on_create": "", "max_tmp_tables": "",
    "old_alter_table": "", "secure_auth": "", "storage_engine": "default_storage_engine", "time_format": "",
    "tx_isolation": "transaction_isolation", "tx_read_only": "transaction_read_only",
    "wsrep_causal_reads": "wsrep_sync_wait", "wsrep_load_data_splitting": "",
}  # fmt: skip
"""Those that MariaDB 10.11 knows and 11.8 does not start with, and what is deprecated in both."""
_MARIADB_11_8 = 110_800
MARIADB_FROM_11_8: Mapping[str, str] = {
    "alter_algorithm": "", "big_tables": "", "binlog_optimize_thread_scheduling": "",
    "innodb_buffer_pool_chunk_size": "", "innodb_flush_method": "innodb_data_file_buffering",
    "log_slow_admin_statements": "log_slow_filter", "metadata_locks_cache_size": "",
    "metadata_locks_hash_instances": "", "old": "old_mode", "optimizer_adjust_secondary_key_costs": "",
    "wsrep_slave_fk_checks": "",
}  # fmt: skip
"""What `mariadbd --verbose --help` of 11.8.9 calls deprecated and older versions rely on."""


def known_to(version: Version) -> Mapping[str, str]:
    """The settings that go, each with the one that takes its place ("": none does)."""
    if version.flavour == "mysql":
        return MYSQL
    return {**MARIADB, **MARIADB_FROM_11_8} if version.number >= _MARIADB_11_8 else MARIADB


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    known = known_to(now.facts.version)
    for row in now.rows(ChangedVariable):
        if row.name in known and row.source not in ("COMPILED", "ENVIRONMENT"):
            instead = f" → {known[row.name]}" if known[row.name] else ""
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, row.name, "setting",
                _GOES(name=row.name, value=row.value, instead=instead),
                measured(ChangedVariable, value=(row.value, "text"), set_by=(row.source, "text")),
                details={"name": row.name, "instead": known[row.name]},
            )  # fmt: skip
