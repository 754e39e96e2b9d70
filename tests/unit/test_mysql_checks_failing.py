"""Statements that fail at every call, and logins that are refused, by hand-written rows: thresholds from both sides."""

from dataclasses import replace

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.snapshot import StatementPlan
from housecall.engines.engine import Row
from housecall.engines.mysql.rows.server import AccountRow, FailedStatement, StatementError
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.testing import row_of
from housecall.testing_mysql_rows import causes, counters, found, snapshot, variables, verdict

SELECT = "SELECT `phone` FROM `Kunde` WHERE NO = ?"
UPDATE = "UPDATE `Kunde` SET `level` = ? WHERE NO = ?"
INSERT = "INSERT INTO `seen` VALUES (...)"
UNKNOWN_COLUMN = "Unknown column 'phone' in 'field list'"
READ_ONLY = "The MySQL server is running with the --read-only option so it cannot execute this statement"


def failing(query: str = SELECT, errors: int = 20, calls: int | None = None, **values: object) -> TopStatement:
    count = errors if calls is None else calls
    known = {"schema_name": "shop", "digest": query[:20], "total_seconds": 0.001 * count, "last_seen_seconds": 5.0}
    return row_of(TopStatement, query=query, calls=count, errors=errors, **{**known, **values})


def error(number: int, raised: int = 20, ago: float = 5.0) -> StatementError:
    return row_of(StatementError, number=number, name=f"ER_{number}", raised=raised, last_seconds_ago=ago)


def said(number: int, message: str) -> FailedStatement:
    return row_of(FailedStatement, number=number, message=message, user_name="app", statements=3)


def planned(*rows: Row, failure: str, query: str = SELECT, flavour: str = "mariadb") -> Diagnosis:
    """Where the server gives no plan either."""
    text = f"Instance 'orders-db': {failure}"
    return diagnose(replace(snapshot(*rows, flavour=flavour), plans=(StatementPlan(query, None, text),)))


def the_cause(diagnosis: Diagnosis) -> Cause:
    (cause,) = diagnosis.causes
    return cause


@pytest.mark.parametrize(
    ("raised", "ago", "expected"), [(20, 600.0, 1), (19, 1.0, 0), (20, 601.0, 0)]
)  # fmt: skip
def test_a_missing_column_is_told_while_it_goes_on(raised: int, ago: float, expected: int) -> None:
    rows = [error(1054, raised, ago), failing(errors=raised, last_seen_seconds=ago), said(1054, UNKNOWN_COLUMN)]
    diagnosis = verdict(*rows)
    assert causes(diagnosis) == [("failing_statements", "shop.Kunde")] * expected
    for cause in diagnosis.causes:
        assert UNKNOWN_COLUMN in cause.summary.render("en")
        assert cause.severity.value == "warning"


def test_errors_that_belong_to_everyday_work_are_none() -> None:
    everyday = (1062, 1205, 1213, 1317, 1644, 3024, 1452)
    rows = [error(number, 900) for number in everyday]
    assert causes(verdict(*rows, failing(INSERT, 900))) == []


def test_a_mistake_now_and_then_is_none() -> None:
    """The error is counted, and no statement fails at every call, nor is one of the latest seen with it."""
    assert causes(verdict(error(1054, 40), failing(errors=40, calls=9000))) == []


def test_mariadb_tells_it_by_the_plan_that_fails_too() -> None:
    cause = the_cause(planned(failing(), failure="Unknown column 'phone' in 'SELECT' (error 1054)"))
    assert (cause.id, cause.object) == ("failing_statements", "shop.Kunde")
    assert "Unknown column 'phone' in 'SELECT'" in cause.summary.render("en")


def test_mariadb_tells_it_by_the_latest_statements_where_they_are_kept() -> None:
    cause = the_cause(verdict(failing(), said(1054, UNKNOWN_COLUMN), flavour="mariadb"))
    assert (cause.id, cause.object, cause.confidence) == ("failing_statements", "shop.Kunde", 0.85)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (failing(), [("failing_statements", "warning")]),
        (failing(errors=19), []),
        (failing(errors=20, calls=21), []),
        (failing(last_seen_seconds=600.0), [("failing_statements", "warning")]),
        (failing(last_seen_seconds=601.0), []),
        (failing(total_seconds=2.0), [("failing_statements", "warning")]),
        (failing(total_seconds=2.1), []),
        (failing(INSERT), [("failing_statements", "notice")]),
        (failing("SET `x` = ?"), []),
    ],
)  # fmt: skip
def test_mariadb_tells_that_it_fails_without_the_reason(row: TopStatement, expected: list[tuple[str, str]]) -> None:
    diagnosis = verdict(row, flavour="mariadb")
    assert [(each.id, each.severity.value) for each in diagnosis.causes] == expected


