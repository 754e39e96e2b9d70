"""Queues of sessions by hand-written rows: who is the root, how bad it is, and what it explains."""

from dataclasses import replace

import pytest

from housecall.diagnosis.checks.postgresql._blocking import hot_rows, one_line, trees_of
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.finding import Finding, Severity
from housecall.engines.postgresql.rows.connections import SessionGroup, UpkeepSettings
from housecall.engines.postgresql.rows.sessions import AdvisoryHolder, Session
from housecall.engines.postgresql.rows.transactions import PreparedTransaction
from housecall.testing import row_of, snapshot_of

SETTINGS = row_of(
    UpkeepSettings, max_connections=100, superuser_reserved_connections=3, autovacuum=True, track_counts=True,
    autovacuum_max_workers=3, autovacuum_naptime_seconds=60.0, autovacuum_freeze_max_age=200_000_000,
    autovacuum_multixact_freeze_max_age=400_000_000, default_isolation="read committed",
)  # fmt: skip


def session(pid: int, **values: object) -> Session:
    known = {
        "backend_type": "client backend",
        "visible": True,
        "database": "shop",
        "user_name": "app",
        "session_total": 20,
    }
    return row_of(Session, pid=pid, **{**known, **values})


def idle(pid: int, seconds: float = 30.0, **values: object) -> Session:
    return session(
        pid, state="idle in transaction", state_seconds=seconds, transaction_seconds=seconds, application="checkout",
        statement="UPDATE orders SET total = 1", **values,
    )  # fmt: skip


def running(pid: int, seconds: float = 30.0, **values: object) -> Session:
    return session(
        pid, state="active", transaction_seconds=seconds, statement_seconds=seconds, statement="SELECT 1", **values
    )


def waiter(pid: int, *blocked_by: int, seconds: float = 10.0, **values: object) -> Session:
    known = {"lock_type": "transactionid", "lock_mode": "ShareLock", "lock_relation": "public.orders"}
    return running(pid, seconds, **{**known, "blocked_by": list(blocked_by), "wait_seconds": seconds, **values})


def found(diagnosis: Diagnosis, check: str) -> list[Finding]:
    return [each for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def verdict(*rows: object) -> Diagnosis:
    return diagnose(snapshot_of(SETTINGS, *rows))


def causes(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(each.id, each.object) for each in diagnosis.causes]


class TestTrees:
    def test_a_chain_has_one_root_and_everybody_behind_it_as_waiters(self) -> None:
        (tree,) = trees_of([idle(1), waiter(2, 1), waiter(3, 2), waiter(4, 3, 2)])
        assert (tree.root_pid, {each.pid for each in tree.waiters}) == (1, {2, 3, 4})

    def test_two_roots_of_one_waiter_are_two_trees(self) -> None:
        assert {tree.root_pid for tree in trees_of([idle(1), idle(2), waiter(3, 1, 2)])} == {1, 2}

    def test_a_cycle_has_no_root_and_does_not_hang(self) -> None:
        assert trees_of([waiter(1, 2), waiter(2, 1)]) == ()

    def test_a_blocker_that_is_gone_from_the_list_is_nobody(self) -> None:
        assert trees_of([waiter(2, 99)]) == ()

    def test_a_statement_is_cut_to_one_line(self) -> None:
        assert one_line("SELECT 1,\n  2", 9) == "SELECT 1…"


class TestSeverity:
    @pytest.mark.parametrize(
        ("waits", "severity"),
        [
            ([0.9], Severity.INFO),
            ([1.0], Severity.NOTICE),
            ([1.5], Severity.NOTICE),
            ([4.9], Severity.NOTICE),
            ([5.0], Severity.WARNING),
            ([2.0, 1.0], Severity.WARNING),
            ([1.9, 1.0], Severity.NOTICE),
            ([59.0], Severity.WARNING),
            ([60.0], Severity.CRITICAL),
            ([5.0] * 9, Severity.WARNING),
            ([5.0] * 10, Severity.CRITICAL),
        ],
    )
    def test_grows_with_time_and_queue_of_blocked_sessions(self, waits: list[float], severity: Severity) -> None:
        waiters = [waiter(10 + number, 1, seconds=seconds) for number, seconds in enumerate(waits)]
        diagnosis = verdict(idle(1), *waiters)
        assert [each.severity for each in found(diagnosis, "blocked_sessions")] == [severity]
        blamed = [each.severity for each in diagnosis.causes if each.id == "idle_in_transaction_blocker"]
        assert blamed == ([] if severity is Severity.INFO else [severity])

    def test_a_look_at_which_nobody_else_works_leaves_some_weight_to_other_work(self) -> None:
        waiters = [replace(waiter(10 + number, 1, seconds=9.0), wait_event_type="Lock") for number in range(3)]
        (cause,) = [each for each in verdict(idle(1), *waiters).causes if each.id == "idle_in_transaction_blocker"]
        assert cause.holds_up == 0.75

    @pytest.mark.parametrize(("seconds", "count"), [(59.0, 0), (60.0, 1)])
    def test_idle_in_transaction_is_told_from_a_minute_on(self, seconds: float, count: int) -> None:
        assert len(found(verdict(idle(1, seconds)), "idle_in_transaction")) == count

    @pytest.mark.parametrize(
        ("seconds", "expected"), [(299.0, []), (300.0, [Severity.NOTICE]), (1800.0, [Severity.WARNING])]
    )
    def test_idle_transaction_that_blocks_nobody_is_a_cause_only_after_long(
        self, seconds: float, expected: list
    ) -> None:
        assert [each.severity for each in verdict(idle(1, seconds)).causes] == expected

    @pytest.mark.parametrize(("seconds", "count"), [(599.0, 0), (600.0, 1)])
    def test_long_transactions_are_a_notice(self, seconds: float, count: int) -> None:
        told = found(verdict(running(1, seconds)), "long_transactions")
        assert [each.severity for each in told] == [Severity.NOTICE] * count

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [(59.0, []), (60.0, [Severity.INFO]), (299.0, [Severity.INFO]), (300.0, [Severity.NOTICE])],
    )
    def test_long_queries_are_told_but_nobody_is_called(self, seconds: float, expected: list[Severity]) -> None:
        assert [each.severity for each in found(verdict(running(1, seconds)), "long_queries")] == expected


