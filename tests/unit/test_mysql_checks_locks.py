"""Locks of MySQL and MariaDB by hand-written rows: who is the root of a queue, how bad it is, and what it explains."""

from dataclasses import replace

import pytest

from housecall.diagnosis.checks.mysql._blocking import blocking_trees
from housecall.diagnosis.checks.mysql._statement_text import is_flush, is_strong, tables_of
from housecall.diagnosis.finding import Severity
from housecall.engines.mysql.rows.innodb import InnodbStatus, parse_innodb_status
from housecall.engines.mysql.rows.server import InnodbMetric
from housecall.engines.mysql.rows.sessions import (
    DetachedTransaction,
    HeldMetadataLock,
    LockWait,
    MetadataLock,
    PreparedTransaction,
    Session,
    UserLockWait,
)
from housecall.engines.mysql.rows.tables import ForeignEngineTable
from housecall.testing import row_of
from housecall.testing_mysql_rows import (
    causes,
    counters,
    found,
    idle,
    metadata_waiter,
    row_waiter,
    running,
    session,
    snapshot,
    stuck,
    variables,
    verdict,
    wait,
)

ALTER = "ALTER TABLE orders ADD COLUMN b INT"
SELECT = "SELECT * FROM orders"
TABLE = "Waiting for table level lock"
GLOBAL = "Waiting for global read lock"
NO_ROW_HOLDERS = ("lock_waits",)


def metadata(
    number: int, mode: str, *, granted: bool, kind: str = "TABLE", name: str | None = "orders"
) -> MetadataLock:
    schema = "shop" if kind == "TABLE" else None
    return MetadataLock(kind, schema, name, mode, "TRANSACTION", granted, number)


def held(number: int, mode: str, kind: str = "Table metadata lock", table: str = "orders") -> HeldMetadataLock:
    return HeldMetadataLock(number, f"MDL_{mode}", kind, "shop", table)


class TestStatementText:
    @pytest.mark.parametrize(
        ("statement", "tables"),
        [
            ("SELECT * FROM orders o JOIN `Order Lines` l ON l.o = o.id", ("shop.orders", "shop.`Order Lines`")),
            ("UPDATE other.t SET a = 1", ("other.t",)),
            ("TRUNCATE TABLE t", ("shop.t",)),
            ("TRUNCATE t", ("shop.t",)),
            ("CREATE INDEX i ON t (a)", ("shop.t",)),
            ("DROP TABLE IF EXISTS a, b", ("shop.a", "shop.b")),
            ("INSERT INTO t VALUES ('FROM x')", ("shop.t",)),
            ("/* FROM x */ SELECT 1", ()),
        ],
    )
    def test_names_the_tables_of_a_statement(self, statement: str, tables: tuple[str, ...]) -> None:
        assert tables_of(statement, "shop") == tables

    def test_tells_what_needs_a_whole_table_or_the_whole_server(self) -> None:
        assert is_strong("-- nightly\nALTER TABLE t ADD a INT")
        assert is_strong("create unique index i on t (a)")
        assert not is_strong("SELECT 'ALTER TABLE t'")
        assert is_flush("FLUSH TABLES WITH READ LOCK")
        assert not is_flush("FLUSH STATUS")


