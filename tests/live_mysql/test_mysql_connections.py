"""Connections, time limits and logs on real MySQL and MariaDB servers: clean, broken, found, fixed, clean."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType

import pytest
from asyncmy.errors import MySQLError

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.check import Limits
from housecall.diagnosis.checks.mysql import (
    aborted_connections,
    connection_churn,
    connection_leak,
    connections_used,
    name_resolution,
    serialization_failures,
)
from housecall.diagnosis.examine import Diagnosis
from housecall.diagnosis.finding import Finding
from housecall.testing_mysql import MySQLFarm, PrivateMySQLDatabase, PrivateMySQLServer, Session

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def small_server(mysql_servers: MySQLFarm) -> Iterator[PrivateMySQLServer]:
    """One that a test may fill, with binary logs that nothing removes."""
    settings = {
        "max_connections": "20", "log_bin": "b", "server_id": "1", "binlog_expire_logs_seconds": "0",
        "skip_name_resolve": "OFF", "binlog_format": "ROW",
    }  # fmt: skip
    with mysql_servers.server(settings) as started:
        yield started


@pytest.fixture
def small(small_server: PrivateMySQLServer) -> Iterator[PrivateMySQLDatabase]:
    made = small_server.create_database()
    yield made
    small_server.drop_database(made)


def the_cause(diagnosis: Diagnosis, cause_id: str) -> Cause:
    found = [each for each in diagnosis.causes if each.id == cause_id]
    assert found, f"no {cause_id} among {[(each.id, each.object) for each in diagnosis.causes]}"
    return found[0]


def cause_ids(diagnosis: Diagnosis) -> set[str]:
    return {each.id for each in diagnosis.causes if not each.past}


def judged(check: ModuleType, diagnosis: Diagnosis, **limits: float) -> Sequence[Finding]:
    """What a check says of a real server's snapshot with other thresholds than its own, so that no test waits long."""
    given = Limits(check.CHECK.thresholds, limits)
    return [each for each in check.judge(diagnosis.snapshot, diagnosis.earlier, given) if isinstance(each, Finding)]