class TestRoots:
    @pytest.mark.parametrize("holder", [idle(1, 120.0), running(1, 120.0)])
    @pytest.mark.parametrize("lock", ["relation", "tuple", "transactionid"])
    def test_a_blocker_in_another_database_is_told_by_that_database(self, holder: Session, lock: str) -> None:
        (cause,) = verdict(
            replace(holder, database="warehouse"),
            waiter(2, 1, lock_type=lock, lock_relation=None, database="warehouse"),
        ).causes
        assert cause.object == "pid 1"
        assert "blocks 1 session on a table of database warehouse." in cause.summary.render("en")
        assert "在数据库 warehouse 的一张表上阻塞了 1 个会话" in cause.summary.render("zh-CN")

    @pytest.mark.parametrize("holder", [idle(1, 120.0), running(1, 120.0)])
    def test_a_blocker_in_this_database_is_told_by_its_table_or_without(self, holder: Session) -> None:
        here = verdict(holder, waiter(2, 1, lock_relation="public.orders")).causes[0].summary
        unseen = verdict(holder, waiter(2, 1, lock_relation=None)).causes[0].summary
        assert "blocks 1 session on public.orders." in here.render("en")
        assert unseen.render("en").endswith("blocks 1 session.")

    def test_a_schema_change_in_another_database_is_told_by_that_database(self) -> None:
        there = {"database": "warehouse", "lock_type": "relation", "lock_relation": None}
        diagnosis = verdict(
            idle(1, 120.0, database="warehouse"),
            waiter(2, 1, lock_mode="AccessExclusiveLock", **there),
            waiter(3, 2, lock_mode="AccessShareLock", **there),
        )
        assert causes(diagnosis) == [("ddl_lock_queue", "pid 1")]
        assert "keeps a table of database warehouse locked" in diagnosis.causes[0].summary.render("en")
        (queue,) = found(diagnosis, "ddl_lock_queue")
        assert "on a table of database warehouse (pid 2)" in queue.message.render("en")
        assert queue.object == "pid 2"

    def test_idle_transaction_is_the_cause_and_victims_are_not(self) -> None:
        diagnosis = verdict(idle(4711, 120.0), waiter(2, 4711), waiter(3, 2))
        assert causes(diagnosis) == [("idle_in_transaction_blocker", "pid 4711")]
        (cause,) = diagnosis.causes
        (statement,) = cause.remedies[0].statements
        assert statement.startswith("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity")
        assert "WHERE pid = 4711 AND state IN ('idle in transaction'" in statement
        assert statement.endswith("AND xact_start <= clock_timestamp() - interval '120 seconds'")
        assert all("pg_terminate_backend(2)" not in each for remedy in cause.remedies for each in remedy.statements)

    @pytest.mark.parametrize(
        ("event", "cause_id", "guard"),
        [
            ("ClientRead", "idle_in_transaction_blocker", "pid = 9 AND wait_event = 'ClientRead' AND backend_start <="),
            ("DataFileRead", "long_transaction_blocker", "pid = 9 AND backend_start <="),
        ],
    )
    def test_where_activities_are_not_tracked_the_wait_tells_who_does_nothing(
        self, event: str, cause_id: str, guard: str
    ) -> None:
        holder = session(
            9, state="disabled", wait_event_type="Client", wait_event=event, session_seconds=70.9, has_written=True,
            statement="",
        )  # fmt: skip
        (cause,) = verdict(holder, waiter(2, 9)).causes
        assert (cause.id, cause.object) == (cause_id, "pid 9")
        (statement,) = cause.remedies[0].statements
        assert guard in statement
        assert statement.endswith("interval '70 seconds'")
        assert not any("``" in each.render() or "None" in each.render() for each in cause.because)

    def test_running_transaction_is_cancelled_not_terminated(self) -> None:
        (cause,) = verdict(running(1, 90.0), waiter(2, 1), waiter(3, 1)).causes
        assert (cause.id, cause.object) == ("long_transaction_blocker", "pid 1")
        assert "pg_cancel_backend" in cause.remedies[0].statements[0]

    def test_schema_change_in_the_middle_makes_the_transaction_before_it_the_root(self) -> None:
        ddl = waiter(2, 1, lock_type="relation", lock_mode="AccessExclusiveLock")
        behind = [waiter(pid, 2, lock_type="relation", lock_mode="AccessShareLock") for pid in (3, 4)]
        diagnosis = verdict(idle(1), ddl, *behind)
        assert causes(diagnosis) == [("ddl_lock_queue", "pid 1")]
        assert [each.object for each in found(diagnosis, "ddl_lock_queue")] == ["public.orders"]

    def test_work_in_progress_is_not_lost_for_a_schema_change(self) -> None:
        ddl = waiter(2, 1, lock_type="relation", lock_mode="AccessExclusiveLock")
        (cause,) = verdict(running(1), ddl, waiter(3, 2, lock_type="relation")).causes
        assert (
            "pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = 2" in cause.remedies[0].statements[0]
        )

    def test_readers_before_one_schema_change_are_one_cause(self) -> None:
        ddl = waiter(3, 1, 2, lock_type="relation", lock_mode="AccessExclusiveLock")
        diagnosis = verdict(idle(1, 20.0), idle(2, 90.0), ddl, waiter(4, 3, lock_type="relation"))
        assert causes(diagnosis) == [("ddl_lock_queue", "pid 2")]

    def test_schema_change_that_nobody_queues_behind_is_an_ordinary_wait(self) -> None:
        diagnosis = verdict(idle(1), waiter(2, 1, lock_type="relation", lock_mode="AccessExclusiveLock"))
        assert causes(diagnosis) == [("idle_in_transaction_blocker", "pid 1")]
        assert found(diagnosis, "ddl_lock_queue") == []

    def test_vacuum_against_wraparound_is_left_to_finish(self) -> None:
        vacuum = running(1, backend_type="autovacuum worker")
        (cause,) = verdict(vacuum, waiter(2, 1, lock_type="relation", lock_mode="AccessExclusiveLock")).causes
        assert cause.id == "long_transaction_blocker"
        assert cause.remedies[0].statements == ()

    def test_prepared_transaction_is_found_by_the_transaction_that_is_waited_for(self) -> None:
        prepared = [
            row_of(PreparedTransaction, gid=gid, xid=xid, age_seconds=60.0, database="shop")
            for gid, xid in (("a", 1), ("b", 2))
        ]
        diagnosis = verdict(waiter(2, 0, lock_xid=2), *prepared)
        assert [each.object for each in found(diagnosis, "blocked_sessions")] == ["b"]
        assert diagnosis.causes[0].id == "orphan_prepared_transaction"
        assert diagnosis.causes[0].remedies[0].statements == ("ROLLBACK PREPARED 'b'",)

    def test_hidden_root_is_named_with_low_confidence_and_said_to_be_hidden(self) -> None:
        hidden = session(1, visible=False)
        diagnosis = verdict(hidden, waiter(2, 1), waiter(3, 1))
        assert causes(diagnosis) == [("long_transaction_blocker", "pid 1")]
        assert diagnosis.causes[0].confidence <= 0.5
        assert "postgresql.blocked_sessions" in {each.check for each in diagnosis.not_evaluated}

    def test_every_check_that_needs_states_says_that_they_are_hidden(self) -> None:
        holder = row_of(AdvisoryHolder, pid=1, locks=1, keys=["1"], waiters=1)
        diagnosis = diagnose(snapshot_of(SETTINGS, holder, session(1, visible=False), samples=[[]] * 3))
        missed = {each.check.removeprefix("postgresql.") for each in diagnosis.not_evaluated}
        assert {"idle_in_transaction", "long_transactions", "long_queries", "wait_events", "advisory_locks"} <= missed

    def test_fingerprint_survives_another_process_id(self) -> None:
        first, second = (found(verdict(idle(pid), waiter(9, pid)), "blocked_sessions")[0] for pid in (1, 2))
        assert first.fingerprint == second.fingerprint
        assert first.object != second.object