class TestRowLocks:
    def test_a_chain_has_one_root_and_everybody_behind_it_as_victims(self) -> None:
        now = snapshot(idle(1), row_waiter(2), row_waiter(3), wait(2, 1), wait(3, 1), wait(3, 2))
        (tree,) = blocking_trees(now)
        assert (tree.root_id, tree.waiters, tree.kind) == (1, (2, 3), "idle_in_transaction")

    def test_a_ring_has_no_root_and_does_not_hang(self) -> None:
        assert blocking_trees(snapshot(row_waiter(1), row_waiter(2), wait(1, 2), wait(2, 1))) == ()

    @pytest.mark.parametrize(
        ("waits", "severity"),
        [
            ([1.0], None),
            ([2.0], Severity.NOTICE),
            ([4.0], Severity.NOTICE),
            ([5.0], Severity.WARNING),
            ([2.0, 1.0], Severity.WARNING),
            ([1.0, 1.0], None),
            ([59.0], Severity.WARNING),
            ([60.0], Severity.CRITICAL),
            ([5.0] * 9, Severity.WARNING),
            ([5.0] * 10, Severity.CRITICAL),
        ],
    )
    def test_blocked_sessions_grow_worse_with_time_and_queue(self, waits: list[float], severity: Severity) -> None:
        rows = [row for at, seconds in enumerate(waits, 10) for row in (row_waiter(at, seconds), wait(at, 1, seconds))]
        diagnosis = verdict(idle(1), *rows)
        assert [each.severity for each in found(diagnosis, "blocked_sessions")] == ([severity] if severity else [])
        assert causes(diagnosis) == ([("idle_in_transaction_blocker", "session 1")] if severity else [])

    def test_a_running_transaction_is_told_from_an_idle_one(self) -> None:
        holder = running(1, transaction_seconds=30.0, rows_locked=5)
        assert causes(verdict(holder, row_waiter(2), wait(2, 1))) == [("long_transaction_blocker", "session 1")]

    def test_an_xa_transaction_is_named_and_offered_both_ends_after_asking(self) -> None:
        prepared = PreparedTransaction(1, 3, 2, "abcde")
        diagnosis = verdict(row_waiter(2), wait(2, 0), prepared, DetachedTransaction("9", 700.0, 1, 1))
        (cause,) = diagnosis.causes
        assert (cause.id, cause.object) == ("orphan_prepared_transaction", "abc")
        assert [each.statements for each in cause.remedies] == [
            ("XA ROLLBACK 'abc', 'de';",), ("XA COMMIT 'abc', 'de';",)
        ]  # fmt: skip

    def test_without_the_servers_word_the_only_older_transaction_is_blamed_with_less_confidence(self) -> None:
        diagnosis = verdict(idle(1), row_waiter(2), unavailable=NO_ROW_HOLDERS)
        (cause,) = diagnosis.causes
        assert (cause.id, cause.object, cause.confidence) == ("idle_in_transaction_blocker", "session 1", 0.7)
        assert "mysql.blocked_sessions" in {each.check for each in diagnosis.not_evaluated}

    @pytest.mark.parametrize("holder", [idle(1), running(1, transaction_seconds=30.0, rows_locked=5), idle(1, 5.0)])
    def test_a_queue_whose_table_nobody_names_is_told_without_one(self, holder: Session) -> None:
        waiter = row_waiter(2, statement="CALL close_the_day()")
        (cause,) = verdict(holder, waiter, unavailable=NO_ROW_HOLDERS).causes
        assert "1 session" in cause.summary.render("en")
        assert "?" not in cause.summary.render("en") + cause.summary.render("zh-CN")

    def test_with_several_older_transactions_the_oldest_is_blamed_and_the_doubt_told(self) -> None:
        diagnosis = verdict(idle(1, 60.0), idle(4), row_waiter(2), unavailable=NO_ROW_HOLDERS)
        (cause,) = diagnosis.causes
        assert (cause.object, cause.confidence) == ("session 1", 0.5)

    def test_a_transaction_younger_than_the_wait_is_never_blamed(self) -> None:
        (cause,) = verdict(idle(1, 5.0), row_waiter(2, 10.0), unavailable=NO_ROW_HOLDERS).causes
        assert (cause.id, cause.object) == ("long_transaction_blocker", "shop.orders")
        assert cause.confidence < 0.5

    def test_the_report_of_innodb_names_what_a_session_waits_for(self) -> None:
        report = (
            "---\nTRANSACTIONS\n---\n---TRANSACTION 1879, ACTIVE 1 sec\nMySQL thread id 52, OS thread handle 1, query\n"
            "UPDATE t\n------- TRX HAS BEEN WAITING 1 SEC FOR THIS LOCK TO BE GRANTED:\n"
            "RECORD LOCKS space id 13 page no 4 n bits 72 index PRIMARY of table `app`.`t x` trx id 1879 waiting\n"
            "---TRANSACTION 1878, ACTIVE 1 sec\nMySQL thread id 51, OS thread handle 2\n"
        )
        assert parse_innodb_status(report).lock_waits == ["52\tapp\tt x\tPRIMARY"]


