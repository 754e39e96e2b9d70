"""Connections, time limits and logs of MySQL and MariaDB by hand-written rows, with the boundary on both sides."""

import pytest

from housecall.diagnosis.finding import Severity
from housecall.engines.engine import Row
from housecall.engines.mysql.rows.server import BinaryLogs, Database, FailedStatement, InnodbMetric, StatementError
from housecall.engines.mysql.rows.sessions import SessionGroup
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.testing import row_of
from housecall.testing_mysql_rows import (
    causes,
    counters,
    found,
    idle,
    row_waiter,
    session,
    snapshot,
    variables,
    verdict,
    wait,
)

MB = 1024 * 1024


def group(sessions: int, sleeping_long: int = 0, total: int | None = None) -> SessionGroup:
    return SessionGroup("app", "10.0.0.5", "shop", sessions, sessions, sleeping_long, 60.0, total or sessions)


def severities(rows: list[Row], check: str, before: list[Row] | None = None, **how: object) -> list[Severity]:
    earlier = snapshot(*before, **how) if before else None
    diagnosis = verdict(*rows, earlier=earlier, taken_seconds=1.0 if before else 0.0, **how)
    return [each.severity for each in found(diagnosis, check)]


class TestConnections:
    @pytest.mark.parametrize(
        ("used", "severity"),
        [(69, None), (70, Severity.NOTICE), (84, Severity.NOTICE), (85, Severity.WARNING), (94, Severity.WARNING),
         (95, Severity.CRITICAL)],
    )  # fmt: skip
    def test_connections_used_by_share(self, used: int, severity: Severity) -> None:
        rows = [group(5, total=used), *counters(Threads_connected=used), *variables(max_connections=100)]
        assert severities(rows, "connections_used") == ([severity] if severity else [])
        expected = [("connection_saturation", "server")] if used >= 85 else []
        assert causes(verdict(*rows)) == expected

    def test_refused_clients_in_the_window_are_critical_and_earlier_ones_are_past(self) -> None:
        def rows(refused: int) -> list[Row]:
            known = counters(Threads_connected=5, Connection_errors_max_connections=refused)
            return [group(5), *known, *variables(max_connections=100)]

        assert severities(rows(2), "connections_used", rows(1)) == [Severity.CRITICAL]
        (cause,) = verdict(*rows(2)).causes
        assert (cause.id, cause.past, cause.severity) == ("connection_saturation", True, Severity.NOTICE)

    def test_saturation_ends_sleepers_of_the_largest_group_and_nobody_in_a_transaction(self) -> None:
        sleepers = [session(number, seconds=40.0) for number in (1, 2)]
        rows = [group(90), *sleepers, idle(3, 50.0), *counters(Threads_connected=90), *variables(max_connections=100)]
        (cause,) = verdict(*rows).causes
        assert cause.remedies[0].statements == ("KILL CONNECTION 1;", "KILL CONNECTION 2;")
        assert not any("max_connections =" in text for remedy in cause.remedies for text in remedy.statements)

    def test_a_server_full_of_waiters_is_the_fault_of_the_one_they_wait_for(self) -> None:
        waits = [row for number in range(2, 20) for row in (row_waiter(number), wait(number, 1))]
        full = [group(95), *counters(Threads_connected=95), *variables(max_connections=100)]
        (cause,) = verdict(idle(1), *waits, *full).causes
        assert (cause.id, cause.symptoms) == ("idle_in_transaction_blocker", ("connection_saturation: server",))

    @pytest.mark.parametrize(("asleep", "usable", "count"), [(9, 10, 0), (10, 10, 1), (19, 100, 0), (20, 100, 1)])
    def test_connection_leak_needs_number_and_share(self, asleep: int, usable: int, count: int) -> None:
        rows = [group(asleep, asleep), *variables(max_connections=usable, wait_timeout=28800)]
        assert len(severities(rows, "connection_leak")) == count

    @pytest.mark.parametrize(("asleep", "total", "count"), [(49, 70, 0), (50, 69, 0), (50, 70, 1), (84, 84, 1)])
    def test_young_sleepers_that_fill_most_of_the_server_are_a_notice(
        self, asleep: int, total: int, count: int
    ) -> None:
        known = [*counters(Threads_connected=total), *variables(max_connections=100, wait_timeout=28800)]
        told = verdict(group(asleep, total=total), *known).causes
        assert [(each.id, each.severity) for each in told] == [("connection_leak", Severity.NOTICE)] * count

    def test_a_leak_explains_that_the_server_is_full(self) -> None:
        full = [*counters(Threads_connected=96), *variables(max_connections=100, wait_timeout=28800)]
        (cause,) = verdict(group(96, 90), *full).causes
        assert (cause.id, cause.object, cause.severity) == ("connection_leak", "user app", Severity.CRITICAL)

    @pytest.mark.parametrize(
        ("connections", "severity"),
        [(9, None), (10, Severity.NOTICE), (39, Severity.NOTICE), (40, Severity.WARNING)],
    )
    def test_connection_churn_by_the_rate_in_the_window(self, connections: int, severity: Severity) -> None:
        before = counters(Uptime=1000, Connections=500, Threads_created=10)
        rows = counters(Uptime=1001, Connections=500 + connections, Threads_created=10)
        assert severities(rows, "connection_churn", before) == ([severity] if severity else [])

    @pytest.mark.parametrize(("started", "count"), [(499, 0), (500, 1)])
    def test_a_cache_that_keeps_no_threads_is_a_notice_and_set_back(self, started: int, count: int) -> None:
        rows = [*counters(Uptime=100, Connections=1000, Threads_created=started), *variables(thread_cache_size=0)]
        diagnosis = verdict(*rows, earlier=snapshot(*rows), taken_seconds=1.0)
        told = [each for each in diagnosis.causes if each.id == "connection_churn"]
        assert len(told) == count
        assert all(each.past and "thread_cache_size = 64" in each.remedies[0].statements[0] for each in told)

    @pytest.mark.parametrize(
        ("aborted", "connections", "count"), [(19, 100, 0), (20, 100, 1), (29, 1000, 0), (30, 1000, 1)]
    )
    def test_aborted_connections_need_number_and_share(self, aborted: int, connections: int, count: int) -> None:
        rows = counters(Aborted_connects=aborted, Connections=connections, Uptime=1e6)
        assert severities(rows, "aborted_connections") == [Severity.INFO] * count

    @pytest.mark.parametrize(("logins", "severity"), [(4, Severity.INFO), (5, Severity.WARNING)])
    def test_name_resolution_is_a_fault_when_logins_pile_up(self, logins: int, severity: Severity) -> None:
        rows = [session(number, user_name="unauthenticated user", seconds=2.0) for number in range(1, logins + 1)]
        assert severities([*rows, *variables(skip_name_resolve="OFF")], "name_resolution") == [severity]
        assert severities([*rows, *variables(skip_name_resolve="ON")], "name_resolution") == []


