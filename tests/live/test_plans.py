"""Checks of misled plans, of rows fetched whole and of locked tables on real servers: clean, broken, found, fixed."""

import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio
Start = Callable[..., PrivateDatabase]


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return [finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


def run(database: PrivateDatabase, statement: str, times: int = 20) -> None:
    with database.connect() as connection:
        connection.prepare_threshold = None
        for number in range(times):
            connection.execute(statement.replace("{n}", str(number)).encode()).fetchall()


@contextmanager
def looping(database: PrivateDatabase, statement: str) -> Any:
    """The statement again and again in a session of its own, for as long as the block runs."""
    stop = threading.Event()

    def loop() -> None:
        with database.connect() as connection:
            connection.prepare_threshold = None
            while not stop.is_set():
                connection.execute(statement.encode()).fetchall()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.extensions("pg_stat_statements")
async def test_correlated_columns_are_found_and_extended_statistics_mend_them(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE places (id bigint PRIMARY KEY, city text, zip text, n int)",
        "INSERT INTO places SELECT g, 'c' || g % 150, 'z' || g % 150, g FROM generate_series(1, 90000) AS g",
        "CREATE INDEX ON places (city)", "CREATE INDEX ON places (zip)", "VACUUM ANALYZE places",
        "SELECT pg_stat_statements_reset()",
    )  # fmt: skip
    text = (
        "SELECT count(*) FROM places AS a JOIN places AS b ON b.n < a.n"
        " WHERE a.city = 'c7' AND a.zip = 'z7' AND b.city = 'c9' AND b.zip = 'z9'"
    )
    assert findings(await database.examine(), "correlated_columns") == []
    run(database, text, 10)
    diagnosis = await database.examine()
    (cause,) = causes(diagnosis, "correlated_columns")
    assert cause.object == "public.places(city, zip)"
    assert findings(diagnosis, "correlated_columns")
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "correlated_columns") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_correlated_columns_are_not_seen_in_columns_that_are_independent(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE places (id bigint PRIMARY KEY, city text, kind text, n int)",
        "INSERT INTO places SELECT g, 'c' || g / 600, 'k' || (g * 7919) % 7, g FROM generate_series(1, 90000) AS g",
        "VACUUM ANALYZE places", "SELECT pg_stat_statements_reset()",
    )  # fmt: skip
    run(database, "SELECT count(*) FROM places WHERE city = 'c7' AND kind = 'k3'")
    assert findings(await database.examine(), "correlated_columns") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_column_statistics_that_are_switched_off_are_found_and_gathered_again(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE badges (id bigint PRIMARY KEY, kind text, owner int)",
        "INSERT INTO badges SELECT g, CASE WHEN g % 900 = 0 THEN 'rare' ELSE 'plain' END, g % 3000"
        " FROM generate_series(1, 90000) AS g",
        "VACUUM ANALYZE badges", "SELECT pg_stat_statements_reset()",
    )  # fmt: skip
    text = "SELECT count(DISTINCT owner) FROM badges WHERE kind = 'plain'"
    run(database, text)
    assert findings(await database.examine(), "column_statistics") == []
    database.execute("ALTER TABLE badges ALTER kind SET STATISTICS 0", "ANALYZE badges")
    run(database, text)
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "column_statistics")) == 1
    (cause,) = causes(diagnosis, "stale_statistics")
    assert cause.object == "public.badges(kind)"
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "stale_statistics") == []
    assert database.value("SELECT count(*) FROM pg_stats WHERE tablename = 'badges' AND attname = 'kind'") == 1


@pytest.mark.extensions("pg_stat_statements")
async def test_partition_pruning_is_defeated_until_the_key_stands_bare(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE history (at date NOT NULL, n int) PARTITION BY RANGE (at)",
        *(
            f"CREATE TABLE history_{m} PARTITION OF history FOR VALUES FROM ('2026-0{m}-01') TO ('2026-0{m + 1}-01')"
            for m in range(1, 7)
        ),
        "INSERT INTO history SELECT date '2026-01-01' + g % 180, g FROM generate_series(1, 90000) AS g",
        "ANALYZE history", "SELECT pg_stat_statements_reset()",
    )  # fmt: skip
    run(database, "SELECT sum(n) FROM history WHERE at >= '2026-02-01' AND at < '2026-03-01'")
    assert causes(await database.examine(), "partition_pruning_defeated") == []
    run(database, "SELECT sum(n) FROM history WHERE to_char(at, 'YYYY-MM') = '2026-02'")
    diagnosis = await database.examine()
    assert [cause.object for cause in causes(diagnosis, "partition_pruning_defeated")] == ["public.history"]
    assert len(findings(diagnosis, "partition_pruning")) == 1


