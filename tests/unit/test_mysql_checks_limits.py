"""Limits of MySQL and MariaDB that clients run into, by hand-written rows: thresholds from both sides."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.engines.engine import Row
from housecall.engines.mysql.rows.server import FailedStatement, StatementError
from housecall.engines.mysql.rows.sessions import DetachedTransaction, PreparedTransaction, SessionGroup
from housecall.engines.mysql.rows.tables import ForeignEngineTable
from housecall.testing import row_of
from housecall.testing_mysql_rows import causes, counters, found, metadata_waiter, stuck, variables, verdict

MB = 1024 * 1024
TABLE = "Waiting for table level lock"


def error(number: int, raised: int, ago: float) -> StatementError:
    return row_of(StatementError, number=number, name="ER", raised=raised, last_seconds_ago=ago)


def told(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.severity.value for each in found(diagnosis, check)]


def the(diagnosis: Diagnosis, cause_id: str) -> Cause:
    (cause,) = [each for each in diagnosis.causes if each.id == cause_id]
    return cause


@pytest.mark.parametrize(
    ("opened", "errors", "expected"),
    [
        (79, [], []),
        (80, [], ["warning"]),
        (97, [], ["warning"]),
        (98, [], ["critical"]),
        (80, [error(1461, 5, 900.0)], ["critical"]),
        (80, [error(1461, 5, 901.0)], ["warning"]),
        (79, [error(1461, 5, 1.0)], []),  # room again
    ],
)
def test_prepared_statements_near_their_limit(opened: int, errors: list[Row], expected: list[str]) -> None:
    rows = [*counters(Prepared_stmt_count=opened), *variables(max_prepared_stmt_count=100), *errors]
    diagnosis = verdict(*rows)
    assert told(diagnosis, "prepared_statements") == expected
    for cause in [each for each in diagnosis.causes if each.id == "prepared_statement_leak"]:
        assert cause.remedies[0].statements == ()
        assert cause.remedies[1].statements == ("SET PERSIST max_prepared_stmt_count = 16382;",)
        assert cause.remedies[1].rollback == ("SET PERSIST max_prepared_stmt_count = 100;",)


def test_what_was_not_counted_is_not_told_as_none() -> None:
    rows = [*counters(Prepared_stmt_count=100), *variables(max_prepared_stmt_count=100)]
    cause = the(verdict(*rows, flavour="mariadb"), "prepared_statement_leak")
    assert not any("could not be prepared" in each.render("en") for each in cause.because)


def group(user: str, sessions: int) -> SessionGroup:
    return row_of(SessionGroup, user_name=user, client="10.0.0.5", sessions=sessions, sleeping=sessions)


@pytest.mark.parametrize(
    ("limit", "errors", "expected"),
    [
        (6, [error(1203, 3, 900.0)], [("max_user_connections", "warning")]),
        (6, [error(1203, 2, 1.0)], [("max_user_connections", "notice")]),
        (6, [error(1203, 3, 901.0)], [("max_user_connections", "notice")]),
        (6, [], [("max_user_connections", "notice")]),
        (7, [], []),
        (7, [error(1226, 3, 1.0)], [("server", "warning")]),
        (0, [error(1226, 2, 1.0)], []),
    ],
)
def test_an_account_at_its_limit(limit: int, errors: list[Row], expected: list[tuple[str, str]]) -> None:
    rows = [*variables(max_user_connections=limit), group("portal", 4), group("portal", 2), group("api", 5), *errors]
    diagnosis = verdict(*rows)
    assert [(each.object, each.severity.value) for each in found(diagnosis, "user_connection_limit")] == expected
    assert causes(diagnosis) == [("connection_saturation", name) for name, _ in expected]
    for cause in diagnosis.causes:
        assert all(not remedy.statements for remedy in cause.remedies)
        assert ("portal" in cause.summary.render("en")) == (cause.object == "max_user_connections")


def memory_table(size: int, engine: str = "MEMORY") -> ForeignEngineTable:
    return ForeignEngineTable("shop", "cache", engine, 100, size, 1)


NAMED = row_of(FailedStatement, number=1114, message="The table 'cache' is full", statements=2)


@pytest.mark.parametrize(
    ("table", "errors", "expected"),
    [
        (memory_table(9 * MB), [error(1114, 4, 900.0)], ["warning"]),
        (memory_table(9 * MB), [error(1114, 4, 901.0)], ["notice"]),
        (memory_table(9 * MB), [], ["notice"]),
        (memory_table(9 * MB - 1), [error(1114, 4, 1.0)], []),
        (memory_table(MB), [NAMED], ["warning"]),
        (memory_table(9 * MB, "MyISAM"), [NAMED], []),
    ],
)
def test_full_memory_tables(table: ForeignEngineTable, errors: list[Row], expected: list[str]) -> None:
    diagnosis = verdict(table, *variables(max_heap_table_size=10 * MB), *errors)
    assert told(diagnosis, "full_memory_tables") == expected
    for cause in [each for each in diagnosis.causes if each.id == "table_full"]:
        assert cause.object == "shop.cache"
        assert cause.remedies[0].statements == ("ALTER TABLE shop.cache ENGINE = InnoDB;",)


def test_sessions_that_wait_timeout_cut_are_no_full_disk() -> None:
    assert found(verdict(error(4031, 25, 1.0)), "error_log") == []


def test_a_schema_change_behind_an_unseen_session_names_its_table() -> None:
    diagnosis = verdict(metadata_waiter(2, "ALTER TABLE orders ADD COLUMN a INT", 20.0))
    for each in diagnosis.findings:
        assert "?" not in each.message.render("en")
    (queue,) = found(diagnosis, "ddl_lock_queue")
    assert queue.object == "shop.orders"
    assert "the server does not tell" in queue.message.render("en")


@pytest.mark.parametrize(("waiting", "share"), [(0, 0.0), (1, 0.5), (3, 0.75)])
def test_waits_for_a_whole_table_weigh_by_the_sessions_that_they_hold_up(waiting: int, share: float) -> None:
    look = [
        stuck(9, "executing", "SELECT 1"),
        *(stuck(each, TABLE, "UPDATE cache SET a = 1") for each in range(waiting)),
    ]
    rows = [memory_table(MB, "MyISAM"), *counters(Table_locks_waited=30, Table_locks_immediate=100)]
    cause = the(verdict(*rows, samples=[look, look]), "table_level_locking")
    assert cause.holds_up == share


def test_a_queue_for_a_table_that_nobody_is_seen_to_hold_ends_with_its_schema_change() -> None:
    change = "ALTER TABLE orders ADD COLUMN a INT"
    cause = the(
        verdict(metadata_waiter(2, change, 20.0), metadata_waiter(3, "SELECT * FROM orders", 15.0)),
        "table_level_locking",
    )
    assert "does not tell who holds it" in cause.summary.render("en")
    assert "?" not in cause.summary.render("zh-CN")
    assert cause.remedies[0].statements == ("KILL QUERY 2;",)


@pytest.mark.parametrize(("locked", "told"), [(1, "orphan_prepared_transaction"), (0, "table_level_locking")])
def test_a_schema_change_may_wait_for_a_transaction_that_no_session_has(locked: int, told: str) -> None:
    rows = [
        metadata_waiter(2, "ALTER TABLE orders ADD COLUMN a INT", 20.0),
        row_of(DetachedTransaction, transaction_id="7", transaction_seconds=15.0, rows_locked=locked),
        row_of(PreparedTransaction, formatid=1, gtrid_length=5, bqual_length=0, data="pay-1"),
    ]
    assert told in [each.id for each in verdict(*rows).causes]
