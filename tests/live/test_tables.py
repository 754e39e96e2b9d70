"""Checks of tables and planner statistics on real servers: clean, broken, found, fixed, clean."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return [finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


async def test_stale_statistics_are_a_warning_where_autovacuum_will_not_help(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE events (id int, kind text) WITH (autovacuum_enabled = off)",
        "INSERT INTO events SELECT g, 'old' FROM generate_series(1, 1000) AS g",
    )
    database.execute("ANALYZE events")  # in a session of its own: the load's counters must be reported before
    assert findings(await database.examine(), "stale_statistics") == []
    database.execute(
        "INSERT INTO events SELECT g, 'new' FROM generate_series(1, 40000) AS g", "SELECT count(*) FROM events"
    )
    diagnosis = await database.examine()
    assert findings(diagnosis, "stale_statistics") == ["public.events"]
    (cause,) = causes(diagnosis, "stale_statistics")
    assert cause.severity == "warning"
    for remedy in cause.remedies:
        database.execute(*remedy.statements)
    assert causes(await database.examine(), "stale_statistics") == []
    assert database.value("SELECT reloptions FROM pg_class WHERE relname = 'events'") is None


async def test_stale_statistics_that_autovacuum_sees_to_are_a_notice(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE events (id int)", "INSERT INTO events SELECT g FROM generate_series(1, 40000) AS g")
    (cause,) = causes(await database.examine(), "stale_statistics")
    assert cause.severity == "notice"
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "stale_statistics") == []


async def test_no_primary_key_is_found_and_a_unique_index_becomes_the_key(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE small (id int)", "INSERT INTO small VALUES (1)")
    assert findings(await database.examine(), "no_primary_key") == []
    database.execute(
        "CREATE TABLE ledger (entry bigint NOT NULL, amount numeric)",
        "INSERT INTO ledger SELECT g, g FROM generate_series(1, 5000) AS g",
        "CREATE UNIQUE INDEX one_entry ON ledger (entry)",
    )
    diagnosis = await database.examine()
    assert findings(diagnosis, "no_primary_key") == ["public.ledger"]
    (cause,) = causes(diagnosis, "no_primary_key")
    assert cause.severity == "notice"
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "no_primary_key") == []


async def test_a_published_table_with_no_primary_key_is_a_warning(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE sent (id int)", "CREATE PUBLICATION out FOR TABLE sent")
    (cause,) = causes(await database.examine(), "no_primary_key")
    assert cause.severity == "warning"
    with pytest.raises(Exception, match="replica identity"):
        database.execute("INSERT INTO sent VALUES (1)", "DELETE FROM sent")
    database.execute(*cause.remedies[0].statements, "DELETE FROM sent")
    assert causes(await database.examine(), "no_primary_key") == []


async def test_hot_sequential_scans_of_a_small_table_are_not_reported(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE tiny (id int)", "INSERT INTO tiny SELECT g FROM generate_series(1, 40) AS g")
    with database.connect() as connection:
        for _ in range(3000):
            connection.execute("SELECT * FROM tiny WHERE id = 7")
    assert findings(await database.examine(), "hot_sequential_scans") == []