@pytest.mark.extensions("pg_stat_statements")
async def test_generic_plan_skew_is_found_in_prepared_statements_and_the_reset_mends_it(
    database: PrivateDatabase,
) -> None:
    database.execute(
        "CREATE TABLE orders (id bigint PRIMARY KEY, status text, note text)",
        "INSERT INTO orders SELECT g, CASE WHEN g > 89000 THEN 'open' ELSE 'done' END, md5(g::text)"
        " FROM generate_series(1, 90000) AS g",
        "CREATE INDEX ON orders (status)", "VACUUM ANALYZE orders", "SELECT pg_stat_statements_reset()",
    )  # fmt: skip
    assert causes(await database.examine(), "generic_plan_skew") == []
    database.execute(f'ALTER DATABASE "{database.name}" SET plan_cache_mode = force_generic_plan')
    with database.connect() as connection:
        connection.execute("PREPARE by_status (text) AS SELECT note FROM orders WHERE status = $1")
        for _ in range(30):
            connection.execute("EXECUTE by_status ('open')").fetchall()
    diagnosis = await database.examine()
    (cause,) = causes(diagnosis, "generic_plan_skew")
    assert findings(diagnosis, "generic_plan_skew")
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_statements_reset()")
    assert causes(await database.examine(), "generic_plan_skew") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_wide_rows_are_found_until_only_the_needed_columns_are_fetched(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE documents (id bigint PRIMARY KEY, title text, body text)",
        "ALTER TABLE documents ALTER COLUMN body SET STORAGE EXTERNAL",
        "INSERT INTO documents SELECT g, 'd' || g, repeat(md5(g::text), 300) FROM generate_series(1, 1500) AS g",
        "VACUUM ANALYZE documents", "SELECT pg_stat_statements_reset()",
    )  # fmt: skip
    run(database, "SELECT id, title FROM documents WHERE id < 1000")
    assert causes(await database.examine(), "wide_rows_fetched") == []
    run(database, "SELECT * FROM documents WHERE id < 1000")
    diagnosis = await database.examine()
    assert [cause.object for cause in causes(diagnosis, "wide_rows_fetched")] == ["public.documents"]
    assert len(findings(diagnosis, "wide_rows")) == 1
    database.execute("SELECT pg_stat_statements_reset()")
    run(database, "SELECT id, title FROM documents WHERE id < 1000")
    assert causes(await database.examine(), "wide_rows_fetched") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_plan_regression_is_seen_in_the_window_after_a_change(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE things (id bigint PRIMARY KEY, n int, note text)",
        "INSERT INTO things SELECT g, g, repeat('x', 100) FROM generate_series(1, 120000) AS g",
        "VACUUM ANALYZE things", "SELECT pg_stat_statements_reset()",
    )  # fmt: skip
    statement = "SELECT note FROM things WHERE id = 77"
    run(database, statement, 300)
    with looping(database, statement):
        assert findings(await database.examine(window_seconds=1.5), "plan_regression") == []
    database.execute(f'ALTER DATABASE "{database.name}" SET enable_indexscan = off')
    database.execute(f'ALTER DATABASE "{database.name}" SET enable_bitmapscan = off')
    database.execute("SELECT pg_stat_statements_reset()")
    with database.connect() as connection:
        connection.execute("SET enable_indexscan = on")
        for _ in range(300):
            connection.execute(statement.encode(), prepare=False).fetchall()
    with looping(database, statement):
        diagnosis = await database.examine(window_seconds=1.5)
    assert len(findings(diagnosis, "plan_regression")) == 1
    # the switched-off planner is the reason, so that the worse plan is no cause of its own
    assert causes(diagnosis, "plan_regression") == []


async def test_table_locks_of_lock_table_are_the_root_of_those_who_wait(fresh_server: Start) -> None:
    database = fresh_server()
    database.execute("CREATE TABLE orders (id int)")
    assert findings(await database.examine(), "table_locks") == []
    holder = psycopg.connect(database.dsn)
    holder.execute("LOCK TABLE orders IN EXCLUSIVE MODE")
    waiters = [
        threading.Thread(target=database.execute, args=("INSERT INTO orders VALUES (1)",), daemon=True)
        for _ in range(2)
    ]
    for waiter in waiters:
        waiter.start()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    longest = "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - query_start)), 0) FROM pg_stat_activity"
    while database.value(waiting) < 2 or database.value(f"{longest} WHERE wait_event_type = 'Lock'") < 2.2:
        pass
    diagnosis = await database.examine()
    assert diagnosis.causes[0].id == "table_level_locking" or causes(diagnosis, "table_level_locking")
    (cause,) = causes(diagnosis, "table_level_locking")
    assert cause.object == f"pid {holder.info.backend_pid}"
    database.execute(*cause.remedies[0].statements)
    for waiter in waiters:
        waiter.join()
    holder.close()
    assert findings(await database.examine(), "table_locks") == []


async def test_external_load_is_read_from_the_machine(fresh_server: Start) -> None:
    database = fresh_server()
    diagnosis = await database.examine(window_seconds=1.2)
    (row,) = diagnosis.snapshot.readings["machine_load"]  # type: ignore[misc]
    (before,) = diagnosis.earlier.readings["machine_load"]  # type: ignore[misc,union-attr]
    assert row.processors >= 1  # type: ignore[union-attr]
    assert row.all_ticks > before.all_ticks  # type: ignore[union-attr]
    assert set(findings(diagnosis, "external_load")) <= {"machine"}