def test_the_name_of_the_instance_is_no_part_of_the_error() -> None:
    cause = the_cause(planned(failing(), failure="Unknown column 'a: b' in 'SELECT' (error 1054)"))
    assert cause.summary.render("en").endswith("so far: Unknown column 'a: b' in 'SELECT'")


@pytest.mark.parametrize(
    ("query", "mode", "expected"),
    [
        ("SELECT `a`, `b`, MAX ( `c` ) FROM `t` GROUP BY `a`", "ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES", True),
        ("SELECT `a`, MAX ( `c` ) FROM `t` GROUP BY `a`", "ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES", False),
        ("SELECT `a`, `b`, MAX ( `c` ) FROM `t` GROUP BY `a`", "STRICT_ALL_TABLES", False),
    ],
)  # fmt: skip
def test_what_is_not_grouped_is_told_where_sql_mode_refuses_it(query: str, mode: str, expected: bool) -> None:
    cause = the_cause(verdict(failing(query), *variables(sql_mode=mode), flavour="mariadb"))
    assert ("ONLY_FULL_GROUP_BY" in cause.summary.render("en")) == expected
    assert (len(cause.remedies) == 1) == expected  # without a reason the server is asked to keep the next


def test_what_fails_within_a_time_limit_or_for_want_of_a_right_is_told_by_others() -> None:
    limited = verdict(failing(), *variables(max_statement_time=1), flavour="mariadb")
    mixed = planned(failing(), failure="Illegal mix of collations (error 1267)")
    assert [each.id for each in (*limited.causes, *mixed.causes)] == []


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_primary_left_read_only(flavour: str) -> None:
    rows = [failing(UPDATE, 50), *variables(read_only="ON")]
    counted = [error(1290, 50), said(1290, READ_ONLY)] if flavour == "mysql" else []
    cause = the_cause(verdict(*rows, *counted, flavour=flavour))
    assert (cause.id, cause.object, cause.severity.value) == ("dangerous_setting", "read_only", "warning")
    word = "PERSIST" if flavour == "mysql" else "GLOBAL"
    assert cause.remedies[0].statements == (f"SET {word} read_only = OFF;",)
    assert cause.remedies[0].rollback == (f"SET {word} read_only = ON;",)
    assert "failover" in str(cause.remedies[0].caution)


def test_super_read_only_is_lifted_with_it() -> None:
    rows = [failing(UPDATE, 50), error(1290, 50), *variables(read_only="ON", super_read_only="ON")]
    cause = the_cause(verdict(*rows))
    assert cause.object == "super_read_only"
    assert cause.remedies[0].statements == ("SET PERSIST super_read_only = OFF;", "SET PERSIST read_only = OFF;")


def test_writes_to_a_replica_are_sent_to_the_wrong_server() -> None:
    rows = [failing(UPDATE, 50), error(1290, 50), said(1290, READ_ONLY), *variables(read_only="ON")]
    cause = next(each for each in verdict(*rows, in_recovery=True).causes if each.object == "read_only")
    assert (cause.id, cause.remedies[0].statements) == ("failing_statements", ())
    assert "primary" in cause.remedies[0].title.render("en")


def test_read_only_that_refuses_nothing_is_nobodys_fault() -> None:
    assert causes(verdict(*variables(read_only="ON"), failing(UPDATE, 50, calls=51))) == []
    assert causes(verdict(*variables(read_only="ON"), failing(UPDATE, 19), flavour="mariadb")) == []


def test_another_option_that_forbids_is_not_told_as_read_only() -> None:
    text = "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement"
    cause = the_cause(verdict(error(1290, 50), said(1290, text), failing("SELECT * FROM `a` INTO OUTFILE ?", 50)))
    assert (cause.id, cause.object, cause.remedies[0].statements) == ("failing_statements", "secure_file_priv", ())


def test_what_was_read_only_a_moment_ago_is_over() -> None:
    rows = [failing(UPDATE, 50, calls=51), error(1290, 50), said(1290, READ_ONLY), *variables(read_only="OFF")]
    assert causes(verdict(*rows)) == []


@pytest.mark.parametrize(("statements", "expected"), [(3, 1), (2, 0)])
def test_the_latest_statements_alone_can_tell(statements: int, expected: int) -> None:
    late = replace(said(1146, "Table 'shop.prices' doesn't exist"), statements=statements)
    diagnosis = verdict(error(1146, 20), late)
    assert [each.id for each in diagnosis.causes] == ["failing_statements"] * expected


def test_max_join_size_refuses_large_joins() -> None:
    rows = [failing("SELECT COUNT ( * ) FROM `a` JOIN `b`", 30), *variables(max_join_size="1000")]
    for diagnosis in (verdict(*rows, error(1104, 30)), verdict(*rows, flavour="mariadb")):
        cause = the_cause(diagnosis)
        assert (cause.id, cause.object) == ("dangerous_setting", "max_join_size")
        assert "max_join_size = 18446744073709551615" in cause.remedies[0].statements[0]
        assert "max_join_size = 1000" in cause.remedies[0].rollback[0]
    no_limit = variables(max_join_size="18446744073709551615")
    assert causes(verdict(rows[0], *no_limit, flavour="mariadb")) == [("failing_statements", "shop.a")]