class TestMetadataLocks:
    def test_the_reader_in_front_of_a_schema_change_is_the_root(self) -> None:
        diagnosis = verdict(
            idle(1, rows_locked=0), metadata_waiter(2, ALTER), metadata_waiter(3, SELECT),
            metadata(1, "SHARED_READ", granted=True), metadata(2, "SHARED_UPGRADABLE", granted=True),
            metadata(2, "EXCLUSIVE", granted=False), metadata(3, "SHARED_READ", granted=False),
        )  # fmt: skip
        (cause,) = diagnosis.causes
        assert (cause.id, cause.object, cause.confidence) == ("ddl_lock_queue", "session 1", 0.95)
        assert [each.statements for each in cause.remedies[:2]] == [("KILL CONNECTION 1;",), ("KILL QUERY 2;",)]
        (queue,) = found(diagnosis, "ddl_lock_queue")
        assert (queue.object, queue.severity) == ("shop.orders", Severity.WARNING)

    def test_the_plugin_of_mariadb_tells_the_holder_too(self) -> None:
        diagnosis = verdict(
            idle(1, rows_locked=0), idle(9, 90.0), metadata_waiter(2, ALTER), metadata_waiter(3, SELECT),
            held(1, "SHARED_READ"), held(2, "SHARED_UPGRADABLE"), flavour="mariadb",
        )  # fmt: skip
        (cause,) = [each for each in diagnosis.causes if each.id == "ddl_lock_queue"]
        assert (cause.object, cause.confidence) == ("session 1", 0.95)

    def test_without_either_the_open_transaction_is_inferred_and_the_schema_change_ended_first(self) -> None:
        diagnosis = verdict(idle(1), metadata_waiter(2, ALTER), metadata_waiter(3, SELECT), flavour="mariadb")
        (cause,) = diagnosis.causes
        assert (cause.id, cause.object, cause.confidence) == ("ddl_lock_queue", "session 1", 0.7)
        assert cause.remedies[0].statements == ("KILL QUERY 2;",)

    @pytest.mark.parametrize(
        ("seconds", "behind", "severity"),
        [
            (1.0, True, None),
            (2.0, True, Severity.WARNING),
            (29.0, True, Severity.WARNING),
            (30.0, True, Severity.CRITICAL),
            (2.0, False, Severity.NOTICE),
            (9.0, False, Severity.NOTICE),
            (10.0, False, Severity.WARNING),
        ],
    )
    def test_ddl_lock_queue_is_as_bad_as_what_stands_behind_it(
        self, seconds: float, behind: bool, severity: Severity
    ) -> None:
        visitor = [metadata_waiter(3, SELECT, 1.0)] if behind else []
        told = found(verdict(idle(1, 60.0), metadata_waiter(2, ALTER, seconds), *visitor), "ddl_lock_queue")
        assert [each.severity for each in told] == ([severity] if severity else [])

    def test_lock_tables_is_told_by_the_mode_that_is_held(self) -> None:
        diagnosis = verdict(
            session(1, seconds=30.0), metadata_waiter(2, SELECT), metadata(1, "SHARED_NO_READ_WRITE", granted=True),
            metadata(2, "SHARED_READ", granted=False),
        )  # fmt: skip
        assert causes(diagnosis) == [("table_level_locking", "shop.orders")]


