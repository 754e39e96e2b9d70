"""Checks that read the server's own log, on servers of the test's own: clean, broken, found, fixed, clean."""

import os
import signal
from collections.abc import Callable

import psycopg
import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio
Start = Callable[..., PrivateDatabase]
CHECKS = ("error_log", "permission_errors", "disk_full", "crash_restarts", "failed_logins", "timeouts_too_short")
COLLECTED = {"logging_collector": "on", "log_directory": "log", "log_line_prefix": "%m [%p] %q%u@%d "}


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return [finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


def fails(database: PrivateDatabase, statement: str, times: int, role: str | None = None) -> None:
    with database.connect(role=role) as connection:
        for _ in range(times):
            with pytest.raises(psycopg.Error):
                connection.execute(statement.encode())


def raise_as_the_server_would(database: PrivateDatabase, code: str, message: str, times: int = 1) -> None:
    fails(database, f"DO $$ BEGIN RAISE EXCEPTION '%', '{message}' USING ERRCODE = '{code}'; END $$", times)


@pytest.mark.parametrize(
    "destination", ["stderr", "csvlog", pytest.param("jsonlog", marks=pytest.mark.since(15, "the log as JSON"))]
)
async def test_permission_errors_are_found_in_every_kind_of_log_and_the_grant_mends_them(
    fresh_server: Start, destination: str
) -> None:
    database = fresh_server({**COLLECTED, "log_destination": destination})
    database.execute("CREATE TABLE 客户 (id int)", "CREATE TABLE orders (id int)", "CREATE ROLE web LOGIN")
    clean = await database.examine()
    assert [findings(clean, check) for check in CHECKS] == [[]] * len(CHECKS)
    fails(database, "SELECT * FROM 客户", 6, "web")
    diagnosis = await database.examine()
    (cause,) = causes(diagnosis, "permission_error")
    assert "客户" in cause.object
    assert cause.remedies[0].statements[0].endswith(" TO web;")
    assert findings(diagnosis, "permission_errors") == [cause.object]
    database.execute(*cause.remedies[0].statements)
    with database.connect(role="web") as connection:
        connection.execute("SELECT * FROM 客户".encode())


@pytest.mark.since(15, "counters are there at once")
async def test_permission_errors_are_inferred_by_a_role_that_may_not_read_the_log(fresh_server: Start) -> None:
    database = fresh_server()
    reader = database.create_reader()
    database.execute(
        "CREATE ROLE web LOGIN", "GRANT CREATE ON SCHEMA public TO web", "SET ROLE web", "CREATE TABLE a (id int)",
        "CREATE TABLE b (id int)",
    )  # fmt: skip
    database.execute("CREATE TABLE c (id int)")
    with database.connect() as connection:
        connection.execute("ALTER TABLE a OWNER TO web")
        connection.execute("ALTER TABLE b OWNER TO web")
    assert causes(await database.examine(role=reader), "permission_error") == []
    fails(database, "SELECT * FROM c", 120, "web")
    diagnosis = await database.examine(role=reader)
    (cause,) = causes(diagnosis, "permission_error")
    assert (cause.object, cause.remedies[0].statements) == ("public.c", ("GRANT SELECT ON public.c TO web;",))
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(role=reader), "permission_error") == []


async def test_a_reader_sees_the_log_once_it_has_the_grants_that_are_named(fresh_server: Start) -> None:
    database = fresh_server()
    reader = database.create_reader()
    missed = {each.check: each.remedy for each in (await database.examine(role=reader)).not_evaluated}
    assert "postgresql.error_log" in missed
    assert "postgresql.external_load" in missed
    for check in ("error_log", "external_load"):
        database.execute(*str(missed[f"postgresql.{check}"]).rstrip(";").split(";"))
    again = {each.check for each in (await database.examine(role=reader)).not_evaluated}
    assert not again & {f"postgresql.{check}" for check in (*CHECKS, "external_load")}


async def test_timeouts_too_short_are_raised_for_the_role(fresh_server: Start) -> None:
    database = fresh_server()
    database.execute("CREATE ROLE web LOGIN", "ALTER ROLE web SET statement_timeout = '20ms'")
    assert causes(await database.examine(), "timeout_too_short") == []
    fails(database, "SELECT pg_sleep(1)", 10, "web")
    (cause,) = causes(await database.examine(), "timeout_too_short")
    assert cause.object == "statement_timeout"
    database.execute(*cause.remedies[0].statements)
    with database.connect(role="web") as connection:
        connection.execute("SELECT pg_sleep(0.1)")
    assert causes(await database.examine(), "timeout_too_short") == []


