"""Dead rows, autovacuum, horizons and wraparound by hand-written rows: thresholds, and root against symptom."""

from dataclasses import replace

import pytest

from housecall.diagnosis.checks.postgresql.autovacuum_starved import write_bytes_per_second
from housecall.diagnosis.checks.postgresql.transaction_id_age import LAST_USABLE_AGE
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.finding import Severity
from housecall.engines.engine import Row
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.replication import ReplicationSlot, Standby
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.transactions import PreparedTransaction
from housecall.engines.postgresql.rows.vacuum import BloatEstimate, TransactionAge, VacuumTable, VacuumWorker
from housecall.testing import row_of, snapshot_of

SETTINGS = row_of(
    UpkeepSettings, max_connections=100, autovacuum=True, track_counts=True, autovacuum_max_workers=3,
    autovacuum_naptime_seconds=60.0, autovacuum_cost_delay_seconds=0.002, autovacuum_cost_limit=200,
    autovacuum_freeze_max_age=200_000_000, autovacuum_multixact_freeze_max_age=400_000_000,
    default_isolation="read committed",
)  # fmt: skip
MB = 1024**2


def table(dead: int, live: int = 100_000, **values: object) -> VacuumTable:
    known = {
        "schema_name": "public", "table_name": "Order Lines", "live_rows": live, "dead_rows": dead,
        "threshold_rows": 50 + 0.2 * live, "threshold_scale": 0.2, "autovacuum_enabled": True,
        "past_threshold_total": 1, "last_autovacuum_seconds": 60.0,
    }  # fmt: skip
    return row_of(VacuumTable, **{**known, **values})


def verdict(*rows: Row, settings: UpkeepSettings = SETTINGS) -> Diagnosis:
    return diagnose(snapshot_of(settings, *rows))


