"""What was looked at, in figures."""

from dataclasses import replace

import pytest

from housecall.diagnosis.looked import looked_at
from housecall.engines.postgresql.rows.replication import Archiver, ReplicaStatus, ReplicationSlot, Standby
from housecall.testing import row_of, snapshot_of


def test_no_standby_and_no_slot_are_told_as_zero() -> None:
    now = snapshot_of(row_of(ReplicaStatus, in_recovery=False), row_of(Archiver, enabled=False))
    now_with = {**now.readings, Standby.reading: (), ReplicationSlot.reading: ()}
    told = looked_at(replace(now, readings=now_with))["replication"]
    assert str(told).startswith("0 standbys connected, 0 replication slots, not in recovery")
    assert told.render("zh-CN").startswith("已连接备库 0 个")


def test_a_topic_whose_readings_could_not_be_had_is_left_out() -> None:
    assert "replication" not in looked_at(snapshot_of())


@pytest.mark.parametrize(("waiting", "told"), [(0, "of 0 sightings"), (1, "of 1 sighting ")])
def test_waits_for_the_network_are_counted_over_all_looks(waiting: int, told: str) -> None:
    from housecall.diagnosis.snapshot import Sample
    from housecall.engines.postgresql.rows.sessions import Session

    session = row_of(Session, state="active", wait_event_type="Client")
    now = snapshot_of()
    sample = Sample(0.0, {"sessions": (session,) * waiting})
    assert told in str(looked_at(replace(now, samples=(sample,)))["network"])


def test_kinds_of_indexes_are_told_by_name_as_sql_would_write_them() -> None:
    from housecall.engines.postgresql.rows.indexes import BareForeignKey, OverlappingIndexes, UnusedIndex
    from housecall.engines.postgresql.rows.memory import DatabaseCounters

    one = {"schema_name": "sales", "table_name": "Invoice", "is_equal": True, "pairs": 2}
    now = snapshot_of(
        row_of(DatabaseCounters, started_seconds_ago=40 * 86400.0),
        row_of(UnusedIndex, schema_name="sales", index_name="By Status", size_bytes=2**21, indexes=1),
        row_of(OverlappingIndexes, index_name="a", other_name="b", **one),
        row_of(OverlappingIndexes, index_name="b", other_name="a", **one),
        row_of(BareForeignKey, schema_name="sales", table_name="Invoice", columns=["customer"],
               parent_schema="sales", parent_table="customer", keys=1),
    )  # fmt: skip
    told = looked_at(now)
    assert str(told["unused_indexes"]).endswith('served no query in 40 d: sales."By Status" (2 MB)')
    assert str(told["duplicate_indexes"]).startswith("1 index repeated")
    assert str(told["duplicate_indexes"]).endswith(": sales.a (sales.b)")
    assert str(told["foreign_keys"]).endswith(': sales."Invoice"(customer) → sales.customer')
    assert told["foreign_keys"].render("zh-CN").startswith("引用侧没有索引的外键有 1 个")


@pytest.mark.parametrize(("days", "young"), [(0.9, True), (1.0, False)])
def test_unused_indexes_of_young_counters_are_said_to_prove_nothing(days: float, young: bool) -> None:
    from housecall.engines.postgresql.rows.indexes import UnusedIndex
    from housecall.engines.postgresql.rows.memory import DatabaseCounters

    counters = row_of(DatabaseCounters, started_seconds_ago=days * 86400)
    told = looked_at(snapshot_of(counters, row_of(UnusedIndex, schema_name="s", index_name="i", indexes=1)))
    assert ("prove nothing" in str(told["unused_indexes"])) == young
