"""Checks and causes that read the end of the server's log, by hand-written rows."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.checks.postgresql._durations import seconds_of
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.replication import ReplicationSlot
from housecall.engines.postgresql.rows.rights import PrivilegeGap
from housecall.engines.postgresql.rows.server_log import LogMessage, ServerProcess, decoded
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting
from housecall.engines.postgresql.rows.tables import HotTable
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.testing import row_of, snapshot_of

REFUSED = Unavailable("server_log", "privilege", "permission denied for function pg_stat_file", "EXECUTE")
LOG_FILE = row_of(LogMessage, message="log/postgresql.log", entries=100)


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def found(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.object for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def missed(diagnosis: Diagnosis, check: str) -> list[str]:
    return [str(each.remedy) for each in diagnosis.not_evaluated if each.check == f"postgresql.{check}"]


def told(message: str, recent: int = 20, severity: str = "ERROR", **values: object) -> LogMessage:
    base = {"occurrences": recent, "last_seconds_ago": 5.0 if recent else 5000.0, **values}
    return row_of(LogMessage, severity=severity, message=message, recent=recent, **base)


def counters(commits: int, rollbacks: int, deadlocks: int = 0) -> TransactionCounters:
    return row_of(
        TransactionCounters, database="shop", is_current=True, commits=commits, rollbacks=rollbacks,
        deadlocks=deadlocks, statistics_seconds=600.0,
    )  # fmt: skip


def timeout(name: str, value: str, **values: object) -> RoleSetting:
    return row_of(RoleSetting, role_name="web", name=name, value=value, is_here=True, **values)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("15ms", 0.015), ("200", 0.2), ("2 min", 120.0), ("1h", 3600.0), ("soon", None), ("3 x", None)],
)
def test_stored_durations_are_read_in_their_units(value: str, seconds: float | None) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"relation \345\256\242\346\210\267 is missing", "relation 客户 is missing"),
        (r"C:\\temp", r"C:\temp"),
        ("plain", "plain"),
        (r"broken \377 byte", "broken � byte"),
        (None, None),
    ],
)
def test_texts_of_the_log_are_decoded_from_their_escapes(escaped: str | None, text: str | None) -> None:
    assert decoded(escaped) == text


def test_a_log_that_may_not_be_read_is_told_with_every_grant_that_is_needed() -> None:
    diagnosis = diagnose(snapshot_of(unavailable=[REFUSED]))
    for check in ("error_log", "permission_errors", "disk_full", "crash_restarts", "failed_logins"):
        (remedy,) = missed(diagnosis, check)
        assert remedy.startswith("GRANT pg_read_server_files TO reader; GRANT EXECUTE ON FUNCTION ")
        assert "pg_current_logfile()" in remedy


def test_a_log_that_goes_to_a_pipe_is_no_healthy_log() -> None:
    diagnosis = diagnose(snapshot_of(row_of(LogMessage)))
    assert "logging_collector" in missed(diagnosis, "error_log")[0]


@pytest.mark.parametrize(
    ("message", "statement", "granted"),
    [
        ("permission denied for table Order Lines at character 15", 'SELECT * FROM "Order Lines"', '"Order Lines"'),
        ("permission denied for table Order Lines", 'SELECT 1 FROM "Sales".a, "Sales"."Order Lines"',
         '"Sales"."Order Lines"'),
        ("permission denied for view v.2", 'SELECT * FROM "v.2"', '"v.2"'),
        ("permission denied for table user", None, '"user"'),
    ],
)  # fmt: skip
def test_a_grant_names_the_table_as_sql_reads_it(message: str, statement: str | None, granted: str) -> None:
    row = told(message, 9, user_name="web", statement=statement, sqlstate="42501")
    (cause,) = caused(diagnose(snapshot_of(row, LOG_FILE)), "permission_error")
    assert cause.object == granted
    assert cause.remedies[0].statements == (f"GRANT SELECT ON {granted} TO web;",)


@pytest.mark.parametrize(("count", "severity"), [(5, "warning"), (4, None)])
def test_permission_errors_of_a_program_are_a_cause_with_its_grant(count: int, severity: str | None) -> None:
    row = told(
        "permission denied for table orders", count, user_name="web", statement="INSERT INTO orders SELECT 1",
        sqlstate="42501",
    )  # fmt: skip
    diagnosis = diagnose(snapshot_of(row, LOG_FILE))
    assert found(diagnosis, "permission_errors") == ["orders"]
    causes = caused(diagnosis, "permission_error")
    assert [each.severity for each in causes] == ([severity] if severity else [])
    if severity:
        assert causes[0].remedies[0].statements == ("GRANT INSERT, SELECT ON orders TO web;",)
        assert causes[0].remedies[0].rollback == ("REVOKE INSERT, SELECT ON orders FROM web;",)


@pytest.mark.parametrize(
    ("message", "statement"),
    [
        ("permission denied for schema sales", "GRANT USAGE ON SCHEMA sales TO web;"),
        ("permission denied for sequence orders_id_seq", "GRANT USAGE, SELECT ON SEQUENCE orders_id_seq TO web;"),
        ("must be owner of table orders", None),
        ('new row violates row-level security policy for table "orders"', None),
    ],
)
def test_permission_errors_get_the_remedy_of_their_kind(message: str, statement: str | None) -> None:
    row = told(message, user_name="web", sqlstate="42501")
    (cause,) = caused(diagnose(snapshot_of(row, LOG_FILE)), "permission_error")
    assert cause.remedies[0].statements == ((statement,) if statement else ())


def test_permission_errors_that_are_over_are_not_told() -> None:
    row = told("permission denied for table orders", 0, occurrences=50, user_name="web")
    assert found(diagnose(snapshot_of(row, LOG_FILE)), "permission_errors") == []


@pytest.mark.parametrize(("rollbacks", "count"), [(50, 1), (49, 0)])
def test_permission_errors_are_inferred_from_rights_and_rollbacks_without_the_log(rollbacks: int, count: int) -> None:
    gap = row_of(
        PrivilegeGap, role_name="web", schema_name="public", table_name="orders", owner_name="dba", readable_tables=5,
        unreadable_tables=1,
    )  # fmt: skip
    diagnosis = diagnose(snapshot_of(gap, counters(200, rollbacks), unavailable=[REFUSED]))
    causes = caused(diagnosis, "permission_error")
    assert [each.object for each in causes] == ["public.orders"] * count
    assert all(each.confidence < 0.7 for each in causes)
    assert found(diagnose(snapshot_of(gap, counters(200, rollbacks), LOG_FILE)), "permission_errors") == []


@pytest.mark.parametrize(("count", "causes"), [(10, 1), (9, 0)])
def test_timeouts_too_short_are_those_that_strike_often(count: int, causes: int) -> None:
    row = told("canceling statement due to statement timeout", count, user_name="web")
    diagnosis = diagnose(snapshot_of(row, LOG_FILE, timeout("statement_timeout", "300ms")))
    named = caused(diagnosis, "timeout_too_short")
    assert [each.object for each in named] == ["statement_timeout"] * causes
    if causes:
        first, reset = named[0].remedies
        assert first.statements == ("ALTER ROLE web SET statement_timeout = '30s';",)
        assert first.rollback == ("ALTER ROLE web SET statement_timeout = '300ms';",)
        assert reset.statements == ("ALTER ROLE web RESET statement_timeout;",)


@pytest.mark.parametrize(("value", "count"), [("5s", 1), ("5001ms", 0)])
def test_timeouts_too_short_are_short(value: str, count: int) -> None:
    row = told("canceling statement due to statement timeout", 100)
    diagnosis = diagnose(snapshot_of(row, LOG_FILE, timeout("statement_timeout", value)))
    assert len(caused(diagnosis, "timeout_too_short")) == count


def test_timeouts_too_short_for_the_server_are_raised_for_the_server() -> None:
    settings = row_of(UpkeepSettings, lock_timeout_seconds=0.01, default_isolation="read committed")
    row = told("canceling statement due to lock timeout", 30)
    (cause,) = caused(diagnose(snapshot_of(row, LOG_FILE, settings)), "timeout_too_short")
    assert cause.object == "lock_timeout"
    assert cause.remedies[0].statements[0] == "ALTER SYSTEM SET lock_timeout = '5s';"


@pytest.mark.parametrize(("value", "commits", "count"), [("250ms", 200, 1), ("251ms", 200, 0), ("250ms", 201, 0)])
def test_timeouts_too_short_are_inferred_from_rollbacks_without_the_log(value: str, commits: int, count: int) -> None:
    rows = (timeout("statement_timeout", value), counters(commits, 50))
    diagnosis = diagnose(snapshot_of(*rows, unavailable=[REFUSED]))
    assert len(caused(diagnosis, "timeout_too_short")) == count


@pytest.mark.parametrize(("value", "count"), [("50ms", 1), ("51ms", 0)])
def test_timeouts_too_short_of_locks_are_tiny_without_the_log(value: str, count: int) -> None:
    rows = (timeout("lock_timeout", value), counters(200, 50))
    assert len(caused(diagnose(snapshot_of(*rows, unavailable=[REFUSED])), "timeout_too_short")) == count


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ('could not extend file "base/16384/16399": No space left on device', "data directory"),
        ('could not write to file "pg_wal/xlogtemp.77": No space left on device', "pg_wal"),
        ('could not write to file "base/pgsql_tmp/pgsql_tmp9.0": No space left on device', "temporary files"),
        ('could not extend file "pg_tblspc/16500/PG_15_1/5/9": No space left on device', "tablespace 16500"),
    ],
)
def test_disk_full_names_the_disk(message: str, place: str) -> None:
    diagnosis = diagnose(snapshot_of(told(message, 3), LOG_FILE))
    (cause,) = caused(diagnosis, "disk_full")
    assert (cause.object, cause.severity) == (place, "critical")
    assert cause.remedies[0].statements == ()
    assert found(diagnosis, "disk_full") == [place]


def test_disk_full_yesterday_is_not_told_today() -> None:
    message = 'could not extend file "base/1/2": No space left on device'
    day = 24 * 3600.0
    inside = diagnose(snapshot_of(told(message, 0, last_seconds_ago=day), LOG_FILE))
    outside = diagnose(snapshot_of(told(message, 0, last_seconds_ago=day + 1), LOG_FILE))
    assert [each.severity for each in caused(inside, "disk_full")] == ["warning"]
    assert caused(outside, "disk_full") == []


def test_a_slot_that_fills_the_disk_is_the_root() -> None:
    slot = row_of(
        ReplicationSlot, slot_name="gone", slot_type="physical", retained_bytes=5 * 1024**3, keep_limit_megabytes=-1,
        wal_status="extended", slot_total=1,
    )  # fmt: skip
    row = told('could not write to file "pg_wal/xlogtemp.77": No space left on device', 3, "PANIC")
    diagnosis = diagnose(snapshot_of(slot, row, LOG_FILE))
    assert caused(diagnosis, "disk_full") == []
    assert any("disk_full" in each for each in caused(diagnosis, "slot_retains_wal")[0].symptoms)


@pytest.mark.parametrize(("signal", "cause_id"), [(9, "out_of_memory_kill"), (11, "server_crash"), (6, "server_crash")])
def test_crash_restarts_are_told_by_their_signal(signal: int, cause_id: str) -> None:
    message = f"server process (PID 4711) was terminated by signal {signal}: Killed"
    row = told(message, 1, "LOG", detail="Failed process was running: SELECT 1")
    diagnosis = diagnose(snapshot_of(row, LOG_FILE))
    assert found(diagnosis, "crash_restarts") == ["server"]
    causes = [each for each in diagnosis.causes if each.id in ("out_of_memory_kill", "server_crash")]
    assert [each.id for each in causes] == [cause_id]


@pytest.mark.parametrize(("ago", "count"), [(3600.0, 1), (3601.0, 0)])
def test_crash_restarts_are_history_after_an_hour(ago: float, count: int) -> None:
    row = told("server process (PID 4711) was terminated by signal 9: Killed", 0, "LOG", last_seconds_ago=ago)
    assert len(caused(diagnose(snapshot_of(row, LOG_FILE)), "out_of_memory_kill")) == count


@pytest.mark.parametrize(("youngest", "count"), [(85.0, 1), (85.1, 0), (None, 0)])
def test_crash_restarts_show_in_the_age_of_processes_without_the_log(youngest: float | None, count: int) -> None:
    row = row_of(ServerProcess, server_seconds=100.0, youngest_seconds=youngest, youngest_name="checkpointer")
    diagnosis = diagnose(snapshot_of(row, unavailable=[REFUSED]))
    causes = caused(diagnosis, "out_of_memory_kill")
    assert len(causes) == count
    assert all(each.confidence < 0.5 for each in causes)


@pytest.mark.parametrize(("server", "count"), [(700.0, 1), (699.0, 0)])
def test_crash_restarts_of_old_versions_are_not_a_long_recovery_at_the_start(server: float, count: int) -> None:
    row = row_of(ServerProcess, server_seconds=server, youngest_seconds=100.0, youngest_name="checkpointer")
    diagnosis = diagnose(snapshot_of(row, unavailable=[REFUSED], version=140010))
    assert len(found(diagnosis, "crash_restarts")) == count


def test_refused_memory_is_told_as_such() -> None:
    row = told("out of memory", 4, detail="Failed on request of size 1048576.", sqlstate="53200")
    (cause,) = caused(diagnose(snapshot_of(row, LOG_FILE)), "out_of_memory_kill")
    assert cause.severity == "warning"


@pytest.mark.parametrize(("count", "severity"), [(20, "warning"), (19, "notice"), (3, "notice"), (2, None)])
def test_failed_logins_of_a_program_are_login_failures(count: int, severity: str | None) -> None:
    row = told('password authentication failed for user "web"', count, "FATAL", sqlstate="28P01")
    diagnosis = diagnose(snapshot_of(row, LOG_FILE))
    assert [each.severity for each in diagnosis.findings if each.check == "postgresql.failed_logins"] == (
        [severity] if severity else []
    )
    assert [each.object for each in caused(diagnosis, "login_failures")] == (["role web"] if count >= 20 else [])


@pytest.mark.parametrize(("count", "names"), [(30, ["duplicate_key"]), (29, [])])
def test_error_log_counts_errors_of_one_kind(count: int, names: list[str]) -> None:
    row = told('duplicate key value violates unique constraint "orders_pkey"', count)
    assert found(diagnose(snapshot_of(row, LOG_FILE)), "error_log") == names


def test_error_log_tells_a_panic_and_damaged_data_at_once() -> None:
    panic = told("could not locate a valid checkpoint record", 1, "PANIC")
    damage = told("invalid page in block 7 of relation base/5/16400", 1, sqlstate="XX001")
    diagnosis = diagnose(snapshot_of(panic, damage, LOG_FILE))
    severities = [each.severity for each in diagnosis.findings if each.check == "postgresql.error_log"]
    assert severities == ["critical", "critical"]
    assert caused(diagnosis, "damaged_pages")


def test_errors_of_another_database_are_not_ours() -> None:
    row = told("permission denied for table orders", 50, database="other", user_name="web")
    assert found(diagnose(snapshot_of(row, LOG_FILE)), "permission_errors") == []


@pytest.mark.parametrize(("commits", "count"), [(4000, 1), (4001, 0)])
def test_failing_transactions_are_unknown_when_the_log_may_not_be_read(commits: int, count: int) -> None:
    settings = row_of(UpkeepSettings, default_isolation="read committed")
    diagnosis = diagnose(snapshot_of(settings, counters(commits, 1000), unavailable=[REFUSED]))
    causes = caused(diagnosis, "unknown")
    assert len(causes) == count
    assert all("GRANT pg_read_server_files" in str(each.remedies[0].title) for each in causes)
    assert caused(diagnose(snapshot_of(settings, counters(commits, 1000), LOG_FILE)), "unknown") == []


@pytest.mark.parametrize(
    ("values", "commits", "rollbacks", "count"),
    [
        ({"role_name": "shop_app", "owns_tables": True}, 200, 50, 1),
        ({"role_name": "shop_app", "owns_tables": True}, 201, 50, 0),
        ({"role_name": "shop_app", "owns_tables": True}, 0, 49, 0),
        ({"role_name": "reader", "owns_tables": False}, 0, 500, 0),  # it is meant to look only
        ({"database_name": "shop"}, 0, 500, 1),
        ({"database_name": "shop", "value": "off"}, 0, 500, 0),
    ],
)
def test_an_application_that_may_not_write_is_told_once_it_fails(
    values: dict[str, object], commits: int, rollbacks: int, count: int
) -> None:
    base: dict[str, object] = {"name": "default_transaction_read_only", "value": "on", "is_here": True, **values}
    diagnosis = diagnose(snapshot_of(row_of(RoleSetting, **base), counters(commits, rollbacks)))
    causes = caused(diagnosis, "dangerous_setting")
    assert [each.object for each in causes] == ["default_transaction_read_only"] * count
    assert all("RESET default_transaction_read_only" in each.remedies[0].statements[0] for each in causes)


# --- temporary files over their limit ---

OVER = 'temporary file size exceeds "temp_file_limit" (1024kB)'


@pytest.mark.parametrize(("recent", "count"), [(3, 1), (2, 0), (0, 0)])
def test_statements_over_the_limit_of_temporary_files_are_told_from_the_third_on(recent: int, count: int) -> None:
    message = told(OVER, recent, sqlstate="53400", statement="SELECT * FROM orders ORDER BY note", user_name="web")
    diagnosis = diagnose(snapshot_of(LOG_FILE, message, timeout("temp_file_limit", "1MB")))
    causes = caused(diagnosis, "sort_spill")
    assert [each.object for each in causes] == ["temp_file_limit"] * count
    for cause in causes:
        assert cause.summary.render("en").endswith("passed temp_file_limit (1 MB) of role web.")
        assert cause.remedies[0].statements == ("ALTER ROLE web RESET temp_file_limit;",)


def test_a_limit_of_the_server_is_raised_tenfold() -> None:
    limit = row_of(ServerSetting, name="temp_file_limit", value="1024", unit="kB", source="configuration file")
    diagnosis = diagnose(snapshot_of(LOG_FILE, told(OVER, sqlstate="53400"), limit))
    (cause,) = caused(diagnosis, "sort_spill")
    assert cause.remedies[0].statements[0] == "ALTER SYSTEM SET temp_file_limit = '10240kB';"
    assert cause.remedies[0].rollback[0] == "ALTER SYSTEM SET temp_file_limit = '1024kB';"


def test_a_limit_of_temporary_files_that_was_lifted_since_is_over() -> None:
    message = told(OVER, sqlstate="53400", user_name="web")
    assert caused(diagnose(snapshot_of(LOG_FILE, message)), "sort_spill") == []
    assert caused(diagnose(snapshot_of(LOG_FILE, message, timeout("temp_file_limit", "10MB"))), "sort_spill") == []


def test_a_limit_of_temporary_files_without_the_log_is_not_evaluated() -> None:
    limited = diagnose(snapshot_of(timeout("temp_file_limit", "1MB"), unavailable=[REFUSED]))
    assert missed(limited, "temp_file_limit")
    assert not missed(diagnose(snapshot_of(unavailable=[REFUSED])), "temp_file_limit")


# statements that fail at every call


FAILURES = {
    'column "colour" does not exist at character 8': ("public.orders", "run the migration"),
    'relation "carts" does not exist at character 15': ("carts", "run the migration"),
    "function tidy(integer) does not exist": ("tidy", "run the migration"),
    'no partition of relation "orders" found for row': ("public.orders", "Create the partition"),
    'prepared statement "s_7" does not exist': ("shop", "max_prepared_statements"),
    'prepared statement "S_1" already exists': ("shop", "max_prepared_statements"),
    "cached plan must not change result type": ("public.orders", "reconnect"),
    'column "o.id" must appear in the GROUP BY clause or be used in an aggregate function': (
        "public.orders", "Correct the statement",
    ),
    "there is no unique or exclusion constraint matching the ON CONFLICT specification": (
        "public.orders", "Correct the statement",
    ),
    "out of shared memory": ("max_locks_per_transaction", "max_locks_per_transaction"),
}  # fmt: skip
ORDERS_TABLE = row_of(HotTable, schema_name="public", table_name="orders", live_rows=10.0)


def failing(message: str, **values: object) -> Diagnosis:
    row = told(message, **{"statement": "SELECT colour FROM orders", **values})
    return diagnose(snapshot_of(row, LOG_FILE, ORDERS_TABLE))


@pytest.mark.parametrize(("message", "expected"), FAILURES.items())
def test_statements_that_fail_are_told_by_what_they_ask_for(message: str, expected: tuple[str, str]) -> None:
    name, advice = expected
    (cause,) = caused(failing(message), "failing_statements")
    assert (cause.object, cause.severity) == (name, "warning")
    assert advice in cause.remedies[0].title.render()


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"recent": 20}, 1),
        ({"recent": 19}, 0),
        ({"last_seconds_ago": 600.0}, 1),
        ({"last_seconds_ago": 601.0}, 0),
        ({"severity": "WARNING"}, 0),
    ],
)
def test_statements_that_failed_seldom_or_long_ago_are_nobodys_trouble(values: dict, count: int) -> None:
    assert len(caused(failing('column "colour" does not exist', **values), "failing_statements")) == count


@pytest.mark.parametrize(
    "message",
    ['duplicate key value violates unique constraint "k"', 'new row for relation "t" violates check constraint "c"',
     "canceling statement due to user request", "division by zero"],
)  # fmt: skip
def test_what_fails_in_everyday_work_is_left_out(message: str) -> None:
    assert caused(failing(message, recent=500), "failing_statements") == []


def test_values_that_do_not_fit_are_a_notice() -> None:
    (cause,) = caused(failing("value too long for type character varying(8)", recent=500), "failing_statements")
    assert cause.severity == "notice"


def test_many_errors_of_one_kind_are_explained_by_the_statement_that_fails() -> None:
    diagnosis = failing('column "colour" does not exist', recent=40)
    told_too = {each.fingerprint for each in diagnosis.findings if each.check == "postgresql.error_log"}
    assert told_too
    assert told_too <= set(caused(diagnosis, "failing_statements")[0].absorbs)


@pytest.mark.parametrize(("value", "severities"), [("5s", ["notice"]), ("5001", []), ("0", [])])
def test_without_the_log_an_idle_session_that_is_ended_at_once_is_told_by_the_setting(
    value: str, severities: list[str]
) -> None:
    diagnosis = diagnose(snapshot_of(timeout("idle_session_timeout", value), unavailable=[REFUSED]))
    causes = caused(diagnosis, "timeout_too_short")
    assert [each.severity for each in causes] == severities
    for cause in causes:
        assert "between two statements" in cause.summary.render()
        assert "only the server's log" in cause.because[0].render()
        assert cause.remedies[0].statements == ("ALTER ROLE web SET idle_session_timeout = '1h';",)


@pytest.mark.parametrize(("commits", "rollbacks", "told_too"), [(200, 50, True), (201, 50, False), (100, 49, False)])
def test_a_fifth_of_few_transactions_failing_is_told_as_what_only_the_log_explains(
    commits: int, rollbacks: int, told_too: bool
) -> None:
    settings = row_of(UpkeepSettings, default_isolation="read committed")
    diagnosis = diagnose(snapshot_of(settings, counters(commits, rollbacks), unavailable=[REFUSED]))
    assert bool(caused(diagnosis, "unknown")) is told_too