class TestHotRow:
    def looks(self, *roots: int, waiters: int = 4, seconds: float = 0.1, wait: float = 0.05) -> list[list[Session]]:
        return [
            [running(root, seconds), *(waiter(100 + each, root, seconds=wait) for each in range(waiters))]
            for root in roots
        ]

    def verdict(self, looks: list[list[Session]]) -> Diagnosis:
        return diagnose(snapshot_of(SETTINGS, *looks[-1], samples=looks))

    def test_row_that_changes_hands_is_a_hot_row_and_nobody_is_blamed(self) -> None:
        assert causes(self.verdict(self.looks(1, 2, 3))) == [("hot_row", "public.orders")]

    def test_one_holder_all_the_time_is_to_blame_itself(self) -> None:
        assert [each.id for each in self.verdict(self.looks(1, 1, 1, wait=2.0)).causes] == ["long_transaction_blocker"]

    @pytest.mark.parametrize(("waiters", "rows"), [(2, 0), (3, 1)])
    def test_takes_three_waiters(self, waiters: int, rows: int) -> None:
        looks = self.looks(1, 2, 3, waiters=waiters)
        assert len(hot_rows(snapshot_of(SETTINGS, *looks[-1], samples=looks))) == rows

    def test_two_old_holders_are_no_hot_row(self) -> None:
        looks = self.looks(1, 2, seconds=60.0)
        assert hot_rows(snapshot_of(SETTINGS, *looks[-1], samples=looks)) == ()

    def advisory(self, *roots: int, seconds: float = 0.1) -> list[list[Session]]:
        return [
            [
                running(root, seconds),
                *(waiter(100 + n, root, lock_type="advisory", lock_row="7", lock_relation=None) for n in range(4)),
            ]
            for root in roots
        ]

    def test_advisory_lock_that_changes_hands_has_no_culprit(self) -> None:
        verdict = self.verdict(self.advisory(1, 2, 3))
        assert causes(verdict) == [("hot_row", "advisory lock 7")]
        assert "SKIP LOCKED" in verdict.causes[0].remedies[1].title.render()

    def test_one_holder_of_an_advisory_lock_is_to_blame_itself(self) -> None:
        assert "hot_row" not in [each.id for each in self.verdict(self.advisory(1, 1, 1, seconds=60.0)).causes]


