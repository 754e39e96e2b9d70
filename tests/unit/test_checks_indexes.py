"""Checks and causes of indexes, by hand-written rows: the boundary of each threshold from both sides."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.engines.postgresql.rows.indexes import (
    BareForeignKey,
    BloatedIndex,
    IndexLoad,
    InvalidIndex,
    OverlappingIndexes,
    UnusedIndex,
    UsedCollation,
)
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.tables import HotTable, PartitionedTable
from housecall.testing import row_of, snapshot_of

MB = 1024 * 1024
DAY = 24 * 3600.0


def found(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.object for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def counters(age: float = 60 * DAY, *, replica: bool = False) -> DatabaseCounters:
    return row_of(DatabaseCounters, reset_seconds_ago=age, started_seconds_ago=age, has_replica=replica)


def unused(size: int = 10 * MB, writes: int = 0) -> UnusedIndex:
    return row_of(
        UnusedIndex, schema_name="public", table_name="orders", index_name="Idle Index", size_bytes=size,
        table_writes=writes, definition='CREATE INDEX "Idle Index" ON public.orders USING btree (note)',
    )  # fmt: skip


def pair(**values: object) -> OverlappingIndexes:
    base: dict[str, object] = {
        "schema_name": "public", "table_name": "orders", "index_name": "b", "other_name": "a", "is_equal": True,
        "definition": "CREATE INDEX b ON public.orders USING btree (status)", "index_id": 2, "other_id": 1,
        "size_bytes": 8192, "other_size_bytes": 8192,
    }  # fmt: skip
    return row_of(OverlappingIndexes, **{**base, **values})


@pytest.mark.parametrize(("size", "names"), [(10 * MB, ['public."Idle Index"']), (10 * MB - 1, [])])
def test_unused_index_is_told_from_ten_megabytes_on(size: int, names: list[str]) -> None:
    assert found(diagnose(snapshot_of(unused(size), counters())), "unused_index") == names


@pytest.mark.parametrize(
    ("age", "writes", "severity"), [(DAY, 0, "notice"), (DAY - 1, 10_000, "info"), (DAY - 1, 9_999, None)]
)
def test_unused_index_with_young_statistics_needs_writes(age: float, writes: int, severity: str | None) -> None:
    diagnosis = diagnose(snapshot_of(unused(writes=writes), counters(age)))
    causes = caused(diagnosis, "unused_index")
    assert [each.severity for each in causes] == ([severity] if severity else [])
    missed = [each for each in diagnosis.not_evaluated if each.check == "postgresql.unused_index"]
    assert bool(missed) == (severity is None)


def test_unused_index_is_less_sure_with_a_replica() -> None:
    (alone,) = caused(diagnose(snapshot_of(unused(), counters())), "unused_index")
    (replicated,) = caused(diagnose(snapshot_of(unused(), counters(replica=True))), "unused_index")
    assert replicated.confidence < alone.confidence
    assert "replica" in replicated.because[-1].render()


def test_unused_index_is_dropped_concurrently_and_its_definition_brings_it_back() -> None:
    (cause,) = caused(diagnose(snapshot_of(unused(), counters())), "unused_index")
    assert cause.remedies[0].statements == ('DROP INDEX CONCURRENTLY public."Idle Index";',)
    assert cause.remedies[0].rollback == (
        'CREATE INDEX CONCURRENTLY "Idle Index" ON public.orders USING btree (note);',
    )


def test_duplicate_index_keeps_the_older_twin() -> None:
    mirrored = pair(index_name="a", other_name="b", index_id=1, other_id=2)
    assert found(diagnose(snapshot_of(pair(), mirrored)), "duplicate_index") == ["public.b"]


def test_duplicate_index_keeps_the_constraint_even_when_it_is_younger() -> None:
    row = pair(index_name="a", other_name="b", index_id=1, other_id=2, other_is_constraint=True)
    mirrored = pair(is_constraint=True)
    assert found(diagnose(snapshot_of(row, mirrored)), "duplicate_index") == ["public.a"]


def test_duplicate_index_absorbs_the_same_index_being_unused() -> None:
    idle = row_of(
        UnusedIndex, schema_name="public", index_name="b", size_bytes=20 * MB, definition="CREATE INDEX b ON x (y)"
    )
    diagnosis = diagnose(snapshot_of(pair(), idle, counters()))
    (cause,) = caused(diagnosis, "duplicate_index")
    assert cause.symptoms == ("unused_index: public.b",)
    assert caused(diagnosis, "unused_index") == []


@pytest.mark.parametrize(("size", "names"), [(4 * 8192, ["public.b"]), (4 * 8192 + 1, [])])
def test_redundant_index_is_kept_when_the_longer_is_much_larger(size: int, names: list[str]) -> None:
    row = pair(is_equal=False, other_size_bytes=size)
    assert found(diagnose(snapshot_of(row)), "redundant_index") == names


def test_redundant_index_of_three_is_told_once() -> None:
    rows = [pair(is_equal=False), pair(is_equal=False, other_name="c", other_id=3)]
    assert found(diagnose(snapshot_of(*rows)), "redundant_index") == ["public.b"]


def test_invalid_index_that_is_being_built_is_left_alone() -> None:
    row = row_of(InvalidIndex, schema_name="public", index_name="new", is_being_built=True)
    assert found(diagnose(snapshot_of(row)), "invalid_index") == []


def test_invalid_index_of_a_failed_reindex_is_dropped_not_rebuilt() -> None:
    row = row_of(
        InvalidIndex,
        schema_name="public",
        table_name="t",
        index_name="by_id_ccnew1",
        definition="CREATE INDEX x ON y (z)",
    )
    (cause,) = caused(diagnose(snapshot_of(row)), "invalid_index")
    assert [each.statements for each in cause.remedies] == [("DROP INDEX CONCURRENTLY public.by_id_ccnew1;",)]


def load(idle: int, writes: int, rows: float = 1_000) -> IndexLoad:
    names = [f"i{number}" for number in range(idle)]
    return row_of(
        IndexLoad, schema_name="public", table_name="orders", indexes=idle + 1, writes=writes, live_rows=rows,
        idle_names=names, idle_definitions=[f"CREATE INDEX {name} ON public.orders (a)" for name in names],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (load(5, 10_000), ["public.orders"]),
        (load(4, 10_000), []),
        (load(5, 9_999), []),
        (load(5, 10_000, 999), []),
    ],
)
def test_over_indexing_needs_idle_indexes_writes_and_rows(row: IndexLoad, names: list[str]) -> None:
    assert found(diagnose(snapshot_of(row, counters())), "over_indexing") == names


def test_over_indexing_gathers_the_unused_indexes_of_its_table() -> None:
    diagnosis = diagnose(snapshot_of(load(5, 10_000), unused(), counters()))
    (cause,) = caused(diagnosis, "over_indexing")
    assert cause.symptoms == ('unused_index: public."Idle Index"',)


def bare(**values: object) -> BareForeignKey:
    base: dict[str, object] = {
        "schema_name": "public", "table_name": "orders", "columns": ["customer_id"], "parent_schema": "public",
        "parent_table": "customers", "live_rows": 500_000.0, "constraint_name": "orders_customer_fk",
    }  # fmt: skip
    return row_of(BareForeignKey, **{**base, **values})


@pytest.mark.parametrize(("rows", "names"), [(10_000.0, ["public.orders(customer_id)"]), (9_999.0, [])])
def test_foreign_key_without_index_is_told_of_tables_of_some_size(rows: float, names: list[str]) -> None:
    assert found(diagnose(snapshot_of(bare(live_rows=rows))), "foreign_key_without_index") == names


@pytest.mark.parametrize(
    ("deletes", "scans", "severity"), [(0, 100, "info"), (4, 100, "info"), (5, 5, "warning"), (20, 4, "info")]
)
def test_foreign_key_without_index_warns_when_deletes_scanned_the_child(
    deletes: int, scans: int, severity: str
) -> None:
    row = bare(parent_deleted=deletes, sequential_scans=scans, sequential_rows=scans * 500_000)
    (cause,) = caused(diagnose(snapshot_of(row)), "fk_without_index")
    assert cause.severity == severity


@pytest.mark.parametrize(
    ("deletes", "scans", "read", "severity"),
    [
        (10, 20, 20 * 25_000, "warning"),
        (9, 20, 20 * 100_000, "info"),  # most scans are somebody else's
        (4, 4, 4 * 1_000_000, "info"),
        (10, 10, 10 * 24_999, "info"),
        (300, 300, 300 * 1_000, "warning"),
        (300, 300, 300 * 999, "info"),
    ],
)
def test_a_key_of_several_columns_of_which_an_index_has_one_is_read_by_that(
    deletes: int, scans: int, read: int, severity: str
) -> None:
    row = bare(
        columns=["tenant", "customer_id"], parent_deleted=deletes, part_index="orders_tenant", part_scans=scans,
        part_rows=read,
    )  # fmt: skip
    (cause,) = caused(diagnose(snapshot_of(row)), "fk_without_index")
    assert cause.severity == severity
    assert ("orders_tenant" in cause.summary.render()) == (severity == "warning")


def test_a_partitioned_child_gets_its_index_partition_by_partition() -> None:
    whole = row_of(PartitionedTable, schema_name="public", table_name="orders", names=["orders_1", "orders_2"])
    row = bare(parent_deleted=20, sequential_scans=21, sequential_rows=21 * 500_000, is_partitioned=True)
    (cause,) = caused(diagnose(snapshot_of(row, whole)), "fk_without_index")
    assert cause.remedies[0].statements[:3] == (
        "CREATE INDEX orders_customer_id_idx ON ONLY public.orders (customer_id);",
        "CREATE INDEX CONCURRENTLY orders_1_customer_id_idx ON public.orders_1 (customer_id);",
        "ALTER INDEX public.orders_customer_id_idx ATTACH PARTITION public.orders_1_customer_id_idx;",
    )


def test_fk_without_index_explains_the_scans_of_the_child() -> None:
    key = bare(parent_deleted=20, sequential_scans=21, sequential_rows=21 * 500_000)
    table = row_of(
        HotTable, schema_name="public", table_name="orders", live_rows=500_000.0, sequential_scans=21,
        sequential_rows=21 * 500_000, all_sequential_rows=21 * 500_000,
    )  # fmt: skip
    diagnosis = diagnose(snapshot_of(key, table, counters()))
    assert [each.id for each in diagnosis.causes if each.severity.rank >= 1] == ["fk_without_index"]


@pytest.mark.parametrize(
    ("size", "needed", "count"), [(200 * MB, 100 * MB, 1), (200 * MB, 100 * MB + 1, 0), (150 * MB, 50 * MB + 1, 0)]
)
def test_index_bloat_needs_size_and_share(size: int, needed: int, count: int) -> None:
    row = row_of(BloatedIndex, schema_name="public", index_name="fat", size_bytes=size, needed_bytes=needed)
    diagnosis = diagnose(snapshot_of(row))
    assert len(found(diagnosis, "index_bloat")) == count
    assert len(caused(diagnosis, "index_bloat")) == count


@pytest.mark.parametrize(("recorded", "count"), [("2.36", 0), ("2.31", 1), (None, 0)])
def test_collation_version_is_compared_with_the_recorded_one(recorded: str | None, count: int) -> None:
    row = row_of(UsedCollation, name="de_DE", recorded_version=recorded, actual_version="2.36", indexes=3)
    diagnosis = diagnose(snapshot_of(row))
    assert len(found(diagnosis, "collation_version")) == count
    assert len(caused(diagnosis, "collation_version_mismatch")) == count


def test_fk_without_index_explains_who_waits_for_the_delete() -> None:
    from housecall.engines.postgresql.rows.sessions import Session

    key = bare(parent_deleted=20, sequential_scans=21, sequential_rows=21 * 500_000)
    base = {"backend_type": "client backend", "visible": True, "session_total": 2, "waiting_total": 1}
    deleting = row_of(
        Session, pid=10, state="active", statement="DELETE FROM customers WHERE id = 5", transaction_seconds=60.0,
        statement_seconds=60.0, state_seconds=60.0, **base,
    )  # fmt: skip
    waiting = row_of(
        Session, pid=11, state="active", statement="UPDATE customers SET a = 1", wait_event_type="Lock",
        blocked_by=[10],
        lock_type="transactionid", lock_mode="ShareLock", wait_seconds=50.0, transaction_seconds=50.0,
        statement_seconds=50.0, state_seconds=50.0, **base,
    )  # fmt: skip
    samples = [[deleting, waiting]] * 3
    diagnosis = diagnose(snapshot_of(key, deleting, waiting, counters(), samples=samples))
    (cause,) = caused(diagnosis, "fk_without_index")
    blocked = [each.fingerprint for each in diagnosis.findings if each.check == "postgresql.blocked_sessions"]
    assert blocked
    assert set(blocked) <= set(cause.absorbs)


def test_who_waits_for_a_delete_is_explained_whatever_the_parent_is_called() -> None:
    from housecall.engines.postgresql.rows.sessions import Session

    key = bare(parent_table="Kunden.Alt", parent_deleted=20, sequential_scans=21, sequential_rows=21 * 500_000)
    base = {"backend_type": "client backend", "visible": True, "session_total": 2, "waiting_total": 1}
    long = {"transaction_seconds": 60.0, "statement_seconds": 60.0, "state_seconds": 60.0, "state": "active"}
    deleting = row_of(Session, pid=10, statement='DELETE FROM "Kunden.Alt" WHERE id = 5', **long, **base)
    waiting = row_of(
        Session, pid=11, statement="UPDATE x SET a = 1", wait_event_type="Lock", blocked_by=[10], wait_seconds=50.0,
        lock_type="transactionid", lock_mode="ShareLock", **long, **base,
    )  # fmt: skip
    diagnosis = diagnose(snapshot_of(key, deleting, waiting, counters(), samples=[[deleting, waiting]] * 3))
    (cause,) = caused(diagnosis, "fk_without_index")
    blocked = {each.fingerprint for each in diagnosis.findings if each.check == "postgresql.blocked_sessions"}
    assert blocked
    assert blocked <= set(cause.absorbs)


def test_a_key_of_another_type_than_its_parents_is_indexed_as_that_type() -> None:
    row = bare(
        parent_deleted=20, sequential_scans=21, sequential_rows=21 * 500_000, other_index="orders_customer_id_idx",
        column_types=["bigint"], compared_types=["numeric"],
    )  # fmt: skip
    (cause,) = caused(diagnose(snapshot_of(row)), "fk_without_index")
    assert "((customer_id)::numeric)" in cause.remedies[0].statements[0]
    assert any("orders_customer_id_idx" in each.render() for each in cause.because)


def test_a_key_without_any_index_is_indexed_as_it_is() -> None:
    row = bare(parent_deleted=20, sequential_scans=21, sequential_rows=21 * 500_000, column_types=["bigint"])
    (cause,) = caused(diagnose(snapshot_of(row)), "fk_without_index")
    assert cause.remedies[0].statements[0].endswith("ON public.orders (customer_id);")
