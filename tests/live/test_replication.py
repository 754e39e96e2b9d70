"""Slots, standbys and archiving on real servers: clean, broken, found, mended, clean.

Checks: inactive_slots, archiver_failures, sync_standby_missing, replica_lag, standby_disconnected, subscriptions_down.
"""

import psycopg
import pytest

from housecall.diagnosis.finding import Severity
from housecall.testing import PrivateDatabase
from housecall.testing_sessions import apply, background, cause_ids, findings, the_cause, wait_until

pytestmark = pytest.mark.anyio

REPLICATION_CAUSES = {
    "slot_retains_wal", "archive_failing", "sync_standby_missing", "replica_lag", "replica_stopped",
    "standby_feedback_bloat",
}  # fmt: skip


def write_wal(database: PrivateDatabase, megabytes: int = 80) -> None:
    database.execute(
        "CREATE TABLE IF NOT EXISTS filler (note text)",
        f"INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, {megabytes * 1000}) AS n",
        "TRUNCATE filler",
    )


async def test_slot_that_nobody_reads_is_found_and_dropped_only_with_a_caution(fresh_server) -> None:
    database = fresh_server()
    database.execute("SELECT pg_create_physical_replication_slot('old_standby', true)")
    assert not cause_ids(await database.examine(window_seconds=0)) & REPLICATION_CAUSES
    write_wal(database)
    diagnosis = await database.examine(window_seconds=0)
    assert findings(diagnosis, "inactive_slots")[0].severity is Severity.WARNING
    cause = the_cause(diagnosis, "slot_retains_wal")
    assert (cause.object, cause.severity) == ("old_standby", Severity.WARNING)
    assert cause.remedies[0].risk == "high"
    assert "Ask whose" in cause.remedies[0].title.render()
    apply(database, cause)
    assert not cause_ids(await database.examine(window_seconds=0)) & REPLICATION_CAUSES


async def test_archiver_that_fails_is_found_until_it_works_again(fresh_server) -> None:
    database = fresh_server({"archive_mode": "on", "archive_command": "/bin/true", "wal_level": "replica"})
    assert not cause_ids(await database.examine(window_seconds=0)) & REPLICATION_CAUSES
    database.execute("ALTER SYSTEM SET archive_command = '/bin/false'", "SELECT pg_reload_conf()")
    wait_until(lambda: database.value("SHOW archive_command") == "/bin/false", "the command fails")
    database.execute("CREATE TABLE t (id int)", "SELECT pg_switch_wal()")
    wait_until(lambda: database.value("SELECT failed_count FROM pg_stat_archiver") > 0, "the archiver has failed")
    diagnosis = await database.examine(window_seconds=0)
    assert findings(diagnosis, "archiver_failures")
    cause = the_cause(diagnosis, "archive_failing")
    assert cause.severity is Severity.WARNING
    assert "/bin/false" not in str([each.value for each in cause.evidence])
    database.execute("ALTER SYSTEM RESET archive_command", "SELECT pg_reload_conf()")
    wait_until(
        lambda: database.value("SELECT last_archived_time > last_failed_time FROM pg_stat_archiver") is True,
        "the archiver works again",
    )
    assert not cause_ids(await database.examine(window_seconds=0)) & REPLICATION_CAUSES


async def test_commit_that_waits_for_a_missing_standby_is_found_and_released(fresh_server) -> None:
    database = fresh_server({"max_wal_senders": "4"})
    database.execute("CREATE TABLE t (id int)")
    database.execute(
        "ALTER SYSTEM SET synchronous_standby_names = 'nearby'",
        "ALTER SYSTEM SET synchronous_commit = 'on'",
        "SELECT pg_reload_conf()",
    )
    wait_until(lambda: database.value("SHOW synchronous_standby_names") == "nearby", "the setting holds")
    with background(database) as sessions:
        sessions.run("SET synchronous_commit = on; INSERT INTO t VALUES (1)")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        wait_until(lambda: database.value(waiting) == 1, "a commit hangs")
        diagnosis = await database.examine(window_seconds=0)
        assert findings(diagnosis, "sync_standby_missing")
        cause = the_cause(diagnosis, "sync_standby_missing")
        assert (cause.object, cause.severity) == ("synchronous_standby_names", Severity.CRITICAL)
        apply(database, cause)
        wait_until(lambda: database.value(waiting) == 0, "the commit goes on")
    assert not cause_ids(await database.examine(window_seconds=0)) & REPLICATION_CAUSES


async def test_disabled_subscription_is_found_and_enabled(fresh_server) -> None:
    database = fresh_server()
    database.execute(
        "CREATE SUBSCRIPTION orders CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false)",
    )
    found = findings(await database.examine(window_seconds=0), "subscriptions_down")
    assert [(each.object, each.severity) for each in found] == [("orders", Severity.NOTICE)]
    cause = the_cause(await database.examine(window_seconds=0), "replica_stopped")
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("ALTER SUBSCRIPTION orders SET (slot_name = 'orders')")
    apply(database, cause)
    assert database.value("SELECT subenabled FROM pg_subscription") is True


async def test_primary_without_standbys_has_no_replica_lag_and_no_standby_disconnected(database) -> None:
    diagnosis = await database.examine(window_seconds=0)
    assert findings(diagnosis, "replica_lag") == findings(diagnosis, "standby_disconnected") == []
