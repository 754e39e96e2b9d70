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
