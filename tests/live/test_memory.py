"""Checks of cache, temporary files and checkpoints on real servers: clean, broken, found, fixed, clean."""

from collections.abc import Callable

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.check import Limits, all_checks
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio
Start = Callable[..., PrivateDatabase]


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return [finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


def sort_twelve_times(database: PrivateDatabase) -> None:
    with database.connect() as connection:
        for number in range(12):
            connection.execute(f"SELECT note FROM wide ORDER BY note, id + {number} OFFSET 50000").fetchall()


async def test_temp_spills_of_a_tiny_work_mem_are_sort_spill_and_its_reset_mends_them(
    database: PrivateDatabase,
) -> None:
    database.execute(
        "CREATE TABLE wide (id int PRIMARY KEY, note text)",
        "INSERT INTO wide SELECT g, md5(g::text) || repeat('x', 60) FROM generate_series(1, 50000) AS g",
        "VACUUM ANALYZE wide",
    )
    assert findings(await database.examine(), "temp_spills") == []
    database.execute(f"ALTER DATABASE \"{database.name}\" SET work_mem = '64kB'")
    sort_twelve_times(database)
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "temp_spills")) == 1
    (cause,) = causes(diagnosis, "sort_spill")
    assert cause.severity == "warning"
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_reset()")
    assert causes(await database.examine(), "sort_spill") == []


async def test_checkpoint_pressure_is_a_checkpoint_storm_and_more_wal_room_mends_it(fresh_server: Start) -> None:
    database = fresh_server({"max_wal_size": "32MB", "min_wal_size": "32MB"})
    assert findings(await database.examine(), "checkpoint_pressure") == []
    database.execute("CREATE TABLE filler (id int, note text)")
    view = "pg_stat_checkpointer" if database.server.version >= 17 else "pg_stat_bgwriter"
    forced = "num_requested" if database.server.version >= 17 else "checkpoints_req"
    for _ in range(40):
        database.execute("INSERT INTO filler SELECT g, repeat('x', 300) FROM generate_series(1, 60000) AS g")
        if database.value(f"SELECT {forced} FROM {view}") >= 8:
            break
    (cause,) = causes(await database.examine(), "checkpoint_storm")
    assert cause.object == "max_wal_size"
    assert cause.severity == "warning"
    reset = "checkpointer" if database.server.version >= 17 else "bgwriter"
    database.execute(*cause.remedies[0].statements, f"SELECT pg_stat_reset_shared('{reset}')")
    assert causes(await database.examine(), "checkpoint_storm") == []


async def test_cache_hit_is_not_judged_in_the_first_minutes(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE wide (id int, note text)",
        "INSERT INTO wide SELECT g, repeat('x', 300) FROM generate_series(1, 50000) AS g",
        "SELECT pg_stat_reset()",
        "SELECT count(*) FROM wide",
    )
    diagnosis = await database.examine()
    assert findings(diagnosis, "cache_hit") == []
    check = next(each for each in all_checks() if each.check.id == "postgresql.cache_hit")
    old = Limits(check.check.thresholds, {"min_uptime_seconds": 0, "min_blocks": 1, "low_share": 1.1})
    assert len(list(check.judge(diagnosis.snapshot, None, old))) == 1


async def test_checksum_failures_of_a_sound_database_are_none(database: PrivateDatabase) -> None:
    assert findings(await database.examine(), "checksum_failures") == []