async def test_statements_over_the_limit_of_temporary_files_are_told_until_it_is_lifted(fresh_server: Start) -> None:
    database = fresh_server()
    database.execute("CREATE ROLE web LOGIN", "ALTER ROLE web SET work_mem = '64kB'")
    assert [each.object for each in causes(await database.examine(), "sort_spill")] != ["temp_file_limit"]
    database.execute("ALTER ROLE web SET temp_file_limit = '1MB'")
    fails(database, "SELECT n, md5(n::text) FROM generate_series(1, 200000) AS n ORDER BY 2", 3, "web")
    (cause,) = [each for each in causes(await database.examine(), "sort_spill") if each.object == "temp_file_limit"]
    database.execute(*cause.remedies[0].statements)
    with database.connect(role="web") as connection:
        connection.execute("SELECT n, md5(n::text) FROM generate_series(1, 200000) AS n ORDER BY 2")
    assert "temp_file_limit" not in [each.object for each in causes(await database.examine(), "sort_spill")]


async def test_disk_full_damage_and_many_errors_are_told_from_the_log(fresh_server: Start) -> None:
    database = fresh_server()
    raise_as_the_server_would(database, "53100", 'could not extend file "base/5/16400": No space left on device')
    raise_as_the_server_would(database, "XX001", "invalid page in block 3 of relation base/5/16400")
    raise_as_the_server_would(database, "23505", "duplicate key value violates unique constraint", 30)
    diagnosis = await database.examine()
    assert [cause.object for cause in causes(diagnosis, "disk_full")] == ["data directory"]
    assert sorted(findings(diagnosis, "error_log")) == ["duplicate_key", "server"]
    assert len(causes(diagnosis, "damaged_pages")) == 1


async def test_failed_logins_of_a_program_are_found(fresh_server: Start) -> None:
    database = fresh_server()
    for _ in range(20):
        with pytest.raises(psycopg.OperationalError):
            database.connect(role="nobody_here")
    diagnosis = await database.examine()
    assert [cause.object for cause in causes(diagnosis, "login_failures")] == ["role nobody_here"]
    assert findings(diagnosis, "failed_logins") == ["role nobody_here"]


async def test_crash_restarts_by_signal_nine_are_found_with_and_without_the_log(fresh_server: Start) -> None:
    database = fresh_server()
    reader = database.create_reader()
    assert findings(await database.examine(), "crash_restarts") == []
    started = "SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    first = database.value(started)
    database.execute("CHECKPOINT")  # the server does not sync, and the role must outlive its crash
    connection = database.connect()
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    connection.close()
    while True:
        try:
            if database.value(started) not in (None, first):
                break
        except psycopg.OperationalError:
            continue
    (cause,) = causes(await database.examine(), "out_of_memory_kill")
    assert cause.confidence > 0.8
    rows = (await database.examine(role=reader)).snapshot.readings["process_starts"]
    assert rows[0].youngest_seconds < rows[0].server_seconds  # type: ignore[index,union-attr]


async def test_failing_statements_are_told_with_the_table_that_lacks_what_they_ask_for(fresh_server: Start) -> None:
    database = fresh_server(COLLECTED)
    database.execute(
        'CREATE TABLE "Order Lines" (id int, day date) PARTITION BY RANGE (day)',
        "CREATE TABLE lines_1 PARTITION OF \"Order Lines\" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "ANALYZE",
    )
    assert causes(await database.examine(), "failing_statements") == []
    fails(database, 'SELECT colour FROM "Order Lines"', 25)
    fails(database, "INSERT INTO \"Order Lines\" VALUES (1, '2026-02-03')", 25)
    found = causes(await database.examine(), "failing_statements")
    assert [each.severity for each in found] == ["warning", "warning"]
    assert {each.object.removeprefix("public.") for each in found} == {'"Order Lines"'}
    words = " ".join(remedy.title.render() for each in found for remedy in each.remedies)
    assert "run the migration" in words
    assert "Create the partition" in words
    database.execute(
        "CREATE TABLE lines_2 PARTITION OF \"Order Lines\" FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')"
    )
    database.execute("INSERT INTO \"Order Lines\" VALUES (1, '2026-02-03')")