class TestWholeTablesAndServers:
    def test_a_long_read_of_a_myisam_table_is_table_level_locking_of_the_table(self) -> None:
        table = ForeignEngineTable("shop", "orders", "MyISAM", 100, 8192, 1)
        diagnosis = verdict(
            running(1, statement=SELECT), stuck(2, TABLE, "UPDATE orders SET a = 1"), stuck(3, TABLE, SELECT), table
        )
        (cause,) = diagnosis.causes
        assert (cause.id, cause.object) == ("table_level_locking", "shop.orders")
        assert cause.remedies[0].statements == ("ALTER TABLE shop.orders ENGINE = InnoDB;",)

    @pytest.mark.parametrize(
        ("waited", "at_once", "window", "severity"),
        [
            (0, 100, 0, None),
            (1, 100, 0, Severity.NOTICE),
            (19, 100, 0, Severity.NOTICE),
            (20, 100, 0, Severity.WARNING),
            (20, 1000, 0, Severity.NOTICE),
            (1, 100, 1, Severity.WARNING),
        ],
    )
    def test_table_lock_waits_by_count_share_and_presence(
        self, waited: int, at_once: int, window: int, severity: Severity
    ) -> None:
        table = ForeignEngineTable("shop", "logs", "Aria", 100, 8192, 1)
        earlier = snapshot(*counters(Table_locks_waited=waited - window, Table_locks_immediate=at_once))
        diagnosis = verdict(
            table,
            *counters(Table_locks_waited=waited, Table_locks_immediate=at_once),
            earlier=earlier,
            taken_seconds=1.2,
        )
        assert [each.severity for each in found(diagnosis, "table_lock_waits")] == ([severity] if severity else [])

    def test_the_holder_of_the_global_read_lock_is_told(self) -> None:
        diagnosis = verdict(
            session(1, seconds=40.0), stuck(2, GLOBAL, "UPDATE orders SET a = 1"),
            metadata(1, "SHARED", granted=True, kind="GLOBAL", name=None),
        )  # fmt: skip
        assert causes(diagnosis) == [("global_read_lock", "session 1")]
        assert found(diagnosis, "global_read_lock")

    @pytest.mark.parametrize("statement", [ALTER, "TRUNCATE TABLE orders", "DROP TABLE orders"])
    @pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
    def test_a_schema_change_behind_a_backup_lock_is_a_victim(self, statement: str, flavour: str) -> None:
        holds = {
            "mysql": metadata(1, "SHARED", granted=True, kind="BACKUP LOCK", name=None),
            "mariadb": held(1, "BACKUP_WAIT_DDL", "Backup lock", ""),
        }
        waiters = [stuck(2, "Waiting for backup lock", statement, 20.0), stuck(3, "Waiting for backup lock", ALTER)]
        (cause,) = verdict(session(1, seconds=40.0), *waiters, holds[flavour], flavour=flavour).causes
        assert (cause.id, cause.object) == ("global_read_lock", "session 1")
        assert [each.statements for each in cause.remedies if each.statements] == [("KILL CONNECTION 1;",)]
        assert "waits itself" not in " ".join(each.render("en") for each in cause.because)

    @pytest.mark.parametrize(("seconds", "count"), [(9.0, 0), (10.0, 1)])
    def test_global_read_lock_that_nobody_waits_for_is_a_finding_after_ten_seconds(
        self, seconds: float, count: int
    ) -> None:
        lock = held(1, "BACKUP_FTWRL2", "Backup lock", "")
        diagnosis = verdict(session(1, seconds=seconds), lock, flavour="mariadb")
        assert (len(found(diagnosis, "global_read_lock")), causes(diagnosis)) == (count, [])

    def test_without_the_servers_word_who_fell_asleep_just_before_is_blamed(self) -> None:
        others = [session(5, seconds=900.0), session(6, seconds=1.0)]
        waiter = stuck(2, "Waiting for backup lock", "UPDATE orders SET a = 1", 20.0)
        (cause,) = verdict(session(1, seconds=21.0), *others, waiter, flavour="mariadb").causes
        assert (cause.id, cause.object, cause.confidence) == ("global_read_lock", "session 1", 0.7)

    def test_without_any_hint_the_server_is_named_and_no_session_is_ended(self) -> None:
        others = [session(5, seconds=900.0), session(6, seconds=800.0)]
        (cause,) = verdict(*others, stuck(2, GLOBAL, "UPDATE orders SET a = 1")).causes
        assert (cause.id, cause.object) == ("global_read_lock", "server")
        assert not any(each.statements for each in cause.remedies)

    def test_a_flush_that_waits_for_a_long_statement_is_what_stops_everybody(self) -> None:
        diagnosis = verdict(
            running(1, 40.0), stuck(2, "Waiting for table flush", "FLUSH TABLES WITH READ LOCK", 20.0),
            stuck(3, GLOBAL, "UPDATE orders SET a = 1"),
        )  # fmt: skip
        assert causes(diagnosis) == [("global_read_lock", "session 2")]


