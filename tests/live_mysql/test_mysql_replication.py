"""Replication between two real servers of each flavour: late on purpose, stopped, in conflict, without its partner."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from types import ModuleType

import pytest
from asyncmy.errors import MySQLError

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.check import Limits
from housecall.diagnosis.checks.mysql import galera, replica_lag, replication_settings, semi_sync
from housecall.diagnosis.examine import Diagnosis
from housecall.diagnosis.finding import Finding
from housecall.testing_mysql import MySQLFarm, PrivateMySQLDatabase, PrivateMySQLServer
from housecall.testing_sessions import wait_until

pytestmark = pytest.mark.anyio


class Pair:
    """A source and its replica, with one database that is on both."""

    def __init__(self, source: PrivateMySQLServer, replica: PrivateMySQLServer) -> None:
        self.flavour = source.kind.flavour
        self.source = source.create_database()
        self.source.execute("CREATE USER repl", "GRANT REPLICATION SLAVE ON *.* TO repl")
        self.replica = PrivateMySQLDatabase(replica, self.source.name)
        session = replica.connect()
        session.execute(*self._follow(source.port))
        session.close()
        wait_until(lambda: self._has("SELECT 1"), "the database arrives")

    def _follow(self, port: int) -> Sequence[str]:
        if self.flavour == "mariadb":
            return (
                (
                    f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='repl',"
                    " MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1"
                ),
                "START REPLICA",
            )
        return (
            (
                f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='repl',"
                " SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1"
            ),
            "START REPLICA",
        )

    def _has(self, statement: str) -> bool:
        try:
            self.replica.value(statement)
        except MySQLError:
            return False
        return True

    def arrives(self, statement: str, value: object) -> None:
        def there() -> bool:
            with suppress(MySQLError, IndexError):
                return bool(self.replica.value(statement) == value)
            return False

        wait_until(there, f"{statement} gives {value} on the replica", every_seconds=0.1)


@pytest.fixture(scope="module")
def pair(mysql_servers: MySQLFarm) -> Iterator[Pair]:
    logs = {"log_bin": "b", "binlog_format": "ROW"}
    with (
        mysql_servers.server({**logs, "server_id": "1"}) as source,
        mysql_servers.server({**logs, "server_id": "2"}) as replica,
    ):
        yield Pair(source, replica)


def the_cause(diagnosis: Diagnosis, cause_id: str) -> Cause:
    found = [each for each in diagnosis.causes if each.id == cause_id]
    assert found, f"no {cause_id} among {[(each.id, each.object) for each in diagnosis.causes]}"
    return found[0]


def replica_causes(diagnosis: Diagnosis) -> list[str]:
    return [each.id for each in diagnosis.causes if each.object_kind == "replica"]


def judged(check: ModuleType, diagnosis: Diagnosis, **limits: float) -> Sequence[Finding]:
    given = Limits(check.CHECK.thresholds, limits)
    return [each for each in check.judge(diagnosis.snapshot, diagnosis.earlier, given) if isinstance(each, Finding)]


async def test_replica_lag_on_purpose_is_told_as_one_and_gone_after_the_remedy(pair: Pair) -> None:
    reader = pair.replica.create_reader()
    clean = await pair.replica.examine(user=reader)
    assert replica_causes(clean) == []
    assert judged(replica_lag, clean) == []
    assert {each.object for each in judged(replication_settings, clean)} >= {"read_only"}
    assert judged(galera, clean) == []
    delay = (
        "CHANGE MASTER TO MASTER_DELAY" if pair.flavour == "mariadb" else "CHANGE REPLICATION SOURCE TO SOURCE_DELAY"
    )
    pair.replica.execute("STOP REPLICA", f"{delay} = 600", "START REPLICA")
    pair.source.execute("CREATE TABLE late (id INT PRIMARY KEY)", "INSERT INTO late VALUES (1)")
    wait_until(lambda: _waits_on_purpose(pair), "the applier waits", every_seconds=0.1)
    cause = the_cause(await pair.replica.examine(user=reader), "replica_lag")
    assert "because it is told to" in str(cause.summary)
    pair.replica.execute(*cause.remedies[0].statements)
    pair.arrives("SELECT COUNT(*) FROM late", 1)
    assert replica_causes(await pair.replica.examine(user=reader)) == []


def _waits_on_purpose(pair: Pair) -> bool:
    count: int = pair.replica.value(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting until%DELAY%'"
    )
    return count > 0


async def test_replica_stopped_by_hand_is_started_by_the_remedy(pair: Pair) -> None:
    reader = pair.replica.create_reader()
    for thread in ("SQL_THREAD", "IO_THREAD"):
        pair.replica.execute(f"STOP REPLICA {thread}")
        cause = the_cause(await pair.replica.examine(user=reader), "replica_stopped")
        assert cause.remedies[0].statements == (f"START REPLICA {thread};",)
        pair.replica.execute(*cause.remedies[0].statements)
        wait_until(lambda: _receives(pair), "the receiver is connected", every_seconds=0.2)
        assert replica_causes(await pair.replica.examine(user=reader)) == []


def _receives(pair: Pair) -> bool:
    word = "Slave" if pair.flavour == "mariadb" else "Replica"
    session = pair.replica.connect()
    (row,) = session.fetch("SHOW SLAVE STATUS" if word == "Slave" else "SHOW REPLICA STATUS")
    session.close()
    return row[10:12] == ("Yes", "Yes")


async def test_replica_stopped_by_a_row_that_it_has_already_is_mended_before_it_goes_on(pair: Pair) -> None:
    reader = pair.replica.create_reader()
    pair.source.execute("CREATE TABLE orders (id INT PRIMARY KEY, a INT)")
    pair.arrives("SELECT COUNT(*) FROM orders", 0)
    pair.replica.execute("INSERT INTO orders VALUES (77, 1)")
    pair.source.execute("INSERT INTO orders VALUES (77, 2)")
    wait_until(lambda: not _receives(pair), "the applier stops", every_seconds=0.2)
    cause = the_cause(await pair.replica.examine(user=reader), "replica_stopped")
    assert "1062" in str(cause.summary)
    assert "orders" in str(cause.summary)
    assert cause.remedies[0].statements == ()
    pair.replica.execute("DELETE FROM orders WHERE id = 77", *cause.remedies[1].statements)
    pair.arrives("SELECT a FROM orders", 2)
    assert replica_causes(await pair.replica.examine(user=reader)) == []


async def test_replica_stopped_by_a_refused_login_names_the_account(pair: Pair) -> None:
    pair.source.execute("ALTER USER repl IDENTIFIED BY 'changed'")
    pair.replica.execute("STOP REPLICA IO_THREAD", "START REPLICA IO_THREAD")
    wait_until(lambda: not _receives(pair), "the login is refused", every_seconds=0.2)
    try:
        cause = the_cause(await pair.replica.examine(), "replica_stopped")
        assert "1045" in str(cause.summary)
    finally:
        pair.source.execute("ALTER USER repl IDENTIFIED BY ''")
        pair.replica.execute("STOP REPLICA IO_THREAD", "START REPLICA IO_THREAD")
    wait_until(lambda: _receives(pair), "the receiver is connected", every_seconds=0.2)
    assert replica_causes(await pair.replica.examine()) == []


async def test_semi_sync_without_a_replica_hangs_commits_until_it_is_released(
    own_server: Callable[..., PrivateMySQLDatabase],
) -> None:
    alone = own_server({"log_bin": "b", "server_id": "1"})
    word = "master" if alone.server.kind.flavour == "mariadb" else "source"
    if word == "source":
        alone.execute("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
    alone.execute("CREATE TABLE orders (id INT PRIMARY KEY)")
    assert judged(semi_sync, await alone.examine()) == []
    alone.execute(f"SET GLOBAL rpl_semi_sync_{word}_timeout = 60000", f"SET GLOBAL rpl_semi_sync_{word}_enabled = ON")
    writer = alone.connect()
    commit = writer.start("INSERT INTO orders VALUES (1)")
    wait_until(
        lambda: (
            alone.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE '%semi-sync ACK%'") == 1
        ),
        "a commit hangs",
    )
    cause = the_cause(await alone.examine(), "sync_standby_missing")
    assert cause.severity.value == "critical"
    alone.execute(*cause.remedies[1].statements)
    commit.result(20)
    assert judged(semi_sync, await alone.examine()) == []
    writer.close()
