"""Topics of questions, and the causes (names of the list of causes) and checks that belong to each."""

from typing import Literal, get_args

Topic = Literal[
    "locks", "statements", "connections", "vacuum", "wraparound", "disk", "indexes", "configuration", "replication",
    "memory", "keys", "unused_indexes", "duplicate_indexes", "foreign_keys", "slowness",
]  # fmt: skip
TOPICS: tuple[Topic, ...] = get_args(Topic)
KINDS_OF_INDEXES: tuple[Topic, ...] = ("unused_indexes", "duplicate_indexes", "foreign_keys")
"""Topics that are one part of the topic of indexes."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CAUSES: dict[Topic, frozenset[str]] = {
    "locks": _names(
        "idle_in_transaction_blocker ddl_lock_queue hot_row deadlock advisory_lock_leak table_level_locking"
        " global_read_lock serialization_failures lock_manager_contention subtransaction_overflow"
        " fk_without_index orphan_prepared_transaction lock_queue long_transaction"
    ),
    "statements": _names(
        "missing_index fk_without_index wrong_index_order function_on_column implicit_cast leading_wildcard"
        " charset_mismatch_join stale_statistics correlated_columns generic_plan_skew plan_regression"
        " partition_pruning_defeated planner_switch_off jit_overhead offset_pagination n_plus_one huge_in_list"
        " correlated_subquery wide_rows_fetched sort_spill expensive_statement slow_statement"
    ),
    "connections": _names(
        "connection_saturation connection_leak connection_churn timeout_too_short idle_in_transaction_blocker"
        " permission_error"
    ),
    "vacuum": _names(
        "autovacuum_off autovacuum_off_for_table autovacuum_starved table_bloat catalog_bloat fragmentation"
        " xmin_horizon_held orphan_prepared_transaction history_list_growth wraparound_risk stale_statistics"
        " index_bloat long_transaction standby_feedback_bloat"
    ),
    "wraparound": _names(
        "wraparound_risk xmin_horizon_held orphan_prepared_transaction autovacuum_off autovacuum_off_for_table"
        " autovacuum_starved slot_retains_wal"
    ),
    "disk": _names(
        "disk_full damaged_pages table_bloat catalog_bloat index_bloat fragmentation slot_retains_wal archive_failing"
        " binlog_not_purged excessive_logging unused_index duplicate_index over_indexing autovacuum_off"
        " autovacuum_off_for_table autovacuum_starved xmin_horizon_held sort_spill"
    ),
    "indexes": _names(
        "missing_index fk_without_index wrong_index_order unused_index duplicate_index over_indexing invalid_index"
        " index_bloat no_primary_key function_on_column"
    ),
    "configuration": _names(
        "pending_restart dangerous_setting packet_too_small planner_switch_off buffer_too_small checkpoint_storm"
        " redo_log_too_small table_cache_small query_cache_contention timeout_too_short autovacuum_off"
        " weak_authentication permission_error memory_overcommitted file_limit_reached excessive_logging"
        " jit_overhead sort_spill collation_mismatch collation_version_mismatch"
    ),
    "replication": _names(
        "slot_retains_wal archive_failing binlog_not_purged sync_standby_missing replica_lag replica_stopped"
        " standby_feedback_bloat"
    ),
    "memory": _names(
        "sort_spill temporary_tables_on_disk buffer_too_small checkpoint_storm redo_log_too_small table_cache_small"
        " out_of_memory_kill memory_overcommitted"
    ),
    "keys": _names("key_exhaustion sequence_out_of_sync no_primary_key"),
    "unused_indexes": _names("unused_index over_indexing"),
    "duplicate_indexes": _names("duplicate_index"),
    "foreign_keys": _names("fk_without_index"),
    "slowness": frozenset(),
}

_NOT_SLOW = _names(
    "dangerous_setting key_exhaustion sequence_out_of_sync no_primary_key wraparound_risk weak_authentication"
    " collation_mismatch collation_version_mismatch damaged_pages invalid_index unused_index duplicate_index"
    " pending_restart slot_retains_wal archive_failing binlog_not_purged orphan_prepared_transaction deadlock"
)
"""Causes that are dangerous or wasteful, but not why something is slow now."""

_ITEMS: dict[Topic, frozenset[str]] = {
    "locks": frozenset({"lock_wait_deadlock_analysis"}),
    "statements": frozenset({"slow_query_analysis"}),
    "connections": frozenset({"connection_session_management"}),
    "replication": frozenset({"high_availability_disaster_recovery_analysis"}),
}


def belongs(topic: Topic, cause_id: str) -> bool:
    """Whether a cause is about the topic; one that no topic lists is judged by the words of its name."""
    if topic == "slowness":
        return cause_id not in _NOT_SLOW
    if any(cause_id in listed for listed in _CAUSES.values()):
        return cause_id in _CAUSES[topic]
    return any(word in cause_id for word in _CHECK_WORDS[topic])


def check_belongs(topic: Topic, check_id: str, item: str = "") -> bool:
    """Whether a check is about the topic, by its item or by the words of its name."""
    if topic == "slowness":
        return True
    if item in _ITEMS.get(topic, frozenset()):
        return True
    words = _CHECK_WORDS[topic]
    return any(word in check_id for word in words)


_CHECK_WORDS: dict[Topic, tuple[str, ...]] = {
    "locks": ("lock", "idle_in_transaction", "prepared", "long_transaction", "block"),
    "statements": ("statement", "seq_scan", "missing_index", "statistics", "spill", "query"),
    "connections": ("connection", "session", "idle_in_transaction", "saturation"),
    "vacuum": ("vacuum", "dead", "bloat", "wraparound", "xmin", "freeze", "statistics"),
    "wraparound": ("wraparound", "xmin", "freeze", "multixact", "prepared", "slot"),
    "disk": ("bloat", "disk", "size", "wal", "slot", "temp", "dead", "unused_index", "duplicate"),
    "indexes": ("index", "primary_key", "foreign_key", "fk_"),
    "configuration": ("setting", "pending", "checkpoint", "timeout", "config", "memory", "buffer"),
    "replication": ("replica", "slot", "archive", "standby", "wal"),
    "memory": ("cache", "spill", "temp", "checkpoint", "memory", "buffer"),
    "keys": ("sequence", "key", "identity"),
    "unused_indexes": ("unused_index", "over_indexing"),
    "duplicate_indexes": ("duplicate_index", "redundant_index"),
    "foreign_keys": ("foreign_key",),
    "slowness": (),
}