class TestAdvisoryLocks:
    @pytest.mark.parametrize(
        ("asleep", "waited", "severity"), [(30.0, 4.0, Severity.NOTICE), (30.0, 5.0, Severity.WARNING)]
    )
    def test_advisory_locks_of_a_sleeper_that_others_wait_for(
        self, asleep: float, waited: float, severity: Severity
    ) -> None:
        waiter = stuck(2, "User lock", "SELECT GET_LOCK('job', 60)", waited)
        diagnosis = verdict(session(1, seconds=asleep), waiter, UserLockWait(2, 1, "job", waited))
        assert [each.severity for each in found(diagnosis, "advisory_locks")] == [severity]
        assert causes(diagnosis) == [("advisory_lock_leak", "session 1")]

    def test_a_lock_that_is_worked_under_is_its_purpose(self) -> None:
        waiter = stuck(2, "User lock", "SELECT GET_LOCK('job', 60)")
        diagnosis = verdict(running(1), waiter, UserLockWait(2, 1, "job", 10.0))
        assert found(diagnosis, "advisory_locks") == []
        assert causes(diagnosis) == []

    @pytest.mark.parametrize(("seconds", "count"), [(299.0, 0), (300.0, 1)])
    def test_a_lock_that_nobody_wants_is_a_line_after_five_minutes(self, seconds: float, count: int) -> None:
        lock = metadata(1, "EXCLUSIVE", granted=True, kind="USER LEVEL LOCK", name="leader")
        diagnosis = verdict(session(1, seconds=seconds), lock)
        assert [each.severity for each in found(diagnosis, "advisory_locks")] == [Severity.INFO] * count
        assert causes(diagnosis) == []


class TestTime:
    @pytest.mark.parametrize(
        ("seconds", "severities"),
        [
            (59.0, []),
            (60.0, [Severity.INFO]),
            (300.0, [Severity.NOTICE]),
            (1800.0, [Severity.WARNING]),
        ],
    )
    def test_idle_in_transaction_that_blocks_nobody_is_a_cause_only_after_long(
        self, seconds: float, severities: list[Severity]
    ) -> None:
        diagnosis = verdict(idle(1, seconds))
        assert [each.severity for each in found(diagnosis, "idle_in_transaction")] == severities
        expected = [each for each in severities if each is not Severity.INFO]
        assert [each.severity for each in diagnosis.causes] == expected

    @pytest.mark.parametrize(("seconds", "count"), [(599.0, 0), (600.0, 1)])
    def test_long_transactions_are_a_notice(self, seconds: float, count: int) -> None:
        told = found(verdict(running(1, 1.0, transaction_seconds=seconds)), "long_transactions")
        assert [each.severity for each in told] == [Severity.NOTICE] * count

    @pytest.mark.parametrize(
        ("seconds", "severities"), [(59.0, []), (60.0, [Severity.INFO]), (300.0, [Severity.NOTICE])]
    )
    def test_long_queries_are_no_more_than_a_notice(self, seconds: float, severities: list[Severity]) -> None:
        assert [each.severity for each in found(verdict(running(1, seconds)), "long_queries")] == severities

    def test_what_waits_or_serves_a_replica_is_no_long_query(self) -> None:
        dump = running(2, 9000.0, command="Binlog Dump")
        assert found(verdict(dump, row_waiter(1, 900.0), idle(3), wait(1, 3, 900.0)), "long_queries") == []