class TestAdvisoryLocks:
    def holder(self, **values: object) -> AdvisoryHolder:
        known = {
            "pid": 1,
            "state": "idle",
            "state_seconds": 10.0,
            "locks": 1,
            "keys": ["42"],
            "waiters": 1,
            "user_name": "cron",
        }
        return row_of(AdvisoryHolder, **{**known, **values})

    @pytest.mark.parametrize(
        ("values", "severity"),
        [
            ({"state_seconds": 5.0}, Severity.WARNING),
            ({"state_seconds": 4.9}, Severity.NOTICE),
            ({"waiters": 0, "state_seconds": 300.0}, Severity.INFO),
            ({"waiters": 0, "locks": 1000}, Severity.WARNING),
        ],
    )
    def test_severity_of_advisory_locks(self, values: dict, severity: Severity) -> None:
        assert [each.severity for each in found(verdict(self.holder(**values)), "advisory_locks")] == [severity]

    @pytest.mark.parametrize(
        "values",
        [{"state": "active"}, {"waiters": 0, "state_seconds": 299.0}, {"waiters": 0, "locks": 999}, {"state": None}],
    )
    def test_busy_or_young_holders_are_no_finding(self, values: dict) -> None:
        assert found(verdict(self.holder(**values)), "advisory_locks") == []

    def test_leak_is_one_cause_with_its_queue(self) -> None:
        root = session(1, state="idle", state_seconds=10.0)
        diagnosis = verdict(self.holder(), root, waiter(2, 1, lock_type="advisory", lock_relation=None))
        assert causes(diagnosis) == [("advisory_lock_leak", "pid 1")]