class TestTimeLimits:
    def rows(self, count: float, limit: object = 15, uptime: float = 3600.0) -> list[Row]:
        return [*counters(Uptime=uptime, Max_execution_time_exceeded=count), *variables(max_execution_time=limit)]

    @pytest.mark.parametrize(
        ("count", "window", "severity"),
        [(9, 0, None), (10, 0, Severity.NOTICE), (10, 1, Severity.WARNING), (59, 0, Severity.NOTICE),
         (60, 0, Severity.WARNING)],
    )  # fmt: skip
    def test_short_timeouts_are_told_by_the_harm_they_do(self, count: int, window: int, severity: Severity) -> None:
        told = severities(self.rows(count), "short_timeouts", self.rows(count - window))
        assert told == ([severity] if severity else [])

    @pytest.mark.parametrize(("limit", "count"), [(0, 0), (9999, 1), (10_000, 0)])
    def test_a_limit_of_ten_seconds_does_its_work_and_none_is_none(self, limit: int, count: int) -> None:
        assert len(severities(self.rows(1000, limit), "short_timeouts")) == count

    def test_the_cause_is_the_setting_and_is_set_in_its_own_unit(self) -> None:
        (cause,) = verdict(*self.rows(100)).causes
        assert (cause.id, cause.object) == ("timeout_too_short", "max_execution_time")
        assert cause.remedies[0].statements == ("SET PERSIST max_execution_time = 30000;",)
        assert cause.remedies[0].rollback == ("SET PERSIST max_execution_time = 15;",)

    def test_lock_waits_that_give_up_at_once_are_explained_by_their_limit(self) -> None:
        rows = [*counters(Uptime=3600.0), InnodbMetric("lock_timeouts", 100), *variables(innodb_lock_wait_timeout=1)]
        assert causes(verdict(*rows)) == [("timeout_too_short", "innodb_lock_wait_timeout")]

    @pytest.mark.parametrize(("aborted", "count"), [(29, 0), (30, 1)])
    def test_a_limit_that_cuts_sessions_needs_a_share_of_them(self, aborted: int, count: int) -> None:
        rows = [*counters(Uptime=3600.0, Connections=1000, Aborted_clients=aborted), *variables(wait_timeout=10)]
        assert len(found(verdict(*rows, flavour="mariadb"), "short_timeouts")) == count

    @pytest.mark.parametrize(
        ("struck", "ago", "expected"),
        [(0, None, []), (29, 1.0, []), (30, 900.0, [Severity.WARNING]), (30, 901.0, [Severity.NOTICE])],
    )
    def test_where_the_server_says_what_cut_sessions_its_word_counts(
        self, struck: int, ago: float | None, expected: list[Severity]
    ) -> None:
        rows = [*counters(Uptime=7200.0, Connections=1000, Aborted_clients=500), *variables(wait_timeout=10)]
        told = [row_of(StatementError, number=4031, raised=struck, last_seconds_ago=ago)] if struck else []
        diagnosis = verdict(*rows, *told)
        assert [each.severity for each in found(diagnosis, "short_timeouts")] == expected
        for cause in [each for each in diagnosis.causes if each.id == "timeout_too_short"]:
            assert "the server ended 30 connections" in cause.summary.render("en")
            assert "pool" in str(cause.remedies[0].caution)

    @pytest.mark.parametrize(
        ("raised", "window", "severity"),
        [(9, 0, None), (10, 0, Severity.NOTICE), (10, 1, Severity.WARNING), (119, 0, Severity.NOTICE),
         (120, 0, Severity.WARNING)],
    )  # fmt: skip
    def test_serialization_failures_by_rate(self, raised: int, window: int, severity: Severity) -> None:
        def rows(count: int) -> list[Row]:
            return [*counters(Uptime=3600.0), StatementError(3101, "ER", "40000", count, 5.0)]

        told = severities(rows(raised), "serialization_failures", rows(raised - window))
        assert told == ([severity] if severity else [])

    @pytest.mark.parametrize(
        ("failed", "isolation", "severity"),
        [(2, "ON", None), (3, "ON", Severity.NOTICE), (4, "ON", Severity.NOTICE), (5, "ON", Severity.WARNING),
         (50, "OFF", None)],
    )  # fmt: skip
    def test_conflicts_of_snapshots_on_mariadb_by_late_statements(
        self, failed: int, isolation: str, severity: Severity | None
    ) -> None:
        rows = [
            *variables(innodb_snapshot_isolation=isolation),
            FailedStatement(1020, "shop", "app", "changed", failed),
        ]
        diagnosis = verdict(*rows, flavour="mariadb", unavailable=["statement_errors"])
        told = found(diagnosis, "serialization_failures")
        assert [each.severity for each in told] == ([severity] if severity else [])
        for cause in diagnosis.causes:
            assert cause.id == "serialization_failures"
            assert cause.remedies[-1].statements == ("SET GLOBAL innodb_snapshot_isolation = OFF;",)
            assert cause.remedies[-1].rollback == ("SET GLOBAL innodb_snapshot_isolation = ON;",)

    @pytest.mark.parametrize(
        ("errors", "calls", "deadlocks", "severity"),
        [(9, 100, 0, None), (10, 100, 0, Severity.NOTICE), (19, 100, 10, None), (119, 100, 0, Severity.NOTICE),
         (120, 12_000, 0, Severity.WARNING), (120, 12_001, 0, Severity.NOTICE)],
    )  # fmt: skip
    def test_conflicts_of_snapshots_are_probable_by_errors_that_nothing_else_explains(
        self, errors: int, calls: int, deadlocks: int, severity: Severity | None
    ) -> None:
        update = row_of(TopStatement, query="UPDATE `stock` SET `quantity` = ?", calls=calls, errors=errors)
        read = row_of(TopStatement, query="SELECT ?", calls=1000, errors=1000)
        rows = [*variables(innodb_snapshot_isolation="ON"), *counters(Uptime=3600.0, Innodb_deadlocks=deadlocks)]
        diagnosis = verdict(*rows, update, read, flavour="mariadb", unavailable=["statement_errors"])
        assert [each.severity for each in found(diagnosis, "serialization_failures")] == (
            [severity] if severity else []
        )
        for cause in [each for each in diagnosis.causes if each.id == "serialization_failures"]:
            assert cause.confidence <= 0.5
            assert "events_statements_history" in " ".join(map(str, cause.because))

    @pytest.mark.parametrize(("isolation", "count"), [("ON", 1), ("OFF", 0)])
    def test_snapshot_conflicts_cannot_be_seen_without_performance_schema(self, isolation: str, count: int) -> None:
        unavailable = ["failed_statements", "statement_errors"]
        rows = variables(innodb_snapshot_isolation=isolation)
        missed = verdict(*rows, flavour="mariadb", unavailable=unavailable).not_evaluated
        assert len([each for each in missed if each.check == "mysql.serialization_failures"]) == count

    def test_deadlocks_under_serializable_are_one_cause(self) -> None:
        rows = [
            *counters(Uptime=3600.0), *variables(transaction_isolation="SERIALIZABLE"),
            InnodbMetric("lock_deadlocks", 200), StatementError(1213, "ER_LOCK_DEADLOCK", "40001", 200, 5.0),
        ]  # fmt: skip
        assert causes(verdict(*rows)) == [("serialization_failures", "server")]