class TestDeadlocks:
    def status(self, ago: float | None) -> InnodbStatus:
        return row_of(
            InnodbStatus, deadlock_tables=["shop.orders"], deadlock_indexes=["PRIMARY"], deadlock_seconds_ago=ago,
            latest_deadlock="x, y thread id 7, z\nUPDATE a\n*** (1)\nx thread id 8, z\nUPDATE b",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("count", "hours", "ago", "severity"),
        [
            (2, 1, 60.0, Severity.WARNING),
            (1, 1, 60.0, Severity.NOTICE),
            (2, 1, 3601.0, Severity.NOTICE),
            (2, 2, 60.0, Severity.WARNING),
            (2, 3, 60.0, Severity.NOTICE),
            (1, 24, 60.0, Severity.NOTICE),
            (1, 25, 60.0, Severity.INFO),
            (0, 1, None, None),
        ],
    )
    def test_deadlocks_by_rate_and_age(self, count: int, hours: int, ago: float | None, severity: Severity) -> None:
        rows = [*counters(Uptime=hours * 3600, Innodb_deadlocks=count), self.status(ago)]
        told = found(verdict(*rows, flavour="mariadb"), "deadlocks")
        assert [each.severity for each in told] == ([severity] if severity else [])

    def test_a_deadlock_in_the_window_is_present_whatever_the_rate(self) -> None:
        def rows(count: int) -> list:
            return [*counters(Uptime=1e7), InnodbMetric("lock_deadlocks", count), self.status(0.0)]

        diagnosis = verdict(*rows(2), earlier=snapshot(*rows(1)), taken_seconds=1.2)
        (cause,) = diagnosis.causes
        assert (cause.id, cause.object, cause.severity, cause.past) == (
            "deadlock", "shop.orders", Severity.WARNING, False
        )  # fmt: skip
        assert "UPDATE a" in str(cause.because)

    def test_a_deadlock_of_last_week_is_told_as_past(self) -> None:
        (cause,) = verdict(*counters(Uptime=1e6, Innodb_deadlocks=200), self.status(5e5), flavour="mariadb").causes
        assert cause.past

    @pytest.mark.parametrize(("waiting", "word"), [(2, "ON DUPLICATE KEY"), (1, "one order")])
    def test_two_that_wait_to_insert_into_a_gap_are_told_to_insert_first(self, waiting: int, word: str) -> None:
        text = "lock_mode X locks gap before rec insert intention waiting\n" * waiting
        rows = [*counters(Uptime=3600, Innodb_deadlocks=9), replace(self.status(5.0), latest_deadlock=text)]
        (cause,) = verdict(*rows, flavour="mariadb").causes
        assert word in cause.remedies[0].title.render("en")
        assert ("gap" in " ".join(each.render("en") for each in cause.because)) == (waiting == 2)

    def test_deadlocks_that_nobody_counts_are_not_evaluated(self) -> None:
        missed = {each.check for each in verdict(*counters(Uptime=100.0)).not_evaluated}
        assert "mysql.deadlocks" in missed