@contextmanager
def kept(database: PrivateMySQLDatabase, *names: str) -> Iterator[None]:
    """Global settings come back as they were."""
    before = {name: database.value(f"SELECT @@global.{name}") for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            database.execute(f"SET GLOBAL {name} = {value!r}")
        with suppress(MySQLError):
            database.execute("RESET PERSIST")


async def test_connections_used_names_the_largest_group_and_its_sleepers_can_go(small: PrivateMySQLDatabase) -> None:
    reader = small.create_reader()
    assert "connection_saturation" not in cause_ids(await small.examine(user=reader))
    sleepers = [small.connect() for _ in range(18)]
    try:
        diagnosis = await small.examine(user=reader)
        cause = the_cause(diagnosis, "connection_saturation")
        assert cause.object == "server"
        assert cause.remedies[0].statements[0].startswith("KILL CONNECTION")
        assert judged(connections_used, diagnosis)[0].details["groups"][0]["user"] == "root"
        assert [each.details["is_long"] for each in judged(connection_leak, diagnosis)] == [False]
        group = judged(connections_used, diagnosis)[0].details["groups"][0]
        assert group["sleeping_long"] == 0
        small.execute(*cause.remedies[0].statements)
    finally:
        for each in sleepers:
            with suppress(MySQLError):
                each.close()
    assert "connection_saturation" not in cause_ids(await small.examine(user=reader))


async def test_connection_churn_is_counted_in_the_window(shop: PrivateMySQLDatabase) -> None:
    with kept(shop, "thread_cache_size"):
        shop.execute("SET GLOBAL thread_cache_size = 0")
        for _ in range(120):
            shop.value("SELECT 1")
        diagnosis = await shop.examine(user=shop.create_reader(), window_seconds=0.5)
        (finding,) = judged(
            connection_churn, diagnosis, look_again_per_second=0.0, min_new_thread_share=0.01, notice_per_second=1000.0
        )
        assert finding.details["cache"] == 0
        assert judged(aborted_connections, diagnosis, min_count=10_000) == []


async def test_name_resolution_and_serialization_failures_are_read(small: PrivateMySQLDatabase) -> None:
    diagnosis = await small.examine()
    assert judged(name_resolution, diagnosis)[0].severity.value == "info"
    assert judged(serialization_failures, diagnosis) == []


async def test_snapshot_conflicts_of_mariadb_are_found_and_gone_with_the_setting(shop: PrivateMySQLDatabase) -> None:
    if not shop.fetch("SHOW GLOBAL VARIABLES LIKE 'innodb_snapshot_isolation'"):
        pytest.skip("MariaDB alone has innodb_snapshot_isolation")
    reader = shop.create_reader()
    shop.execute("CREATE TABLE stock (id INT PRIMARY KEY, quantity INT)", "INSERT INTO stock VALUES (1, 0), (2, 0)")
    keep = "UPDATE performance_schema.setup_consumers SET ENABLED = '{}' WHERE NAME LIKE 'events_statements%'"
    with kept(shop, "innodb_snapshot_isolation"):
        shop.execute("SET GLOBAL innodb_snapshot_isolation = ON")
        assert judged(serialization_failures, await shop.examine(user=reader)) == []
        with five(shop) as workers:
            assert [_changes_what_another_changed(shop, each) for each in workers] == [1020] * 5
            (probable,) = judged(serialization_failures, await shop.examine(user=reader), notice_per_hour=5.0)
            assert probable.details["probable"]
            shop.execute(keep.format("YES"))
            try:
                assert [_changes_what_another_changed(shop, each) for each in workers] == [1020] * 5
                cause = the_cause(await shop.examine(user=reader), "serialization_failures")
            finally:
                shop.execute(keep.format("NO"))
        assert (cause.severity.value, cause.confidence > 0.5) == ("warning", True)
        shop.execute(*cause.remedies[-1].statements)
        with five(shop) as workers:
            assert [_changes_what_another_changed(shop, each) for each in workers] == [None] * 5
        assert judged(serialization_failures, await shop.examine(user=reader)) == []


@contextmanager
def five(shop: PrivateMySQLDatabase) -> Iterator[list[Session]]:
    workers = [shop.connect() for _ in range(5)]
    try:
        yield workers
    finally:
        for each in workers:
            each.close()


def _changes_what_another_changed(shop: PrivateMySQLDatabase, worker: Session) -> int | None:
    """The number of the error that the change got. `worker` reads first, and is behind when it writes."""
    worker.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT quantity FROM stock WHERE id = 2")
    shop.execute("UPDATE stock SET quantity = quantity + 1 WHERE id = 1")
    try:
        worker.execute("UPDATE stock SET quantity = quantity + 1 WHERE id = 1", "COMMIT")
    except MySQLError as error:
        worker.execute("ROLLBACK")
        return int(error.args[0])
    return None


async def test_short_timeouts_that_end_ordinary_statements_are_found(shop: PrivateMySQLDatabase) -> None:
    on_mysql = shop.server.kind.flavour == "mysql"
    name, tiny = ("max_execution_time", "30") if on_mysql else ("max_statement_time", "0.03")
    reader = shop.create_reader()
    with kept(shop, name):
        shop.execute(f"SET GLOBAL {name} = {tiny}")
        session = shop.connect()
        for _ in range(70):
            with suppress(MySQLError):
                session.fetch("SELECT COUNT(*), SLEEP(0.2) FROM information_schema.COLLATIONS")
        session.close()
        cause = the_cause(await shop.examine(user=reader), "timeout_too_short")
        assert cause.object == name
        shop.execute(*cause.remedies[0].statements)
        assert "timeout_too_short" not in cause_ids(await shop.examine(user=reader))


async def test_excessive_logging_is_found_and_off_after_the_remedy(blind_shop: PrivateMySQLDatabase) -> None:
    reader = blind_shop.create_reader()
    assert "excessive_logging" not in cause_ids(await blind_shop.examine(user=reader))
    with kept(blind_shop, "general_log"):
        blind_shop.execute("SET GLOBAL general_log = ON")
        cause = the_cause(await blind_shop.examine(user=reader), "excessive_logging")
        assert cause.object == "general_log"
        blind_shop.execute(*cause.remedies[0].statements)
        assert "excessive_logging" not in cause_ids(await blind_shop.examine(user=reader))


async def test_packet_size_that_cuts_connections_is_found(small: PrivateMySQLDatabase) -> None:
    assert "packet_too_small" not in cause_ids(await small.examine())
    with kept(small, "max_allowed_packet"):
        small.execute("SET GLOBAL max_allowed_packet = 16384")
        for _ in range(40):
            session = small.connect()
            with suppress(MySQLError):
                session.fetch(f"SELECT LENGTH('{'x' * 40_000}')")
            with suppress(MySQLError):
                session.close()
        cause = the_cause(await small.examine(user=small.create_reader()), "packet_too_small")
        assert cause.object == "max_allowed_packet"
        small.execute(*cause.remedies[0].statements)
        assert small.value("SELECT @@global.max_allowed_packet") == 64 * 1024 * 1024


async def test_binary_log_size_that_nothing_limits_is_found(small: PrivateMySQLDatabase) -> None:
    reader = small.create_reader()
    assert "binlog_not_purged" not in cause_ids(await small.examine(user=reader))
    small.execute(
        "CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, a MEDIUMTEXT)",
        *["INSERT INTO notes (a) VALUES (REPEAT('x', 12000000))", "FLUSH BINARY LOGS"] * 7,
        "TRUNCATE TABLE notes",
    )
    with kept(small, "binlog_expire_logs_seconds"):
        cause = the_cause(await small.examine(user=reader), "binlog_not_purged")
        assert [each.check for each in (await small.examine()).findings if each.fingerprint in cause.rests_on] == [
            "mysql.binary_log_size"
        ]
        small.execute(*cause.remedies[0].statements)
        assert "binlog_not_purged" not in cause_ids(await small.examine(user=reader))
