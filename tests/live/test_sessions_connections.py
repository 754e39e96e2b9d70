"""Connections on real servers. Checks: connections_used, connection_leak, connection_churn, no_timeouts, wait_events,
rollback_ratio, long_transactions, long_queries."""

import psycopg
import pytest

from housecall.diagnosis.finding import Severity
from housecall.testing_sessions import apply, background, cause_ids, findings, the_cause, wait_until

pytestmark = pytest.mark.anyio

POOL_CAUSES = {"connection_saturation", "connection_leak", "connection_churn"}


async def test_used_up_connections_name_the_role_that_has_them(fresh_server) -> None:
    database = fresh_server({"max_connections": "20"})
    assert not cause_ids(await database.examine(window_seconds=0)) & POOL_CAUSES
    with background(database) as sessions:
        for _ in range(16):
            sessions.session(application="shop-api")
        diagnosis = await database.examine(window_seconds=0)
        assert findings(diagnosis, "connections_used")[0].severity is Severity.WARNING
        cause = the_cause(diagnosis, "connection_saturation")
        assert cause.severity is Severity.WARNING
        assert "shop-api" in cause.summary.render()
        assert "max_connections" not in " ".join(s for remedy in cause.remedies for s in remedy.statements)
        apply(database, cause)
        remaining = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shop-api'"
        wait_until(lambda: database.value(remaining) < 16, "idle sessions are ended")
    assert not cause_ids(await database.examine(window_seconds=0)) & POOL_CAUSES


async def test_full_pool_behind_one_idle_transaction_is_one_cause(fresh_server) -> None:
    database = fresh_server({"max_connections": "20"})
    database.execute("CREATE TABLE stock (id int PRIMARY KEY, amount int)", "INSERT INTO stock VALUES (1, 0)")
    with background(database) as sessions:
        sessions.session("BEGIN", "UPDATE stock SET amount = 1")
        for _ in range(15):
            sessions.run("UPDATE stock SET amount = 2")
        sessions.wait_for_queue(15, seconds=2)
        diagnosis = await database.examine(window_seconds=0)
        assert findings(diagnosis, "connections_used")
        assert "connection_saturation" not in cause_ids(diagnosis)
        cause = the_cause(diagnosis, "idle_in_transaction_blocker")
        assert any(symptom.startswith("connection_saturation") for symptom in cause.symptoms)
        apply(database, cause)
        wait_until(lambda: sessions.waiting() == 0, "the queue is gone")


async def test_role_near_its_own_limit_is_found(fresh_server) -> None:
    database = fresh_server()
    database.execute("CREATE ROLE app LOGIN CONNECTION LIMIT 2")
    with database.connect(role="app"), database.connect(role="app"):
        found = findings(await database.examine(window_seconds=0), "connections_used")
        assert [(each.object, each.object_kind, each.severity) for each in found] == [
            ("app", "role", Severity.CRITICAL)
        ]
    assert findings(await database.examine(window_seconds=0), "connections_used") == []


async def test_young_idle_sessions_are_no_connection_leak(database) -> None:
    with background(database) as sessions:
        for _ in range(10):
            sessions.session()
        assert findings(await database.examine(window_seconds=0), "connection_leak") == []


@pytest.mark.since(14, "new sessions are counted")
async def test_constant_reconnecting_is_connection_churn(fresh_server) -> None:
    database = fresh_server()
    for _ in range(130):
        psycopg.connect(database.dsn).close()
    wait_until(
        lambda: database.value("SELECT sessions FROM pg_stat_database WHERE datname = current_database()") >= 120,
        "counted",
    )
    found = findings(await database.examine(window_seconds=0), "connection_churn")
    assert [each.object for each in found] == [database.name]


async def test_rolled_back_transactions_are_told_with_their_isolation(fresh_server) -> None:
    database = fresh_server()
    with database.connect() as connection:
        for _ in range(550):
            connection.execute("BEGIN")
            connection.execute("ROLLBACK")
            connection.execute("SELECT 1")
    wait_until(
        lambda: database.value("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()") >= 500,
        "counted",
    )
    diagnosis = await database.examine(window_seconds=0)
    assert findings(diagnosis, "rollback_ratio")[0].object == database.name
    assert "serialization_failures" not in cause_ids(diagnosis)
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_isolation = 'serializable'")
    assert "serialization_failures" in cause_ids(await database.examine(window_seconds=0))


async def test_timeouts_that_are_set_for_a_role_count(fresh_server) -> None:
    database = fresh_server()
    assert findings(await database.examine(window_seconds=0), "no_timeouts")
    database.execute("ALTER ROLE ALL SET idle_in_transaction_session_timeout = '60s'")
    assert findings(await database.examine(window_seconds=0), "no_timeouts") == []


async def test_shared_waits_show_in_the_profile_and_short_work_shows_nowhere(database) -> None:
    with background(database) as sessions:
        database.execute("CREATE TABLE stock (id int)")
        sessions.session("BEGIN", "LOCK TABLE stock IN ACCESS EXCLUSIVE MODE")
        for _ in range(4):
            sessions.run("SELECT FROM stock")
        sessions.wait_for_queue(4)
        diagnosis = await database.examine(window_seconds=0)
        assert findings(diagnosis, "wait_events")[0].object == "Lock:relation"
        assert findings(diagnosis, "long_transactions") == findings(diagnosis, "long_queries") == []
        assert "lock_manager_contention" not in cause_ids(diagnosis)