class TestCounters:
    @pytest.mark.parametrize(("waits", "average_ms", "count"), [(99, 60, 0), (100, 49, 0), (100, 50, 1), (100, 500, 1)])
    def test_row_lock_time_above_fifty_milliseconds(self, waits: int, average_ms: int, count: int) -> None:
        rows = counters(Uptime=100.0, Innodb_row_lock_waits=waits, Innodb_row_lock_time=waits * average_ms)
        assert len(found(verdict(*rows), "row_lock_time")) == count

    @pytest.mark.parametrize(
        ("timeouts", "window", "severity"),
        [(0, 0, None), (1, 0, Severity.NOTICE), (9, 1, Severity.NOTICE), (10, 1, Severity.WARNING),
         (10, 0, Severity.NOTICE)],
    )  # fmt: skip
    def test_lock_wait_timeouts_are_a_warning_when_they_are_many_and_go_on(
        self, timeouts: int, window: int, severity: Severity
    ) -> None:
        def rows(count: int) -> list:
            return [
                *counters(Uptime=3600.0),
                *variables(innodb_lock_wait_timeout=50),
                InnodbMetric("lock_timeouts", count),
            ]

        diagnosis = verdict(*rows(timeouts), earlier=snapshot(*rows(timeouts - window)), taken_seconds=1.2)
        told = found(diagnosis, "lock_wait_timeouts")
        assert [each.severity for each in told] == ([severity] if severity else [])

    @pytest.mark.parametrize(
        ("seconds", "severities"),
        [(59.0, []), (60.0, [Severity.NOTICE]), (600.0, [Severity.WARNING]), (3600.0, [Severity.CRITICAL])],
    )
    def test_prepared_transactions_by_age(self, seconds: float, severities: list[Severity]) -> None:
        diagnosis = verdict(PreparedTransaction(1, 3, 0, "abc"), DetachedTransaction("9", seconds, 1, 1))
        assert [each.severity for each in found(diagnosis, "prepared_transactions")] == severities
        assert causes(diagnosis) == [("orphan_prepared_transaction", "abc")] * len(severities)

    def test_a_prepared_transaction_that_has_its_session_is_a_commit_under_way(self) -> None:
        assert causes(verdict(PreparedTransaction(1, 3, 0, "abc"))) == []

    @pytest.mark.parametrize(
        ("length", "seconds", "severity"),
        [
            (4_999, 60.0, None),
            (5_000, 60.0, Severity.NOTICE),
            (5_000, 9.0, None),
            (5_000, 10.0, Severity.NOTICE),
            (99_999, 60.0, Severity.NOTICE),
            (100_000, 60.0, Severity.WARNING),
            (10_000_000, 60.0, Severity.CRITICAL),
            (999_999, 1.0, None),
            (1_000_000, 1.0, Severity.WARNING),
        ],
    )
    def test_history_list_needs_an_old_transaction_or_a_great_length(
        self, length: int, seconds: float, severity: Severity
    ) -> None:
        diagnosis = verdict(InnodbMetric("trx_rseg_history_len", length), idle(1, seconds, rows_locked=0))
        assert [each.severity for each in found(diagnosis, "history_list")] == ([severity] if severity else [])
        blamed = "session 1" if seconds >= 10 else "server"
        assert causes(diagnosis) == ([("history_list_growth", blamed)] if severity else [])