def severities(diagnosis: Diagnosis, check: str) -> list[Severity]:
    return [each.severity for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def causes(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(each.id, each.object) for each in diagnosis.causes]


class TestDeadTuples:
    @pytest.mark.parametrize(
        ("dead", "live", "expected"),
        [
            (40_099, 100_000, []),
            (40_100, 100_000, [Severity.NOTICE]),
            (9_999, 100, []),
            (10_000, 100, [Severity.NOTICE]),
            (99_999, 50_000, [Severity.NOTICE]),
            (100_000, 50_000, [Severity.WARNING]),
            (100_000, 100_001, [Severity.NOTICE]),
        ],
    )
    def test_are_late_at_twice_the_threshold(self, dead: int, live: int, expected: list[Severity]) -> None:
        assert severities(verdict(table(dead, live)), "dead_tuples") == expected

    def test_threshold_set_against_sense_does_not_hide_them(self) -> None:
        assert severities(verdict(table(300_000, threshold_rows=1e9)), "dead_tuples") == [Severity.WARNING]


class TestAutovacuumOff:
    @pytest.mark.parametrize("setting", ["autovacuum", "track_counts"])
    def test_server_without_autovacuum_is_one_cause_with_its_dead_rows(self, setting: str) -> None:
        diagnosis = verdict(table(300_000), settings=replace(SETTINGS, **{setting: False}))
        assert causes(diagnosis) == [("autovacuum_off", setting)]
        assert diagnosis.causes[0].remedies[0].statements[0] == f"ALTER SYSTEM SET {setting} = on"
        assert diagnosis.causes[0].remedies[1].statements == ('VACUUM (ANALYZE) public."Order Lines"',)

    @pytest.mark.parametrize(
        ("dead", "modified", "severity"),
        [
            (999, 0, Severity.INFO),
            (999, 1000, Severity.NOTICE),
            (20_050, 0, Severity.NOTICE),
            (20_051, 0, Severity.WARNING),
        ],
    )
    def test_autovacuum_off_for_table_is_a_warning_where_it_would_work_now(self, dead, modified, severity) -> None:
        diagnosis = verdict(table(dead, modified_rows=modified, autovacuum_enabled=False))
        assert severities(diagnosis, "autovacuum_off_for_table") == [severity]

    def test_option_is_reset_and_the_table_vacuumed(self) -> None:
        (cause,) = verdict(table(300_000, autovacuum_enabled=False)).causes
        assert (cause.id, cause.object) == ("autovacuum_off_for_table", 'public."Order Lines"')
        assert cause.remedies[0].statements == (
            'ALTER TABLE public."Order Lines" RESET (autovacuum_enabled)',
            'VACUUM (ANALYZE) public."Order Lines"',
        )


class TestStarved:
    def worker(self, pid: int = 1) -> VacuumWorker:
        return row_of(VacuumWorker, pid=pid, is_autovacuum=True, table_name="public.big")

    def reason(self, *rows: Row, **settings: object) -> list[str]:
        diagnosis = verdict(*rows, settings=replace(SETTINGS, **settings))
        return [each.details["reason"] for each in diagnosis.findings if each.check == "postgresql.autovacuum_starved"]

    def test_all_workers_busy_while_tables_are_late(self) -> None:
        assert self.reason(table(300_000), *(self.worker(pid) for pid in (1, 2, 3))) == ["workers_busy"]
        assert self.reason(table(300_000), self.worker(1), self.worker(2)) == []

    def test_busy_workers_without_late_tables_do_their_work(self) -> None:
        assert self.reason(table(30_000), *(self.worker(pid) for pid in (1, 2, 3))) == []

    def test_cost_settings_that_let_it_crawl(self) -> None:
        assert self.reason(table(300_000), self.worker(), autovacuum_cost_limit=1) == ["too_slow"]

    def test_table_that_was_never_visited_by_a_daemon_that_wakes_too_seldom(self) -> None:
        late = table(300_000, last_autovacuum_seconds=None)
        assert self.reason(late, autovacuum_naptime_seconds=600.0) == ["too_seldom"]
        assert self.reason(late, autovacuum_naptime_seconds=599.0) == ["not_reached"]

    def test_threshold_that_never_triggers(self) -> None:
        assert self.reason(table(300_000, threshold_rows=1e9)) == ["threshold_too_high"]

    def test_speed_is_what_the_cost_settings_allow(self) -> None:
        assert write_bytes_per_second(SETTINGS) == pytest.approx(200 / 0.002 / 20 * 8192)
        assert write_bytes_per_second(replace(SETTINGS, autovacuum_cost_delay_seconds=0.0)) == float("inf")

    def test_cause_lets_it_work_faster_and_can_be_undone(self) -> None:
        diagnosis = verdict(table(300_000), *(self.worker(pid) for pid in (1, 2, 3)))
        assert causes(diagnosis) == [("autovacuum_starved", "autovacuum")]
        remedy = diagnosis.causes[0].remedies[1]
        assert "ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 2000" in remedy.statements
        assert "ALTER SYSTEM RESET autovacuum_vacuum_cost_limit" in remedy.rollback


class TestHorizon:
    def holder(self, seconds: float = 3000.0, **values: object) -> Session:
        known = {
            "pid": 7, "backend_type": "client backend", "database": "shop", "user_name": "bi", "visible": True,
            "state": "idle in transaction", "state_seconds": 10.0, "transaction_seconds": seconds, "xmin_age": 50,
        }  # fmt: skip
        return row_of(Session, **{**known, **values})

    def test_table_vacuumed_in_vain_proves_the_holder(self) -> None:
        diagnosis = verdict(self.holder(), table(300_000, last_autovacuum_seconds=60.0))
        assert causes(diagnosis) == [("xmin_horizon_held", "pid 7")]
        assert diagnosis.causes[0].confidence >= 0.95

    def test_table_vacuumed_before_the_holder_began_proves_nothing(self) -> None:
        diagnosis = verdict(self.holder(), table(300_000, last_autovacuum_seconds=3100.0))
        assert "xmin_horizon_held" not in {each.id for each in diagnosis.causes}

    @pytest.mark.parametrize(("age", "count"), [(99_999, 0), (100_000, 1)])
    def test_hidden_session_must_be_old_by_its_transactions(self, age: int, count: int) -> None:
        hidden = self.holder(transaction_seconds=None, visible=False, state=None, xmin_age=age)
        assert len(severities(verdict(hidden, table(300_000)), "old_xmin_holders")) == count

    def test_session_of_another_database_is_not_to_blame(self) -> None:
        diagnosis = verdict(self.holder(database="other"), table(300_000))
        assert severities(diagnosis, "old_xmin_holders") == []

    @pytest.mark.parametrize(
        ("age", "expected"),
        [
            (999_999, []),
            (1_000_000, [Severity.NOTICE]),
            (9_999_999, [Severity.NOTICE]),
            (10_000_000, [Severity.WARNING]),
        ],
    )
    def test_old_xmin_holders_by_age_alone(self, age: int, expected: list[Severity]) -> None:
        assert severities(verdict(self.holder(xmin_age=age)), "old_xmin_holders") == expected

    def test_blocker_that_also_holds_back_vacuum_is_one_cause(self) -> None:
        waiters = [
            row_of(Session, pid=pid, state="active", visible=True, blocked_by=[7], wait_seconds=30.0, session_total=9)
            for pid in (8, 9)
        ]
        diagnosis = verdict(self.holder(), *waiters, table(300_000))
        assert causes(diagnosis) == [("idle_in_transaction_blocker", "pid 7")]
        assert diagnosis.causes[0].symptoms == ("xmin_horizon_held: pid 7",)

    def test_session_that_waits_for_a_lock_is_not_to_blame_for_what_its_blocker_keeps(self) -> None:
        waiter = self.holder(3010.0, pid=8, state="active", blocked_by=[7], wait_seconds=30.0)
        diagnosis = verdict(waiter, self.holder(), table(300_000))
        assert causes(diagnosis) == [("idle_in_transaction_blocker", "pid 7")]
        assert {each.object for each in diagnosis.findings if each.check.endswith("old_xmin_holders")} == {"pid 7"}

    @pytest.mark.parametrize(("apart", "count"), [(4.0, 0), (1.0, 1)])
    def test_vacuum_counts_only_when_it_came_after_the_holder_however_far_apart_both_were_read(
        self, apart: float, count: int
    ) -> None:
        vacuumed = table(300_000, last_vacuum_seconds=3000.0, last_autovacuum_seconds=None, read_epoch=1e9)
        now = snapshot_of(self.holder(3002.0, read_epoch=1e9 + apart), vacuumed)
        held = [each for each in diagnose(now).causes if each.id == "xmin_horizon_held"]
        assert len(held) == count

    def test_prepared_transaction_is_the_root_of_what_it_keeps(self) -> None:
        left = row_of(PreparedTransaction, gid="x", database="shop", owner="app", age_seconds=600.0, xid_age=2_000_000)
        diagnosis = verdict(left, table(300_000))
        assert causes(diagnosis) == [("orphan_prepared_transaction", "x")]

    @pytest.mark.parametrize(
        ("seconds", "severity"),
        [(9.0, Severity.INFO), (10.0, Severity.NOTICE), (299.0, Severity.NOTICE), (300.0, Severity.WARNING)],
    )
    def test_prepared_transactions_by_age(self, seconds: float, severity: Severity) -> None:
        left = row_of(PreparedTransaction, gid="x", database="shop", age_seconds=seconds)
        assert severities(verdict(left), "prepared_transactions") == [severity]

    def test_standby_that_feeds_back_its_old_query_is_told_apart(self) -> None:
        standby = row_of(Standby, application="replica-1", visible=True, xmin_age=20_000_000)
        assert causes(verdict(standby, table(300_000))) == [("standby_feedback_bloat", "replica-1")]

    def test_logical_slot_is_the_root_of_bloat_of_system_catalogues(self) -> None:
        slot = row_of(
            ReplicationSlot, slot_name="cdc", slot_type="logical", catalog_xmin_age=5_000_000, keep_limit_megabytes=-1
        )
        catalog = table(300_000, 1000, schema_name="pg_catalog", table_name="pg_attribute")
        diagnosis = verdict(slot, catalog)
        assert causes(diagnosis) == [("slot_retains_wal", "cdc")]
        assert "catalog_bloat: pg_catalog.pg_attribute" in diagnosis.causes[0].symptoms

    def test_catalog_bloat_without_a_holder_stands_alone(self) -> None:
        catalog = table(300_000, 1000, schema_name="pg_catalog", table_name="pg_attribute")
        assert causes(verdict(catalog)) == [("catalog_bloat", "pg_catalog.pg_attribute")]


class TestWraparound:
    def database(self, age: int = 0, multixacts: int = 0) -> TransactionAge:
        return row_of(
            TransactionAge, scope="database", name="shop", xid_age=age, multixact_age=multixacts, connectable=True
        )

    @pytest.mark.parametrize(
        ("age", "expected"),
        [
            (299_999_999, []),
            (300_000_000, [Severity.NOTICE]),
            (2**30 - 1, [Severity.NOTICE]),
            (2**30, [Severity.WARNING]),
            (LAST_USABLE_AGE - 100_000_001, [Severity.WARNING]),
            (LAST_USABLE_AGE - 100_000_000, [Severity.CRITICAL]),
        ],
    )
    def test_transaction_id_age(self, age: int, expected: list[Severity]) -> None:
        diagnosis = verdict(self.database(age))
        assert severities(diagnosis, "transaction_id_age") == expected
        assert [each.id for each in diagnosis.causes] == ["wraparound_risk"] * len(expected)

    def test_multixacts_run_out_as_well(self) -> None:
        assert severities(verdict(self.database(multixacts=2**30)), "transaction_id_age") == [Severity.WARNING]

    def test_oldest_tables_are_frozen_first(self) -> None:
        oldest = row_of(
            TransactionAge, scope="table", name="public.t", schema_name="public", table_name="t", xid_age=2**30
        )
        (cause,) = verdict(self.database(2**30), oldest).causes
        assert cause.remedies[0].statements[0] == "VACUUM (FREEZE, INDEX_CLEANUP off, TRUNCATE off) public.t"

    def test_prepared_transaction_that_holds_the_oldest_id_is_the_root(self) -> None:
        left = row_of(
            PreparedTransaction, gid="x", database="shop", owner="app", age_seconds=1.0, xid_age=2_140_000_000
        )
        diagnosis = verdict(self.database(2_140_000_000), left)
        assert causes(diagnosis) == [("orphan_prepared_transaction", "x")]
        assert diagnosis.causes[0].severity is Severity.CRITICAL


class TestBloat:
    def table(self, size: int, needed: int | None, **values: object) -> BloatEstimate:
        known = {"schema_name": "public", "table_name": "t", "columns_seen": 2, "columns_total": 2, "live_rows": 1000}
        return row_of(BloatEstimate, size_bytes=size, needed_bytes=needed, **{**known, **values})

    @pytest.mark.parametrize(
        ("size", "needed", "expected"),
        [
            (100 * MB, 50 * MB, [Severity.NOTICE]),
            (100 * MB, 51 * MB, []),
            (99 * MB, MB, []),
            (10_240 * MB, 5_120 * MB, [Severity.WARNING]),
        ],
    )
    def test_table_bloat_takes_size_and_share(self, size: int, needed: int, expected: list[Severity]) -> None:
        assert severities(verdict(self.table(size, needed)), "table_bloat") == expected

    def test_table_whose_columns_may_not_be_seen_is_not_called_healthy(self) -> None:
        diagnosis = verdict(self.table(100 * MB, None, columns_seen=0))
        assert "postgresql.table_bloat" in {each.check for each in diagnosis.not_evaluated}

    @pytest.mark.parametrize(("most", "expected"), [(50 * MB, [Severity.NOTICE]), (51 * MB, []), (None, [])])
    def test_without_column_widths_a_table_is_bloated_when_the_widest_rows_would_not_fill_it(
        self, most: int | None, expected: list[Severity]
    ) -> None:
        diagnosis = verdict(self.table(100 * MB, None, columns_seen=0, most_needed_bytes=most))
        assert severities(diagnosis, "table_bloat") == expected
        assert ("postgresql.table_bloat" in {each.check for each in diagnosis.not_evaluated}) is not bool(expected)

    def test_dead_rows_come_first(self) -> None:
        assert causes(verdict(self.table(100 * MB, 10 * MB))) == [("table_bloat", "public.t")]
        assert causes(verdict(self.table(100 * MB, 10 * MB, dead_rows=1000))) == []


LARGE = {"large_values_off": True, "threshold_large_parts": 5_000.0, "large_bytes": 900_000_000}


@pytest.mark.parametrize(("dead", "severity"), [(5_000, None), (5_001, Severity.WARNING)])
def test_large_values_without_vacuum_are_told_once_their_own_threshold_is_passed(
    dead: int, severity: Severity | None
) -> None:
    diagnosis = verdict(table(0, dead_large_parts=dead, **LARGE))
    causes = [each for each in diagnosis.causes if each.id == "autovacuum_off_for_table"]
    assert [each.severity for each in causes] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("enabled", "options"),
    [(True, "toast.autovacuum_enabled"), (False, "autovacuum_enabled, toast.autovacuum_enabled")],
)
def test_what_is_switched_off_is_what_is_reset(enabled: bool, options: str) -> None:
    row = table(50_000, dead_large_parts=6_000, autovacuum_enabled=enabled, **LARGE)
    (cause,) = [each for each in verdict(row).causes if each.id == "autovacuum_off_for_table"]
    assert cause.remedies[0].statements[0] == f'ALTER TABLE public."Order Lines" RESET ({options})'
