"""Slots, standbys, subscriptions and archiving by hand-written rows, on both sides of each threshold."""

from dataclasses import replace

import pytest

from housecall.diagnosis.checks.postgresql.sync_standby_missing import wanted_standbys
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.finding import Severity
from housecall.engines.engine import Row, Unavailable
from housecall.engines.postgresql.rows.replication import (
    Archiver,
    ReplicaStatus,
    ReplicationSlot,
    Standby,
    Subscription,
    WalFiles,
)
from housecall.engines.postgresql.rows.sessions import Session
from housecall.testing import row_of, snapshot_of

MB = 1024**2
GB = 1024**3
PRIMARY = row_of(ReplicaStatus)
STANDBY = row_of(ReplicaStatus, in_recovery=True, receiver_running=True, has_primary=True, replay_paused=False)


def verdict(*rows: Row) -> Diagnosis:
    return diagnose(snapshot_of(*rows))


def severities(diagnosis: Diagnosis, check: str) -> list[Severity]:
    return [each.severity for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def causes(diagnosis: Diagnosis) -> list[str]:
    return [each.id for each in diagnosis.causes]


def slot(retained: int, **values: object) -> ReplicationSlot:
    known = {"slot_name": "it's", "slot_type": "physical", "wal_status": "reserved", "keep_limit_megabytes": -1}
    return row_of(ReplicationSlot, retained_bytes=retained, **{**known, **values})


class TestSlots:
    @pytest.mark.parametrize(
        ("retained", "values", "expected"),
        [
            (64 * MB - 1, {}, [Severity.INFO]),
            (64 * MB, {}, [Severity.WARNING]),
            (50 * GB, {}, [Severity.CRITICAL]),
            (8 * MB, {"active": True}, []),
            (GB - 1, {"active": True}, []),
            (GB, {"active": True}, [Severity.NOTICE]),
            (10 * GB, {"active": True}, [Severity.WARNING]),
            (MB, {"wal_status": "unreserved"}, [Severity.CRITICAL]),
            (MB, {"wal_status": "lost"}, [Severity.WARNING]),
            (GB, {"temporary": True}, []),
        ],
    )
    def test_inactive_slots(self, retained: int, values: dict, expected: list[Severity]) -> None:
        assert severities(verdict(slot(retained, **values)), "inactive_slots") == expected

    def test_slot_is_dropped_only_after_asking_and_quoted(self) -> None:
        (cause,) = verdict(slot(GB)).causes
        drop = cause.remedies[0]
        assert (cause.id, cause.object) == ("slot_retains_wal", "it's")
        assert drop.statements == ("SELECT pg_catalog.pg_drop_replication_slot('it''s')",)
        assert drop.caution is not None
        assert drop.title.render().startswith("Ask whose slot")

    def test_only_a_logical_slot_is_told_with_its_plugin(self) -> None:
        physical = verdict(slot(GB)).causes[0].summary
        logical = verdict(slot(GB, slot_type="logical", plugin="pgoutput")).causes[0].summary
        assert "slot 'it's' (physical); it keeps" in physical.render("en")
        assert "（physical）无人消费" in physical.render("zh-CN")
        assert "(logical, plugin pgoutput)" in logical.render("en")

    def test_slot_in_use_is_never_dropped(self) -> None:
        (cause,) = verdict(slot(10 * GB, active=True)).causes
        assert not any("drop" in statement for remedy in cause.remedies for statement in remedy.statements)


class TestLag:
    @pytest.mark.parametrize(
        ("lag", "seconds", "expected"),
        [
            (16 * MB - 1, 0.1, []),
            (16 * MB, 0.1, [Severity.NOTICE]),
            (100 * MB, 0.1, [Severity.WARNING]),
            (16 * MB, 30.0, [Severity.WARNING]),
        ],
    )
    def test_replica_lag_from_the_primary_is_judged_by_bytes(self, lag, seconds, expected) -> None:
        standby = row_of(
            Standby, application="replica-1", visible=True, replay_lag_bytes=lag, replay_lag_seconds=seconds
        )
        diagnosis = verdict(PRIMARY, standby)
        assert severities(diagnosis, "replica_lag") == expected
        assert causes(diagnosis) == ["replica_lag"] * len(expected)

    def test_delay_set_on_purpose_is_named(self) -> None:
        late = replace(STANDBY, unreplayed_bytes=18 * MB, last_replayed_seconds=400.0, apply_delay_seconds=600.0)
        (cause,) = verdict(late).causes
        assert "recovery_min_apply_delay is 10 min" in cause.summary.render()
        assert cause.remedies[0].rollback[0] == "ALTER SYSTEM SET recovery_min_apply_delay = '600000ms'"

    def test_idle_primary_does_not_make_a_standby_late(self) -> None:
        assert causes(verdict(replace(STANDBY, unreplayed_bytes=0, last_replayed_seconds=9000.0))) == []

    def test_hidden_standby_is_not_called_healthy(self) -> None:
        diagnosis = verdict(PRIMARY, row_of(Standby, pid=1))
        assert "postgresql.replica_lag" in {each.check for each in diagnosis.not_evaluated}


class TestStandbyDisconnected:
    def test_standby_without_receiver_has_lost_its_primary(self) -> None:
        diagnosis = verdict(replace(STANDBY, receiver_running=False, last_replayed_seconds=60.0))
        assert severities(diagnosis, "standby_disconnected") == [Severity.CRITICAL]
        assert causes(diagnosis) == ["replica_stopped"]

    def test_standby_fed_from_an_archive_is_healthy(self) -> None:
        assert causes(verdict(replace(STANDBY, receiver_running=False, has_primary=False))) == []

    def test_role_that_may_not_see_the_receiver_says_so(self) -> None:
        diagnosis = verdict(replace(STANDBY, receiver_running=False, has_primary=None))
        assert "postgresql.standby_disconnected" in {each.check for each in diagnosis.not_evaluated}

    def test_paused_replay_explains_its_lag(self) -> None:
        paused = replace(STANDBY, replay_paused=True, unreplayed_bytes=200 * MB, last_replayed_seconds=600.0)
        diagnosis = verdict(paused)
        assert causes(diagnosis) == ["replica_stopped"]
        assert diagnosis.causes[0].remedies[0].statements == ("SELECT pg_catalog.pg_wal_replay_resume()",)


@pytest.mark.parametrize(
    ("enabled", "running", "expected"),
    [(True, True, []), (True, False, [Severity.WARNING]), (False, False, [Severity.NOTICE])],
)
def test_subscriptions_down(enabled: bool, running: bool, expected: list[Severity]) -> None:
    diagnosis = verdict(row_of(Subscription, name="orders", enabled=enabled, running=running))
    assert severities(diagnosis, "subscriptions_down") == expected
    assert causes(diagnosis) == ["replica_stopped"] * len(expected)


def test_subscriptions_that_may_not_be_read_name_the_columns_to_grant() -> None:
    refused = Unavailable("subscriptions", "privilege", "permission denied for table pg_subscription")
    (missed,) = [
        each
        for each in diagnose(snapshot_of(unavailable=[refused])).not_evaluated
        if "subscriptions_down" in each.check
    ]
    assert "subconninfo" not in str(missed.remedy)
    assert str(missed.remedy).startswith("GRANT SELECT (oid, subdbid, subname,")


class TestArchiver:
    def archiver(self, **values: object) -> Archiver:
        known = {
            "enabled": True,
            "has_command": True,
            "failures": 3,
            "last_failed_seconds": 10.0,
            "last_failed_file": "0001",
        }
        return row_of(Archiver, **{**known, **values})

    @pytest.mark.parametrize(
        ("values", "count"),
        [
            ({}, 1),
            ({"last_archived_seconds": 11.0}, 1),
            ({"last_archived_seconds": 9.0}, 0),
            ({"failures": 0, "last_failed_seconds": None}, 0),
            ({"enabled": False}, 0),
        ],
    )
    def test_archiver_failures_count_until_one_succeeds(self, values: dict, count: int) -> None:
        diagnosis = verdict(self.archiver(**values))
        assert severities(diagnosis, "archiver_failures") == [Severity.WARNING] * count
        assert causes(diagnosis) == ["archive_failing"] * count

    @pytest.mark.parametrize(("ready", "severity"), [(63, Severity.WARNING), (64, Severity.CRITICAL)])
    def test_files_that_pile_up_make_it_critical(self, ready: int, severity: Severity) -> None:
        diagnosis = verdict(self.archiver(), row_of(WalFiles, ready_files=ready))
        assert severities(diagnosis, "archiver_failures") == [severity]

    def test_nobody_is_told_to_delete_wal(self) -> None:
        (cause,) = verdict(self.archiver()).causes
        assert all(remedy.statements == () for remedy in cause.remedies)


class TestSyncStandby:
    @pytest.mark.parametrize(
        ("names", "wanted"),
        [("", 0), ("*", 1), ("a, b", 1), ("FIRST 2 (a, b, c)", 2), ("any 3(a,b,c)", 3), ("2 (a, b)", 2)],
    )
    def test_standbys_that_a_commit_waits_for(self, names: str, wanted: int) -> None:
        assert wanted_standbys(names) == wanted

    def test_sync_standby_missing_is_critical_once_a_commit_hangs(self) -> None:
        needs = replace(PRIMARY, synchronous_standby_names="a")
        hangs = row_of(
            Session, pid=1, visible=True, state="active", wait_event="SyncRep", wait_event_type="IPC", session_total=1
        )
        assert severities(verdict(needs), "sync_standby_missing") == [Severity.WARNING]
        diagnosis = verdict(needs, hangs)
        assert severities(diagnosis, "sync_standby_missing") == [Severity.CRITICAL]
        assert causes(diagnosis) == ["sync_standby_missing"]
        assert diagnosis.causes[0].remedies[0].rollback[0] == "ALTER SYSTEM SET synchronous_standby_names = 'a'"

    def test_enough_standbys_are_healthy(self) -> None:
        needs = replace(PRIMARY, synchronous_standby_names="a")
        standby = row_of(Standby, application="a", visible=True, sync_state="sync")
        assert severities(verdict(needs, standby), "sync_standby_missing") == []
