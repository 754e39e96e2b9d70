"""Dead rows and what keeps them, on real servers: clean, broken, found, mended by the remedy's own statements, clean.

Checks: dead_tuples, autovacuum_off, autovacuum_off_for_table, autovacuum_starved, old_xmin_holders, table_bloat,
transaction_id_age, prepared_transactions.
"""

import pytest

from housecall.diagnosis.finding import Severity
from housecall.testing import PrivateDatabase
from housecall.testing_sessions import apply, background, cause_ids, findings, the_cause, wait_until

pytestmark = pytest.mark.anyio

VACUUM_CAUSES = {
    "autovacuum_off", "autovacuum_off_for_table", "autovacuum_starved", "xmin_horizon_held", "wraparound_risk",
    "table_bloat", "orphan_prepared_transaction", "catalog_bloat",
}  # fmt: skip
CHURN = "UPDATE carts SET total = total + 1"


def carts(database: PrivateDatabase, rows: int = 30_000, options: str = "") -> PrivateDatabase:
    database.execute(
        f"CREATE TABLE carts (id int, total int) {options}",
        f"INSERT INTO carts SELECT n, 0 FROM generate_series(1, {rows}) AS n",
    )
    database.execute("VACUUM (ANALYZE) carts")
    return database


def dead_rows(database: PrivateDatabase) -> int:
    rows: int = database.value("SELECT pg_stat_get_dead_tuples('carts'::regclass)")
    return rows


def churn(database: PrivateDatabase, times: int = 5) -> None:
    before = dead_rows(database)
    database.execute(*[CHURN] * times)
    wait_until(lambda: dead_rows(database) >= before + 90_000, "dead rows are counted")


@pytest.mark.since(15, "counters are there at once")
async def test_table_with_autovacuum_switched_off_is_found_and_mended(database: PrivateDatabase) -> None:
    carts(database, options="WITH (autovacuum_enabled = off)")
    quiet = await database.examine(window_seconds=0)
    assert all(each.severity.rank < Severity.WARNING.rank for each in quiet.causes if each.id in VACUUM_CAUSES)
    churn(database)
    diagnosis = await database.examine(window_seconds=0)
    cause = the_cause(diagnosis, "autovacuum_off_for_table")
    assert (cause.object, cause.severity) == ("public.carts", Severity.WARNING)
    assert findings(diagnosis, "dead_tuples")[0].fingerprint in cause.absorbs
    apply(database, cause)
    assert dead_rows(database) == 0
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES


async def test_autovacuum_off_for_the_server_is_found_and_mended(fresh_server) -> None:
    database = carts(fresh_server({"autovacuum": "on", "autovacuum_naptime": "1min"}))
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES
    database.execute("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()")
    wait_until(lambda: database.value("SHOW autovacuum") == "off", "autovacuum is off")
    churn(database)
    cause = the_cause(await database.examine(window_seconds=0), "autovacuum_off")
    assert (cause.object, cause.severity) == ("autovacuum", Severity.WARNING)
    for number in range(len(cause.remedies)):
        apply(database, cause, number)
    wait_until(lambda: database.value("SHOW autovacuum") == "on", "autovacuum is on again")
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES


@pytest.mark.since(15, "counters are there at once")
async def test_old_snapshot_is_the_root_of_dead_rows_that_vacuum_left(fresh_server) -> None:
    database = carts(fresh_server({"autovacuum_naptime": "1min"}))
    with background(database) as sessions:
        holder = sessions.session(
            "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM carts LIMIT 1", application="bi"
        )
        churn(database)
        database.execute("VACUUM carts")
        diagnosis = await database.examine(window_seconds=0)
        assert cause_ids(diagnosis) & VACUUM_CAUSES == {"xmin_horizon_held"}
        cause = the_cause(diagnosis, "xmin_horizon_held")
        assert (cause.object, cause.severity) == (f"pid {holder.info.backend_pid}", Severity.WARNING)
        assert findings(diagnosis, "dead_tuples")[0].fingerprint in cause.absorbs
        assert findings(diagnosis, "old_xmin_holders")[0].object == cause.object
        apply(database, cause, 0)
        wait_until(
            lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bi'") == 0, "gone"
        )
        apply(database, cause, 1)
    assert dead_rows(database) == 0
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES


