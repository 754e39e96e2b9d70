"""Checks of settings on servers of the test's own: clean, broken, found, fixed, clean."""

from collections.abc import Callable

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio
Start = Callable[..., PrivateDatabase]
RELOAD = "SELECT pg_reload_conf()"
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


def objects(diagnosis: Diagnosis, cause_id: str) -> list[str]:
    return sorted(cause.object for cause in causes(diagnosis, cause_id))


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return sorted(finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}")


async def test_settings_of_the_server_are_found_and_set_back(fresh_server: Start) -> None:
    database = fresh_server(SAFE)
    clean = await database.examine()
    assert [findings(clean, each) for each in ("dangerous_settings", "planner_switches", "pending_restart")] == [[]] * 3
    assert findings(clean, "excessive_logging") == []
    database.execute(
        "ALTER SYSTEM SET full_page_writes = off",
        "ALTER SYSTEM SET enable_indexscan = off",
        "ALTER SYSTEM SET log_statement = 'all'",
        "ALTER SYSTEM SET shared_buffers = '64MB'",
        "ALTER SYSTEM SET work_mem = '64kB'",
        RELOAD,
    )
    broken = await database.examine()
    assert objects(broken, "dangerous_setting") == ["full_page_writes"]
    assert objects(broken, "planner_switch_off") == ["enable_indexscan"]
    assert objects(broken, "excessive_logging") == ["log_statement"]
    assert objects(broken, "pending_restart") == ["shared_buffers"]
    assert findings(broken, "memory_settings") == ["work_mem"]
    for cause_id in ("dangerous_setting", "planner_switch_off", "excessive_logging"):
        database.execute(*causes(broken, cause_id)[0].remedies[0].statements)
    database.execute(*causes(broken, "pending_restart")[0].remedies[1].statements)
    database.execute("ALTER SYSTEM RESET work_mem", RELOAD)
    healed = await database.examine()
    for cause_id in ("dangerous_setting", "planner_switch_off", "excessive_logging", "pending_restart"):
        assert objects(healed, cause_id) == []
    assert findings(healed, "memory_settings") == []


async def test_planner_switches_of_a_database_are_reset_there(database: PrivateDatabase) -> None:
    assert objects(await database.examine(), "planner_switch_off") == []
    database.execute(
        f'ALTER DATABASE "{database.name}" SET enable_bitmapscan = off',
        f'ALTER DATABASE "{database.name}" SET random_page_cost = 100',
    )
    (cause,) = causes(await database.examine(), "planner_switch_off")
    assert cause.severity == "warning"
    (remedy,) = cause.remedies
    assert len(remedy.statements) == 2
    database.execute(*remedy.statements)
    assert objects(await database.examine(), "planner_switch_off") == []


async def test_dangerous_settings_of_a_role_are_found(database: PrivateDatabase) -> None:
    role = database.create_reader(monitor=False)
    database.execute(f"ALTER ROLE {role} SET synchronous_commit = off")
    diagnosis = await database.examine()
    mine = [each for each in causes(diagnosis, "dangerous_setting") if role in each.remedies[0].statements[0]]
    assert len(mine) == 1
    database.execute(*mine[0].remedies[0].statements)
    after = causes(await database.examine(), "dangerous_setting")
    assert [each for each in after if role in each.remedies[0].statements[0]] == []


async def test_extensions_that_are_missing_are_told(database: PrivateDatabase) -> None:
    if "pg_stat_statements" in database.server.kind.extensions:
        assert findings(await database.examine(), "extensions") == []
        database.execute("DROP EXTENSION pg_stat_statements")
    assert findings(await database.examine(), "extensions") == ["pg_stat_statements"]


async def test_logging_prerequisites_are_named_until_they_are_set(fresh_server: Start) -> None:
    database = fresh_server({"log_lock_waits": "off"})
    assert findings(await database.examine(), "logging_prerequisites") == ["logging"]
    database.execute(
        "ALTER SYSTEM SET log_lock_waits = on",
        "ALTER SYSTEM SET log_temp_files = '10MB'",
        "ALTER SYSTEM SET log_checkpoints = on",
        "ALTER SYSTEM SET log_min_duration_statement = '1s'",
        "ALTER SYSTEM SET log_autovacuum_min_duration = '10min'",
        RELOAD,
    )
    assert findings(await database.examine(), "logging_prerequisites") == []


async def test_version_support_knows_the_versions_under_test(database: PrivateDatabase) -> None:
    from housecall.diagnosis.checks.postgresql.version_support import END_OF_SUPPORT

    diagnosis = await database.examine()
    assert diagnosis.snapshot.facts.version.major in END_OF_SUPPORT
    assert all(finding.severity.rank <= 1 for finding in diagnosis.findings if "version_support" in finding.check)


async def test_a_cost_of_a_tablespace_is_found_and_taken_back_there(fresh_server: Start) -> None:
    database = fresh_server()
    assert objects(await database.examine(), "planner_switch_off") == []
    database.execute(
        "ALTER TABLESPACE pg_default SET (random_page_cost = 900)", "ALTER SYSTEM SET cpu_operator_cost = 1", RELOAD
    )
    found = causes(await database.examine(), "planner_switch_off")
    assert sorted(each.object for each in found) == ["cpu_operator_cost", "random_page_cost"]
    for cause in found:
        database.execute(*cause.remedies[0].statements)
    assert objects(await database.examine(), "planner_switch_off") == []
