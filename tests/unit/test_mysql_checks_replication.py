"""Replication of MySQL and MariaDB by hand-written rows: stopped, late, late on purpose, without its partner."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.finding import Severity
from housecall.engines.engine import Row
from housecall.engines.mysql.rows.replication import ApplierError, ReplicaStatus
from housecall.engines.mysql.rows.tables import TableWithoutKey
from housecall.testing import row_of
from housecall.testing_mysql_rows import causes, counters, found, idle, running, variables, verdict


def status(**values: object) -> ReplicaStatus:
    known = {
        "source_host": "db1", "source_port": 3306, "io_running": True, "sql_running": True, "seconds_behind": 0.0,
        "io_state": "Waiting for source to send event", "sql_state": "Replica has read all relay log",
    }  # fmt: skip
    return row_of(ReplicaStatus, **{**known, **values})


def the_cause(*rows: Row, **how: object) -> Cause:
    (cause,) = verdict(*rows, **how).causes
    return cause


class TestStopped:
    def test_an_applier_that_somebody_stopped_is_started_again(self) -> None:
        cause = the_cause(status(sql_running=False, seconds_behind=None))
        assert (cause.id, cause.object, cause.severity) == ("replica_stopped", "orders-db", Severity.CRITICAL)
        assert cause.remedies[0].statements == ("START REPLICA SQL_THREAD;",)

    @pytest.mark.parametrize(
        ("flavour", "statement"),
        [("mysql", "START REPLICA IO_THREAD FOR CHANNEL 'east';"), ("mariadb", "START REPLICA 'east' IO_THREAD;")],
    )
    def test_a_channel_is_named_where_each_server_wants_it(self, flavour: str, statement: str) -> None:
        cause = the_cause(status(channel="east", io_running=False, io_state=""), flavour=flavour)
        assert (cause.object, cause.remedies[0].statements) == ("channel east", (statement,))

    @pytest.mark.parametrize(
        ("number", "words"),
        [
            (1062, "read_only"),
            (1032, "pt-table-checksum"),
            (1146, "does not exist on the replica"),
            (1048, "compare the objects"),
        ],
    )
    def test_an_error_of_the_applier_is_mended_before_it_is_started(self, number: int, words: str) -> None:
        rows = [
            status(sql_running=False, last_sql_error_number=number, last_sql_error="worker stopped"),
            ApplierError("", number, "Duplicate entry '7' for key 'orders.PRIMARY'"),
        ]
        cause = the_cause(*rows)
        assert "orders.PRIMARY" in str(cause.summary)
        assert words in str(cause.remedies[0].title)
        assert cause.remedies[1].statements == ("START REPLICA SQL_THREAD;",)
        assert [each.when for each in cause.remedies] == ["now", "later"]
        assert not any("SKIP" in text.upper() for remedy in cause.remedies for text in remedy.statements)

    @pytest.mark.parametrize(
        ("number", "words"),
        [(1236, "anew"), (13114, "anew"), (1045, "account"), (2003, "firewall"), (13117, "server_id")],
    )
    def test_an_error_of_the_receiver_is_told_by_its_number(self, number: int, words: str) -> None:
        cause = the_cause(status(io_running=False, last_io_error_number=number, last_io_error="x"))
        assert (cause.id, words in str(cause.remedies[0].title)) == ("replica_stopped", True)

    def test_a_receiver_that_is_just_connecting_is_not_stopped(self) -> None:
        assert causes(verdict(status(io_running=False, io_state="Connecting to source"))) == []


class TestLag:
    @pytest.mark.parametrize(
        ("seconds", "severity"),
        [(9.0, None), (10.0, Severity.NOTICE), (29.0, Severity.NOTICE), (30.0, Severity.WARNING),
         (3599.0, Severity.WARNING), (3600.0, Severity.CRITICAL)],
    )  # fmt: skip
    def test_replica_lag_by_seconds(self, seconds: float, severity: Severity) -> None:
        told = found(verdict(status(seconds_behind=seconds)), "replica_lag")
        assert [each.severity for each in told] == ([severity] if severity else [])

    @pytest.mark.parametrize(
        ("flavour", "change"),
        [
            ("mysql", "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 0;"),
            ("mariadb", "CHANGE MASTER TO MASTER_DELAY = 0;"),
        ],
    )
    def test_a_delay_on_purpose_is_told_as_one_and_is_no_alarm(self, flavour: str, change: str) -> None:
        state = "Waiting until SOURCE_DELAY seconds after source executed event"
        cause = the_cause(status(delay_seconds=600, seconds_behind=300.0, sql_state=state), flavour=flavour)
        assert (cause.id, cause.severity) == ("replica_lag", Severity.NOTICE)
        assert "told to" in str(cause.summary)
        assert cause.remedies[0].statements[1] == change

    def test_a_delay_that_holds_nothing_back_is_a_line(self) -> None:
        diagnosis = verdict(status(delay_seconds=600))
        assert [each.severity for each in found(diagnosis, "replica_lag")] == [Severity.INFO]
        assert causes(diagnosis) == []

    def test_the_cause_tells_what_makes_it_slow(self) -> None:
        table = row_of(TableWithoutKey, schema_name="shop", table_name="log", live_rows=10**6, size_bytes=10**9)
        rows = [status(seconds_behind=60.0, position_gap_bytes=5), table, *variables(replica_parallel_workers=1)]
        cause = next(each for each in verdict(*rows).causes if each.id == "replica_lag")
        assert "shop.log" in str(cause.because)
        assert "parallel" in str(cause.remedies[0].title)

    def test_an_applier_that_waits_for_a_lock_is_not_helped_by_more_of_them(self) -> None:
        cause = the_cause(status(seconds_behind=60.0, sql_state="Waiting for table metadata lock"))
        assert "End what the applier waits for" in str(cause.remedies[0].title)


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "severity"),
        [
            ({"log_bin": "ON", "binlog_format": "STATEMENT"}, Severity.NOTICE),
            ({"log_bin": "ON", "binlog_format": "MIXED"}, Severity.INFO),
            ({"log_bin": "ON", "binlog_format": "ROW"}, None),
            ({"log_bin": "OFF", "binlog_format": "STATEMENT"}, None),
            ({"log_bin": "ON", "gtid_mode": "OFF"}, Severity.INFO),
            ({"log_bin": "ON", "gtid_mode": "ON", "enforce_gtid_consistency": "WARN"}, Severity.NOTICE),
        ],
    )
    def test_replication_settings_of_a_source(self, settings: dict[str, str], severity: Severity) -> None:
        told = found(verdict(*variables(**settings)), "replication_settings")
        assert [each.severity for each in told] == ([severity] if severity else [])

    def test_settings_of_a_replica_matter_on_a_replica_alone(self) -> None:
        settings = variables(read_only="OFF", replica_skip_errors="1062", replica_parallel_workers="0")
        told = found(verdict(status(), *settings), "replication_settings")
        assert {each.object for each in told} == {"read_only", "replica_skip_errors", "replica_parallel_workers"}
        assert found(verdict(*settings), "replication_settings") == []


class TestSemiSync:
    def rows(self, clients: int, *, waiting: int = 0, active: int = 1) -> list[Row]:
        return [
            *variables(rpl_semi_sync_source_enabled="ON", rpl_semi_sync_source_timeout=10000),
            *counters(
                Rpl_semi_sync_source_clients=clients, Rpl_semi_sync_source_wait_sessions=waiting,
                Rpl_semi_sync_source_status=active, Rpl_semi_sync_source_no_tx=7,
            ),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("clients", "waiting", "severity"),
        [(1, 0, None), (0, 0, Severity.WARNING), (0, 1, Severity.CRITICAL)],
    )
    def test_semi_sync_without_its_replica(self, clients: int, waiting: int, severity: Severity) -> None:
        diagnosis = verdict(*self.rows(clients, waiting=waiting))
        assert [each.severity for each in found(diagnosis, "semi_sync")] == ([severity] if severity else [])
        expected = [("sync_standby_missing", "rpl_semi_sync_source_enabled")] if severity else []
        assert causes(diagnosis) == expected

    def test_one_that_gave_up_says_how_many_commits_went_alone(self) -> None:
        assert "7 commits" in str(the_cause(*self.rows(0, active=0)).summary)

    def test_what_waits_behind_a_commit_that_hangs_is_not_its_fault(self) -> None:
        from housecall.testing_mysql_rows import row_waiter, wait

        hanging = running(1, 30.0, state="Waiting for semi-sync ACK from replica", transaction_seconds=30.0)
        rows = [hanging, row_waiter(2), wait(2, 1), *self.rows(0, waiting=1)]
        assert causes(verdict(*rows)) == [("sync_standby_missing", "rpl_semi_sync_source_enabled")]

    def test_an_idle_session_beside_it_keeps_its_own_name(self) -> None:
        told = causes(verdict(idle(9, 2000.0), *self.rows(0)))
        assert ("idle_in_transaction_blocker", "session 9") in told


class TestGalera:
    @pytest.mark.parametrize(
        ("paused", "severity"),
        [(0.019, None), (0.02, Severity.NOTICE), (0.099, Severity.NOTICE), (0.1, Severity.WARNING)],
    )
    def test_galera_by_time_lost_to_flow_control(self, paused: float, severity: Severity) -> None:
        rows = [*variables(wsrep_on="ON"), *counters(wsrep_ready=1, wsrep_flow_control_paused=paused)]
        told = found(verdict(*rows, flavour="mariadb"), "galera")
        assert [each.severity for each in told] == ([severity] if severity else [])

    def test_a_node_that_is_not_ready_is_critical_and_no_cluster_is_no_finding(self) -> None:
        rows = counters(wsrep_ready=0)
        told = found(verdict(*variables(wsrep_on="ON"), *rows, flavour="mariadb"), "galera")
        assert [each.severity for each in told] == [Severity.CRITICAL]
        assert found(verdict(*variables(wsrep_on="OFF"), *rows, flavour="mariadb"), "galera") == []
