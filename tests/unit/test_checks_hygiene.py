"""Checks of hygiene, by hand-written rows: the boundary on both sides of each threshold, and no warning from any."""

from dataclasses import replace
from typing import Any

import pytest

from housecall.diagnosis.examine import diagnose
from housecall.engines.engine import Row
from housecall.engines.postgresql.rows.indexes import HotIndex, IndexLoad
from housecall.engines.postgresql.rows.memory import BufferWrites, DatabaseCounters
from housecall.engines.postgresql.rows.replication import ReplicaStatus, ReplicationSlot, Standby, WalFiles
from housecall.engines.postgresql.rows.rights import OpenRight, PlainSessions, PowerfulRole
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.engines.postgresql.rows.statements import StatementStatistics
from housecall.engines.postgresql.rows.tables import (
    ColumnHabit,
    HotColumn,
    PartitionedTable,
    TableTraits,
    WeakConstraint,
)
from housecall.testing import row_of, snapshot_of

GB, MB = 1024**3, 1024**2
DAY = 24 * 3600.0


def setting(name: str, value: str, unit: str | None = None, kind: str = "string") -> ServerSetting:
    return row_of(ServerSetting, name=name, value=value, unit=unit, value_type=kind, context="sighup", source="file")


def severities(check: str, *rows: Row, in_recovery: bool = False) -> list[str]:
    snapshot = snapshot_of(*rows)
    if in_recovery:
        snapshot = replace(snapshot, facts=replace(snapshot.facts, in_recovery=True))
    diagnosis = diagnose(snapshot)
    assert not [each for each in diagnosis.not_evaluated if each.check == f"postgresql.{check}"]
    return [each.severity.value for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def wal(size: float, limit: float) -> WalFiles:
    return row_of(WalFiles, size_bytes=int(size), max_wal_bytes=int(limit))


def writes(sessions: int, others: int, syncs: int = 0) -> BufferWrites:
    return row_of(BufferWrites, by_sessions=sessions, by_checkpoints=others, syncs_by_sessions=syncs)


def evicted(evictions: int, age: float) -> StatementStatistics:
    return row_of(StatementStatistics, evictions=evictions, reset_seconds_ago=age, max_entries=5000)


def read_in(seconds: float, blocks: int = 100_000) -> DatabaseCounters:
    return row_of(DatabaseCounters, blocks_read=blocks, read_seconds=seconds * blocks, reset_seconds_ago=9 * DAY)


def traits(updated: int, hot: int, indexes: int = 2, *, unlogged: bool = False) -> TableTraits:
    return row_of(
        TableTraits, schema_name="public", table_name="t", updated=updated, hot_updated=hot, indexes=indexes,
        is_unlogged=unlogged, fillfactor=100,
    )  # fmt: skip


def load(indexes: int, index_bytes: float, table_bytes: float) -> IndexLoad:
    return row_of(
        IndexLoad, schema_name="public", table_name="t", indexes=indexes, index_bytes=int(index_bytes),
        table_bytes=int(table_bytes),
    )  # fmt: skip


def defaults(rows: float, live: float, name: str | None = "rest", partitions: int = 5) -> PartitionedTable:
    return row_of(
        PartitionedTable, schema_name="public", table_name="t", partitions=partitions, live_rows=live,
        default_name=name, default_rows=rows,
    )  # fmt: skip


def sparse(share: float, size: int, **index: Any) -> tuple[Row, Row]:
    column = row_of(HotColumn, schema_name="public", table_name="t", column_name="c", null_share=share)
    values = {"keys": ["c"], "size_bytes": size, "is_valid": True, **index}
    return column, row_of(HotIndex, schema_name="public", table_name="t", index_name="i", **values)


def weak(**values: Any) -> WeakConstraint:
    base = {"is_validated": True, **values}
    return row_of(WeakConstraint, schema_name="public", table_name="t", constraint_name="c", **base)


def role(sessions: int, remote: int = 0, **values: Any) -> PowerfulRole:
    base = {"is_superuser": True, **values}
    return row_of(PowerfulRole, role_name="app", sessions=sessions, remote_sessions=remote, **base)


WAL_OFF = setting("archive_mode", "off")

CASES: list[tuple[str, tuple[Row, ...], list[str]]] = [
    ("wal_directory", (wal(8 * GB, 4 * GB),), ["notice"]),
    ("wal_directory", (wal(8 * GB - 1, 4 * GB),), []),
    ("wal_directory", (wal(2 * GB, GB / 2),), ["notice"]),
    ("wal_directory", (wal(2 * GB - 1, GB / 2),), []),
    ("checksums_off", (setting("data_checksums", "off"),), ["info"]),
    ("checksums_off", (setting("data_checksums", "on"),), []),
    ("connection_reserve", (setting("superuser_reserved_connections", "0"),), ["notice"]),
    ("connection_reserve", (setting("superuser_reserved_connections", "1"),), []),
    ("connection_reserve", (setting("superuser_reserved_connections", "10"),), []),
    ("connection_reserve", (setting("superuser_reserved_connections", "11"),), ["info"]),
    ("checkpoint_settings", (setting("checkpoint_completion_target", "0.7"),), []),
    ("checkpoint_settings", (setting("checkpoint_completion_target", "0.69"),), ["info"]),
    ("checkpoint_settings", (setting("checkpoint_completion_target", "0.5"),), ["info"]),
    ("checkpoint_settings", (setting("checkpoint_completion_target", "0.49"),), ["notice"]),
    ("checkpoint_settings", (setting("wal_buffers", "31", "8kB"),), ["info"]),
    ("checkpoint_settings", (setting("wal_buffers", "32", "8kB"),), []),
    ("backend_writes", (writes(150_000, 350_000),), ["info"]),
    ("backend_writes", (writes(149_999, 350_001),), []),
    ("backend_writes", (writes(499_999, 0),), []),
    ("backend_writes", (writes(0, 0, 10),), ["notice"]),
    ("backend_writes", (writes(0, 0, 9),), []),
    ("statement_evictions", (evicted(5, 5 * 3600.0),), ["notice"]),
    ("statement_evictions", (evicted(5, 5 * 3600.0 + 1),), []),
    ("statement_evictions", (evicted(4, 60.0),), []),
    ("storage_costs", (read_in(0.0005), setting("random_page_cost", "4")), ["info"]),
    ("storage_costs", (read_in(0.00051), setting("random_page_cost", "4")), []),
    ("storage_costs", (read_in(0.0001), setting("random_page_cost", "2.9")), []),
    ("storage_costs", (read_in(0.0001, 99_999), setting("random_page_cost", "4")), []),
    ("storage_costs", (read_in(0.0), setting("random_page_cost", "4")), []),
    ("single_copy", (WAL_OFF,), ["info"]),
    ("single_copy", (WAL_OFF, row_of(Standby, pid=1)), []),
    ("single_copy", (WAL_OFF, row_of(ReplicationSlot, slot_name="s", slot_type="physical", active=True)), []),
    ("single_copy", (setting("archive_mode", "on"),), []),
    ("single_copy", (WAL_OFF, setting("wal_level", "minimal")), ["notice"]),
    ("recovery_conflicts", (row_of(ReplicaStatus, in_recovery=True, recovery_conflicts=5),), ["notice"]),
    ("recovery_conflicts", (row_of(ReplicaStatus, in_recovery=True, recovery_conflicts=4),), []),
    ("recovery_conflicts", (row_of(ReplicaStatus, in_recovery=False, recovery_conflicts=50),), []),
    ("powerful_roles", (role(1),), ["info"]),
    ("powerful_roles", (role(1, 1),), ["notice"]),
    ("powerful_roles", (role(0),), []),
    ("powerful_roles", (role(0),) * 3, []),
    ("powerful_roles", (role(0),) * 4, ["info"]),
    ("powerful_roles", (role(0, is_superuser=False, bypasses_row_security=True),), ["info"]),
    ("unencrypted_sessions", (row_of(PlainSessions, client="10.0.0.7", sessions=2, session_total=3),), ["notice"]),
    ("unencrypted_sessions", (), []),
    ("open_rights", (row_of(OpenRight, kind="create_for_all", name="public", total=1),), ["info"]),
    ("open_rights", (row_of(OpenRight, kind="definer_function", name="f", detail="integer", total=1),), ["info"]),
    ("open_rights", (row_of(OpenRight, kind="policy_without_effect", name="t", total=1),), ["notice"]),
    ("open_rights", (row_of(OpenRight, kind="no_policy", name="t", total=9),) * 6, ["info"] * 5),
    ("unlogged_tables", (traits(0, 0, unlogged=True),), ["info"]),
    ("unlogged_tables", (traits(0, 0, unlogged=True),) * 6, ["info"] * 5),
    ("unlogged_tables", (traits(0, 0),), []),
    ("hot_updates", (traits(100_000, 29_999),), ["info"]),
    ("hot_updates", (traits(100_000, 30_000),), []),
    ("hot_updates", (traits(99_999, 0),), []),
    ("hot_updates", (traits(100_000, 0, 1),), []),
    ("weak_constraints", (weak(is_validated=False),), ["notice"]),
    ("weak_constraints", (weak(mismatch="a int / b bigint"),), ["info"]),
    ("weak_constraints", (weak(twin="other"),), ["notice"]),
    ("weak_constraints", (weak(twin="other"),) * 11, ["notice"] * 10),
    ("index_weight", (load(3, 151 * MB, 100 * MB),), ["info"]),
    ("index_weight", (load(3, 150 * MB, 100 * MB),), []),
    ("index_weight", (load(3, 100 * MB - 1, MB),), []),
    ("index_weight", (load(11, MB, GB),), ["info"]),
    ("index_weight", (load(10, MB, GB),), []),
    ("column_types", (row_of(ColumnHabit, kind="money", columns=2, examples=["public.t(a)"]),), ["info"]),
    ("column_types", (row_of(ColumnHabit, kind="text_key", columns=1, examples=["public.t(a)"]),), ["info"]),
    ("column_types", (row_of(ColumnHabit, kind="text_uuid", columns=1, examples=["public.t(a)"]),), ["info"]),
    ("default_partition", (defaults(1_000, 10_000),), ["notice"]),
    ("default_partition", (defaults(1_000, 10_001),), ["info"]),
    ("default_partition", (defaults(999, 1_000),), []),
    ("default_partition", (defaults(5_000, 5_000, None),), []),
    ("default_partition", (defaults(5_000, 5_000, "rest", 1),), ["info"]),
    ("sparse_indexes", sparse(0.9, 10 * MB), ["info"]),
    ("sparse_indexes", sparse(0.89, 10 * MB), []),
    ("sparse_indexes", sparse(0.9, 10 * MB - 1), []),
    ("sparse_indexes", sparse(0.9, 10 * MB, predicate="c IS NOT NULL"), []),
    ("sparse_indexes", sparse(0.9, 10 * MB, keys=["c", "d"]), []),
    ("young_statistics", (row_of(DatabaseCounters, reset_seconds_ago=DAY - 1),), ["info"]),
    ("young_statistics", (row_of(DatabaseCounters, reset_seconds_ago=DAY),), []),
    ("huge_pages", (setting("huge_pages", "off"), setting("shared_buffers", "8192", "MB")), ["info"]),
    ("huge_pages", (setting("huge_pages", "off"), setting("shared_buffers", "8191", "MB")), []),
    ("huge_pages", (setting("huge_pages", "try"), setting("shared_buffers", "9000", "MB")), []),
]


@pytest.mark.parametrize(("check", "rows", "expected"), CASES, ids=[f"{n}-{each[0]}" for n, each in enumerate(CASES)])
def test_hygiene_is_told_at_its_threshold_and_never_as_a_warning(
    check: str, rows: tuple[Row, ...], expected: list[str]
) -> None:
    assert severities(check, *rows) == expected


def test_single_copy_is_no_matter_of_a_standby() -> None:
    assert severities("single_copy", WAL_OFF, in_recovery=True) == []