class TestWaitEvents:
    def verdict(self, *events: str | None, looks: int = 3) -> Diagnosis:
        look = [
            session(number, state="active", wait_event=event, wait_event_type="LWLock" if event else None)
            for number, event in enumerate(events)
        ]
        return diagnose(snapshot_of(SETTINGS, *look, samples=[look] * looks))

    def test_share_of_active_sessions_names_the_wait(self) -> None:
        diagnosis = self.verdict("LockManager", None, None, None, None)
        assert [each.object for each in found(diagnosis, "wait_events")] == ["LWLock:LockManager"]
        assert [each.id for each in diagnosis.causes] == ["lock_manager_contention"]

    def test_less_than_a_fifth_or_too_few_sessions_are_chance(self) -> None:
        assert found(self.verdict("LockManager", *[None] * 5), "wait_events") == []
        assert found(self.verdict("LockManager", "LockManager"), "wait_events") == []

    def test_two_looks_are_not_enough_and_said_so(self) -> None:
        diagnosis = self.verdict(*["LockManager"] * 5, looks=2)
        assert "postgresql.wait_events" in {each.check for each in diagnosis.not_evaluated}


def test_pool_that_is_full_because_most_of_it_waits_is_a_symptom() -> None:
    waiters = [waiter(10 + each, 1, session_total=90) for each in range(60)]
    group = row_of(SessionGroup, user_name="app", application="api", state="active", sessions=90, session_total=90)
    diagnosis = verdict(replace(idle(1), session_total=90), *waiters, group)
    assert causes(diagnosis) == [("idle_in_transaction_blocker", "pid 1")]
    assert diagnosis.causes[0].symptoms == ("connection_saturation: server",)


def test_no_timeouts_is_hygiene_and_a_role_with_its_own_counts() -> None:
    assert [each.severity for each in found(verdict(), "no_timeouts")] == [Severity.INFO]
    override = replace(SETTINGS, overrides=["app/*: idle_in_transaction_session_timeout=60s"])
    assert found(diagnose(snapshot_of(override)), "no_timeouts") == []


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("REFRESH MATERIALIZED VIEW board", "CONCURRENTLY"),
        ("create unique index i on t (a)", "CREATE INDEX CONCURRENTLY"),
        ("REINDEX TABLE t", "REINDEX"),
        ("VACUUM (ANALYZE, FULL) t", "pg_repack"),
        ("CLUSTER t USING i", "pg_repack"),
        ("LOCK TABLE t IN EXCLUSIVE MODE", "FOR UPDATE"),
        ('ALTER TABLE "T" ADD CONSTRAINT c CHECK (a > 0)', "NOT VALID"),
        ("alter table t\n add foreign key (a) references u", "VALIDATE CONSTRAINT"),
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", "CHECK (column IS NOT NULL) NOT VALID"),
        ("ALTER TABLE t ALTER a TYPE bigint", "new type"),
        ("ALTER TABLE t ADD COLUMN checked boolean", "statement_timeout"),
        ("REINDEX TABLE CONCURRENTLY t", "statement_timeout"),
        ("SELECT clustered FROM t", "statement_timeout"),
    ],
)
def test_maintenance_that_blocks_has_a_gentler_way(statement: str, word: str) -> None:
    root = replace(running(1, 30.0), statement=statement)
    diagnosis = verdict(root, *(waiter(number, 1, seconds=20.0) for number in (2, 3)))
    (cause,) = [each for each in diagnosis.causes if each.id == "long_transaction_blocker"]
    assert word in cause.remedies[1].title.render()