class TestHotRows:
    def look(self, holder: int, *waiting: int, seconds: float = 0.0) -> list:
        return [*(wait(each, holder, seconds) for each in waiting), *(row_waiter(each, seconds) for each in waiting)]

    def test_hot_row_is_one_that_three_wait_for_while_its_holders_change(self) -> None:
        looks = [self.look(1, 2, 3, 4), self.look(2, 3, 4, 1)]
        diagnosis = verdict(*looks[-1], samples=looks)
        assert causes(diagnosis) == [("hot_row", "shop.orders")]
        assert found(diagnosis, "blocked_sessions") == []

    def test_two_waiters_are_ordinary_concurrency(self) -> None:
        assert causes(verdict(samples=[self.look(1, 2, 3), self.look(2, 3, 1)])) == []

    def test_one_holder_all_the_time_is_to_blame_itself(self) -> None:
        looks = [self.look(1, 2, 3, 4, seconds=2.0), self.look(1, 2, 3, 4, seconds=3.0)]
        assert causes(verdict(idle(1), *looks[-1], samples=looks)) == [("idle_in_transaction_blocker", "session 1")]

    @pytest.mark.parametrize(("seconds", "hot"), [(4.0, True), (5.0, False)])
    def test_who_waits_for_long_waits_for_one_holder(self, seconds: float, hot: bool) -> None:
        looks = [self.look(1, 2, 3, 4, seconds=seconds), self.look(2, 3, 4, 1)]
        assert bool(found(verdict(samples=looks), "hot_row")) is hot

    @pytest.mark.parametrize(("age", "hot"), [(0.0, True), (1.0, True), (2.0, False)])
    def test_the_same_holder_in_a_later_transaction_is_another_holder(self, age: float, hot: bool) -> None:
        """The looks are a second apart: three here, so a transaction of two whole seconds may be that of the first."""
        later = [idle(1, age), *self.look(1, 2, 3, 4)]
        looks = [[idle(1, 0.0), *self.look(1, 2, 3, 4)], [], [], later]
        diagnosis = verdict(*later, samples=looks)
        assert bool(found(diagnosis, "hot_row")) is False  # two pictures, of which one is empty: too few waiters
        crowded = [wait(each, 1, 0.0) for each in range(2, 9)]
        looks = [[idle(1, 0.0), *crowded], [], [], [idle(1, age), *crowded]]
        assert bool(found(verdict(*looks[-1], samples=looks), "hot_row")) is hot

    @pytest.mark.parametrize(("age", "waits", "hot"), [(2.0, 29, True), (2.0, 28, False), (4.0, 500, False)])
    def test_where_whole_seconds_leave_it_open_the_count_of_waits_decides(
        self, age: float, waits: int, hot: bool
    ) -> None:
        crowded = [wait(each, 1, 0.0) for each in range(2, 9)]
        looks = [[idle(1, 0.0), *crowded], [], [], [idle(1, age), *crowded]]
        earlier = snapshot(*counters(Innodb_row_lock_waits=1000))
        later = [*looks[-1], *counters(Innodb_row_lock_waits=1000 + waits)]
        assert bool(found(verdict(*later, samples=looks, earlier=earlier, taken_seconds=3.0), "hot_row")) is hot

    def test_a_holder_that_keeps_its_transaction_is_to_blame_though_its_waiters_give_up_soon(self) -> None:
        looks = [[idle(1, 10.0 + number), *self.look(1, 2, 3, 4, 5)] for number in range(4)]
        assert found(verdict(*looks[-1], samples=looks), "hot_row") == []

    def test_looks_at_one_picture_count_once(self) -> None:
        few, many = self.look(1, 2, 3), self.look(3, 1, 2, 4, 5, 6)
        assert found(verdict(samples=[few, few, few, few, many]), "hot_row")
        assert not found(verdict(samples=[few, self.look(2, 1, 3), self.look(3, 1, 2), many]), "hot_row")

    def test_a_row_that_a_look_could_not_tell_is_the_only_one_known_of_the_table(self) -> None:
        def untold(row: LockWait) -> LockWait:
            return replace(row, lock_row=None)

        first, second = self.look(1, 2, 3, 4), self.look(2, 3, 4, 1)
        unnamed = [untold(each) if isinstance(each, LockWait) else each for each in second]
        (cause,) = verdict(samples=[first, unnamed]).causes
        assert cause.id == "hot_row"
        assert "key 7" in cause.because[0].render("en")

    def test_without_the_servers_word_a_queue_that_moves_on_one_table_is_hot(self) -> None:
        looks = [
            [row_waiter(number, 1.0) for number in (1, 2, 3, 4)], [row_waiter(number, 1.0) for number in (2, 3, 4, 5)]
        ]  # fmt: skip
        (cause,) = verdict(samples=looks, unavailable=NO_ROW_HOLDERS).causes
        assert (cause.id, cause.object, cause.confidence) == ("hot_row", "shop.orders", 0.6)