class TestLogs:
    @pytest.mark.parametrize(
        ("settings", "name"),
        [
            ({"general_log": "ON"}, "general_log"),
            ({"general_log": "OFF"}, None),
            ({"slow_query_log": "ON", "long_query_time": "0.009"}, "long_query_time"),
            ({"slow_query_log": "ON", "long_query_time": "0.010"}, None),
            ({"slow_query_log": "OFF", "long_query_time": "0.0"}, None),
            ({"slow_query_log": "ON", "long_query_time": "0.0", "min_examined_row_limit": "1000"}, None),
        ],
    )
    def test_excessive_logging_by_setting(self, settings: dict[str, str], name: str | None) -> None:
        expected = [("excessive_logging", name)] if name else []
        assert causes(verdict(*variables(**settings, log_output="FILE"))) == expected

    @pytest.mark.parametrize(("slow", "count"), [(999, 0), (1000, 1)])
    def test_logging_what_uses_no_index_is_excessive_when_it_is_most(self, slow: int, count: int) -> None:
        settings = variables(slow_query_log="ON", long_query_time=10, log_queries_not_using_indexes="ON")
        assert len(severities([*settings, *counters(Slow_queries=slow, Questions=5000)], "excessive_logging")) == count

    def test_of_what_uses_no_index_only_that_is_said_to_be_logged(self) -> None:
        settings = variables(slow_query_log="ON", long_query_time=10, log_queries_not_using_indexes="ON")
        rows = [*settings, *counters(Slow_queries=2000, Questions=5000, Uptime=1000)]
        (cause,) = verdict(*rows).causes
        text = " ".join(each.render("en") for each in (cause.summary, *cause.because))
        assert "40 % of all and 2 a second" in text
        assert "every statement is written" not in text

    @pytest.mark.parametrize(("events", "count"), [("", 1), ("CONNECT,QUERY", 1), ("CONNECT,QUERY_DDL", 0)])
    def test_an_audit_of_every_query_is_no_more_than_a_notice(self, events: str, count: int) -> None:
        rows = variables(server_audit_logging="ON", server_audit_events=events)
        assert severities(rows, "excessive_logging", flavour="mariadb") == [Severity.NOTICE] * count

    @pytest.mark.parametrize(
        ("size_mb", "files", "data_mb", "kept", "severity"),
        [
            (63, 9, 10, 0, None),
            (64, 9, 10, 0, Severity.WARNING),
            (64, 2, 10, 0, None),
            (64, 9, 128, 0, Severity.WARNING),
            (64, 9, 129, 0, Severity.NOTICE),
            (10 * 1024, 9, 10**6, 0, Severity.WARNING),
            (64, 9, 10, 86400, None),
        ],
    )
    def test_binary_log_size_matters_when_nothing_removes_them(
        self, size_mb: int, files: int, data_mb: int, kept: int, severity: Severity
    ) -> None:
        rows = [
            BinaryLogs(files, size_mb * MB, "b.000001", "b.000009"), Database("shop", 1, data_mb * MB, 0),
            *variables(log_bin="ON", binlog_expire_logs_seconds=kept),
        ]  # fmt: skip
        assert severities(rows, "binary_log_size") == ([severity] if severity else [])
        expected = [("binlog_not_purged", "binlog_expire_logs_seconds")] if severity else []
        assert causes(verdict(*rows)) == expected

    def test_purging_that_was_switched_off_is_switched_on_again(self) -> None:
        rows = [
            BinaryLogs(9, 64 * MB, "b.000001", "b.000009"),
            *variables(log_bin="ON", binlog_expire_logs_seconds=86400, binlog_expire_logs_auto_purge="OFF"),
        ]
        (cause,) = verdict(*rows).causes
        assert cause.remedies[0].statements == ("SET PERSIST binlog_expire_logs_auto_purge = ON;",)

    @pytest.mark.parametrize(("ago", "severity"), [(3600.0, Severity.WARNING), (3601.0, Severity.NOTICE)])
    def test_packet_size_is_told_by_its_errors(self, ago: float, severity: Severity) -> None:
        error = StatementError(1153, "ER_NET_PACKET_TOO_LARGE", "08S01", 3, ago)
        diagnosis = verdict(error, *variables(max_allowed_packet=MB))
        assert [each.severity for each in found(diagnosis, "packet_size")] == [severity]
        (cause,) = diagnosis.causes
        assert (cause.id, cause.remedies[0].statements) == (
            "packet_too_small", ("SET PERSIST max_allowed_packet = 67108864;",)
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("size", "ago", "severity"),
        [
            (64 * MB, 30.0, Severity.NOTICE),  # raised since: what was too large then is not now
            (64 * MB, 1.0, Severity.WARNING),
            (64 * MB - 1, 30.0, Severity.WARNING),
        ],
    )
    def test_an_error_of_before_the_limit_was_raised_is_no_alarm(
        self, size: int, ago: float, severity: Severity
    ) -> None:
        rows = [StatementError(1153, "ER_NET_PACKET_TOO_LARGE", "08S01", 3, ago), *variables(max_allowed_packet=size)]
        diagnosis = verdict(*rows, earlier=snapshot(*rows), taken_seconds=5.0)
        assert [each.severity for each in found(diagnosis, "packet_size")] == [severity]

    @pytest.mark.parametrize(("aborted", "count"), [(299, 2), (300, 1)])
    def test_connections_that_large_statements_cut_are_opened_again_for_no_other_reason(
        self, aborted: int, count: int
    ) -> None:
        def rows(connections: int) -> list[Row]:
            known = counters(Aborted_clients=aborted, Connections=connections, Uptime=1000)
            return [StatementError(1153, "ER", "08S01", 300, 1.0), *variables(max_allowed_packet=16384), *known]

        told = causes(verdict(*rows(1000), earlier=snapshot(*rows(950)), taken_seconds=1.0))
        assert told[0] == ("packet_too_small", "max_allowed_packet") or count == 2
        assert len(told) == count

    @pytest.mark.parametrize(
        ("size", "aborted", "connections", "severity"),
        [
            (16 * MB, 500, 1000, None),
            (16 * MB - 1, 500, 1000, Severity.NOTICE),
            (MB, 500, 1000, Severity.NOTICE),
            (MB - 1, 500, 1000, Severity.WARNING),
            (MB, 19, 100, None),
            (MB, 20, 100, Severity.NOTICE),
            (MB, 99, 1000, None),
        ],
    )
    def test_without_the_errors_a_small_limit_and_aborted_sessions_are_the_sign(
        self, size: int, aborted: int, connections: int, severity: Severity
    ) -> None:
        rows = [*variables(max_allowed_packet=size), *counters(Aborted_clients=aborted, Connections=connections)]
        told = severities(rows, "packet_size", flavour="mariadb", unavailable=("statement_errors",))
        assert told == ([severity] if severity else [])
