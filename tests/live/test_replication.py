"""Slots, standbys and archiving on real servers: clean, broken, found, mended, clean.

Checks: inactive_slots, archiver_failures, sync_standby_missing, replica_lag, standby_disconnected, subscriptions_down.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest

from housecall.diagnosis.finding import Severity
from housecall.store.embedded import SOCKET_PORT, SUPERUSER, Cluster
from housecall.store.unprivileged import account_for
from housecall.testing import TEST_SETTINGS, PrivateDatabase, PrivateServer, _copy_folder
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
    reader = database.create_reader()
    refused = (await database.examine(role=reader, window_seconds=0)).not_evaluated
    for missed in (each for each in refused if "subscriptions_down" in each.check):  # before PostgreSQL 14
        database.execute(str(missed.remedy))
    found = findings(await database.examine(role=reader, window_seconds=0), "subscriptions_down")
    assert [(each.object, each.severity) for each in found] == [("orders", Severity.NOTICE)]
    cause = the_cause(await database.examine(window_seconds=0), "replica_stopped")
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("ALTER SUBSCRIPTION orders SET (slot_name = 'orders')")
    apply(database, cause)
    assert database.value("SELECT subenabled FROM pg_subscription") is True


async def test_primary_without_standbys_has_no_replica_lag_and_no_standby_disconnected(database) -> None:
    diagnosis = await database.examine(window_seconds=0)
    assert findings(diagnosis, "replica_lag") == findings(diagnosis, "standby_disconnected") == []


@contextmanager
def standby_of(database: PrivateDatabase, settings: Mapping[str, str]) -> Iterator[PrivateDatabase]:
    """A standby of the database's server: a copy of its folder, made while it was stopped."""
    primary = database.server.cluster
    primary.stop()
    folder = primary.data_dir.with_name(f"{primary.data_dir.name}-standby")
    _copy_folder(primary.data_dir, folder)
    (folder / "standby.signal").touch()
    account_for(folder).own(folder / "standby.signal")
    primary.start()
    address = f"host={primary.socket_dir} port={SOCKET_PORT} user={SUPERUSER} application_name=replica-1"
    kind = database.server.kind
    cluster = Cluster(
        folder,
        bin_dir=kind.bin_dir,
        settings={**TEST_SETTINGS, "max_wal_senders": "4", "primary_conninfo": address, **settings},
        preload=kind.preload,
    )
    try:
        cluster.start()
        yield PrivateDatabase(PrivateServer(kind, cluster), database.name)
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def unreplayed_bytes(standby: PrivateDatabase) -> int:
    return standby.value("SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())")


async def test_standby_told_to_wait_is_late_by_that_and_mended(fresh_server) -> None:
    primary = fresh_server({"max_wal_senders": "4"})
    with standby_of(primary, {"recovery_min_apply_delay": "10min"}) as standby:
        wait_until(lambda: primary.value("SELECT count(*) FROM pg_stat_replication") == 1, "the standby streams")
        assert not cause_ids(await primary.examine(window_seconds=0)) & REPLICATION_CAUSES
        write_wal(primary, megabytes=30)
        wait_until(lambda: unreplayed_bytes(standby) > 20_000_000, "the standby has more than it replayed")
        from_primary = the_cause(await primary.examine(window_seconds=0), "replica_lag")
        assert from_primary.object == "replica-1"
        diagnosis = await standby.examine(window_seconds=0)
        assert findings(diagnosis, "replica_lag")
        cause = the_cause(diagnosis, "replica_lag")
        assert "recovery_min_apply_delay is 10 min" in cause.summary.render()
        apply(standby, cause)
        wait_until(lambda: unreplayed_bytes(standby) < 1_000_000, "the standby has caught up")
        assert not cause_ids(await standby.examine(window_seconds=0)) & REPLICATION_CAUSES
        assert not cause_ids(await primary.examine(window_seconds=0)) & REPLICATION_CAUSES


async def test_standby_that_lost_its_primary_says_so(fresh_server) -> None:
    primary = fresh_server({"max_wal_senders": "4"})
    with standby_of(primary, {}) as standby:
        wait_until(lambda: primary.value("SELECT count(*) FROM pg_stat_replication") == 1, "the standby streams")
        assert not cause_ids(await standby.examine(window_seconds=0)) & REPLICATION_CAUSES
        standby.execute("SELECT pg_wal_replay_pause()")
        paused = await standby.examine(window_seconds=0)
        assert the_cause(paused, "replica_stopped").severity is Severity.WARNING
        apply(standby, the_cause(paused, "replica_stopped"))
        primary.server.cluster.stop()
        wait_until(lambda: standby.value("SELECT count(*) FROM pg_stat_wal_receiver") == 0, "the stream ends")
        diagnosis = await standby.examine(window_seconds=0)
        assert findings(diagnosis, "standby_disconnected")[0].severity is Severity.CRITICAL
        assert "replica_stopped" in cause_ids(diagnosis)