def test_a_sort_buffer_too_small_for_a_row_is_enlarged() -> None:
    rows = [error(1038, 30), failing("SELECT * FROM `a` ORDER BY `b`", 30), *variables(sort_buffer_size=524288)]
    cause = the_cause(verdict(*rows))
    assert (cause.object, cause.remedies[0].statements) == (
        "sort_buffer_size", ("SET PERSIST sort_buffer_size = 2097152;",)
    )  # fmt: skip


def test_a_definer_that_is_gone() -> None:
    text = "The user specified as a definer ('anna'@'%') does not exist"
    rows = [error(1449, 30), said(1449, text), failing("SELECT * FROM `totals`", 30)]
    cause = the_cause(verdict(*rows))
    assert (cause.id, cause.object) == ("failing_statements", "shop.totals")
    assert "definer" in cause.remedies[0].title.render("en")


@pytest.mark.parametrize(("errors", "name"), [(25, "shop.Kunde"), (24, "server")])
def test_a_table_that_only_a_trigger_names(errors: int, name: str) -> None:
    rows = [error(1146, 50), said(1146, "Table 'shop.audit' doesn't exist"), failing(UPDATE, errors)]
    assert causes(verdict(*rows)) == [("failing_statements", name)]


def test_no_more_than_three_are_told_at_once() -> None:
    rows = [failing(f"SELECT `a` FROM `t{number}`", 20 + number) for number in range(5)]
    diagnosis = verdict(*rows, flavour="mariadb")
    assert [each.object for each in found(diagnosis, "failing_statements")] == ["shop.t4", "shop.t3", "shop.t2"]


# --- logins ---


def login(number: int = 3118, raised: int = 20, ago: float = 600.0, user: str | None = "shop") -> StatementError:
    return replace(error(number, raised, ago), user_name=user)


def known(user: str, *, locked: bool = True, expired: bool = False, host: str = "%") -> AccountRow:
    return row_of(AccountRow, user_name=user, host=host, is_locked=locked, is_expired=expired, has_password=True)


@pytest.mark.parametrize(("raised", "ago", "expected"), [(20, 600.0, 1), (19, 1.0, 0), (20, 601.0, 0)])
def test_a_locked_account_is_named_and_unlocked(raised: int, ago: float, expected: int) -> None:
    diagnosis = verdict(login(raised=raised, ago=ago), known("shop"), known("former"), known("mysql.sys"))
    found_causes = [each for each in diagnosis.causes if each.id == "permission_error"]
    assert [each.object for each in found_causes] == ["'shop'@'%'"] * expected
    for cause in found_causes:
        assert cause.remedies[0].statements == ("ALTER USER 'shop'@'%' ACCOUNT UNLOCK;",)
        assert cause.remedies[0].rollback == ("ALTER USER 'shop'@'%' ACCOUNT LOCK;",)


def test_an_expired_password_and_a_login_without_tls_are_advised() -> None:
    for number, word, name in ((1862, "PASSWORD EXPIRE NEVER", "shop"), (3159, "TLS", "require_secure_transport")):
        (cause,) = [each for each in verdict(login(number)).causes if each.id == "permission_error"]
        assert (cause.object, cause.remedies[0].statements) == (name, ())
        assert word in cause.remedies[0].title.render("en")


def mariadb_logins(failed: float, denied: float, in_window: float, *accounts: AccountRow) -> Diagnosis:
    counted = {"Uptime": 9000.0, "Access_denied_errors": denied, "Connections": 90_000.0}
    earlier = snapshot(*counters(Aborted_connects=failed - in_window, **counted), flavour="mariadb")
    now = snapshot(
        *counters(Aborted_connects=failed, **counted), *accounts, flavour="mariadb", taken_seconds=5.0
    )  # fmt: skip
    return diagnose(now, earlier)


@pytest.mark.parametrize(
    ("failed", "denied", "in_window", "accounts", "expected"),
    [
        (20, 0, 1, [known("shop")], ["'shop'@'%'"]),
        (19, 0, 1, [known("shop")], []),
        (20, 1, 1, [known("shop")], []),
        (20, 0, 0, [known("shop")], []),
        (20, 0, 1, [known("shop", locked=False), known("mariadb.sys")], []),
        (20, 0, 1, [known("shop"), known("former")], ["server"]),
    ],
)  # fmt: skip
def test_mariadb_concludes_it_from_logins_that_fail_otherwise(
    failed: int, denied: int, in_window: int, accounts: list[AccountRow], expected: list[str]
) -> None:
    diagnosis = mariadb_logins(failed, denied, in_window, *accounts)
    assert [each.object for each in diagnosis.causes if each.id == "permission_error"] == expected