async def test_prepared_transaction_is_the_root_of_dead_rows_that_vacuum_left(fresh_server) -> None:
    database = carts(fresh_server({"autovacuum_naptime": "1min"}))
    database.execute("CREATE TABLE other (id int)")
    database.execute("BEGIN", "INSERT INTO other VALUES (1)", "PREPARE TRANSACTION 'batch-1'")
    churn(database)
    database.execute("VACUUM carts")
    diagnosis = await database.examine(window_seconds=0)
    assert findings(diagnosis, "prepared_transactions")[0].object == "batch-1"
    assert cause_ids(diagnosis) & VACUUM_CAUSES == {"orphan_prepared_transaction"}
    cause = the_cause(diagnosis, "orphan_prepared_transaction")
    assert (cause.object, cause.severity) == ("batch-1", Severity.WARNING)
    apply(database, cause)
    database.execute("VACUUM carts")
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES


async def test_single_slow_worker_that_is_always_busy_is_starved(fresh_server) -> None:
    settings = {
        "autovacuum_naptime": "1s", "autovacuum_max_workers": "1", "autovacuum_vacuum_cost_limit": "1",
        "autovacuum_vacuum_cost_delay": "100ms",
    }  # fmt: skip
    database = carts(fresh_server(settings))
    churn(database)
    wait_until(
        lambda: bool(
            database.fetch(
                "SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
                " AND xact_start < clock_timestamp() - interval '0.5 s'"
            )
        ),
        "the worker is busy for long",
    )
    cause = the_cause(await database.examine(window_seconds=0), "autovacuum_starved")
    assert (cause.object, cause.severity) == ("autovacuum", Severity.WARNING)
    for number in range(len(cause.remedies)):
        apply(database, cause, number)
    wait_until(lambda: dead_rows(database) == 0, "the table is clean")
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES


async def test_threshold_set_against_sense_is_starved_and_reset(fresh_server) -> None:
    options = "WITH (autovacuum_vacuum_scale_factor = 90, autovacuum_vacuum_threshold = 1000)"
    database = carts(fresh_server({"autovacuum_naptime": "1min"}), options=options)
    churn(database)
    cause = the_cause(await database.examine(window_seconds=0), "autovacuum_starved")
    assert cause.object == "public.carts"
    apply(database, cause, 0)
    apply(database, cause, 1)
    assert database.value("SELECT reloptions FROM pg_class WHERE relname = 'carts'") is None
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES


async def test_small_table_full_of_dead_rows_is_healthy(database: PrivateDatabase) -> None:
    carts(database, rows=60)
    database.execute(CHURN, CHURN)
    wait_until(lambda: dead_rows(database) >= 100, "dead rows are counted")
    assert not cause_ids(await database.examine(window_seconds=0)) & VACUUM_CAUSES


async def test_large_table_that_is_mostly_empty_is_bloat(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE events (id int, note text)",
        "INSERT INTO events SELECT n, repeat('x', 200) FROM generate_series(1, 600000) AS n",
    )
    database.execute("VACUUM (ANALYZE) events")
    assert findings(await database.examine(window_seconds=0), "table_bloat") == []
    database.execute("DELETE FROM events WHERE id % 10 <> 0")
    database.execute("VACUUM (ANALYZE) events")
    diagnosis = await database.examine(window_seconds=0)
    cause = the_cause(diagnosis, "table_bloat")
    assert (cause.object, cause.severity) == ("public.events", Severity.NOTICE)
    assert not any("VACUUM FULL" in statement for remedy in cause.remedies for statement in remedy.statements)


async def test_young_database_has_no_transaction_id_age(database: PrivateDatabase) -> None:
    assert findings(await database.examine(window_seconds=0), "transaction_id_age") == []


async def test_old_transaction_ids_are_a_symptom_of_the_prepared_transaction_that_holds_them(fresh_server) -> None:
    database = fresh_server({"autovacuum_freeze_max_age": "100000"})
    database.execute("BEGIN", "SELECT txid_current()", "PREPARE TRANSACTION 'batch-1'")
    database.execute("DO $$ BEGIN FOR n IN 1..160000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
    diagnosis = await database.examine(window_seconds=0)
    found = findings(diagnosis, "transaction_id_age")
    assert database.name in {each.object for each in found}
    assert {each.severity for each in found} == {Severity.NOTICE}
    cause = the_cause(diagnosis, "orphan_prepared_transaction")
    assert f"wraparound_risk: {database.name}" in cause.symptoms
    apply(database, cause)
    database.execute("VACUUM (FREEZE)")
    found = findings(await database.examine(window_seconds=0), "transaction_id_age")
    assert database.name not in {each.object for each in found}
