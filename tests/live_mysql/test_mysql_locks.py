"""Locks on real MySQL and MariaDB servers, with performance_schema on and off: clean, broken, found, fixed, clean."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

import pytest
from asyncmy.errors import MySQLError

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.check import Limits
from housecall.diagnosis.checks.mysql import (
    history_list,
    idle_in_transaction,
    lock_wait_timeouts,
    long_queries,
    long_transactions,
    prepared_transactions,
    row_lock_time,
)
from housecall.diagnosis.examine import Diagnosis
from housecall.diagnosis.finding import Finding
from housecall.testing_mysql import (
    INNODB_KEEPS_ITS_PICTURE_SECONDS,
    MySQLFarm,
    PrivateMySQLDatabase,
    PrivateMySQLServer,
    Session,
)
from housecall.testing_sessions import wait_until

pytestmark = pytest.mark.anyio

ROW_WAITS = "trx_state = 'LOCK WAIT' AND trx_wait_started < NOW() - INTERVAL 2 SECOND"


class Actors:
    """Sessions that hold and wait in one database."""

    def __init__(self, database: PrivateMySQLDatabase) -> None:
        self.database = database
        self.sessions: list[Session] = []
        self._running: list[Future[Any]] = []

    def session(self, *statements: str) -> Session:
        opened = self.database.connect()
        self.sessions.append(opened)
        opened.execute(*statements)
        return opened

    def start(self, *statements: str) -> Session:
        """A session whose last statement may have to wait."""
        opened = self.session(*statements[:-1])
        self._running.append(opened.start(statements[-1]))
        return opened

    def wait_for(self, count: int, states: str, seconds: int = 2) -> None:
        """Until so many sessions of the database have been in such a state for so long."""
        self._until(
            f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND TIME >= {seconds}"
            f" AND STATE LIKE '{states}'",
            count,
        )

    def wait_for_rows(self, count: int) -> None:
        self._until(f"SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE {ROW_WAITS}", count)

    def _until(self, statement: str, count: int) -> None:
        wait_until(
            lambda: self.database.value(statement) >= count,
            f"{count} sessions wait",
            every_seconds=INNODB_KEEPS_ITS_PICTURE_SECONDS,
        )

    def finish(self) -> None:
        """Until every statement that was started has its result or its error."""
        for each in self._running:
            with suppress(MySQLError):
                each.result(30)
        self._running.clear()

    def close(self) -> None:
        for each in self.sessions:
            with suppress(MySQLError):
                self.database.execute(f"KILL {each.id}")
        self.finish()
        for each in self.sessions:
            with suppress(MySQLError):
                each.close()


@contextmanager
def acting(database: PrivateMySQLDatabase) -> Iterator[Actors]:
    actors = Actors(database)
    try:
        yield actors
    finally:
        actors.close()


@pytest.fixture(params=["mysql_server", "blind_server"], ids=["seeing", "blind"])
def place(request: pytest.FixtureRequest, mysql_servers: MySQLFarm) -> Iterator[PrivateMySQLDatabase]:
    """A database on a server with performance_schema, and on one without."""
    server: PrivateMySQLServer = request.getfixturevalue(request.param)
    made = server.create_database()
    made.execute("CREATE TABLE orders (id INT PRIMARY KEY, a INT)", "INSERT INTO orders VALUES (1, 0), (2, 0), (3, 0)")
    yield made
    server.drop_database(made)


def the_cause(diagnosis: Diagnosis, cause_id: str) -> Cause:
    found = [each for each in diagnosis.causes if each.id == cause_id]
    assert found, f"no {cause_id} among {[(each.id, each.object) for each in diagnosis.causes]}"
    return found[0]


def worst(diagnosis: Diagnosis) -> Cause:
    """The first cause but for what every private server is told of: that it does not flush what it writes."""
    return next(each for each in diagnosis.causes if each.id != "dangerous_setting")


LOCK_CAUSES = (
    "advisory_lock_leak", "ddl_lock_queue", "global_read_lock", "hot_row", "idle_in_transaction_blocker",
    "long_transaction_blocker", "orphan_prepared_transaction",
)  # fmt: skip


def lock_causes(diagnosis: Diagnosis) -> list[str]:
    return [each.id for each in diagnosis.causes if each.id in LOCK_CAUSES]


def apply(database: PrivateMySQLDatabase, cause: Cause, number: int = 0) -> None:
    """Run the statements of a remedy as they stand."""
    database.execute(*cause.remedies[number].statements)


def judged(check: ModuleType, diagnosis: Diagnosis, **limits: float) -> Sequence[Finding]:
    """What a check says of a real server's snapshot with other thresholds than its own, so that no test waits long."""
    given = Limits(check.CHECK.thresholds, limits)
    return [each for each in check.judge(diagnosis.snapshot, diagnosis.earlier, given) if isinstance(each, Finding)]


async def test_idle_in_transaction_blocker_is_the_sleeper_at_the_root_of_a_chain(place: PrivateMySQLDatabase) -> None:
    reader = place.create_reader()
    assert lock_causes(await place.examine(user=reader)) == []
    with acting(place) as actors:
        sleeper = actors.session("BEGIN", "UPDATE orders SET a = 1 WHERE id = 1")
        actors.start("BEGIN", "UPDATE orders SET a = 1 WHERE id = 2", "UPDATE orders SET a = 2 WHERE id = 1")
        actors.start("UPDATE orders SET a = 3 WHERE id = 2")
        actors.wait_for_rows(2)
        diagnosis = await place.examine(user=reader)
        assert (worst(diagnosis).id, worst(diagnosis).object) == (
            "idle_in_transaction_blocker", f"session {sleeper.id}"
        )  # fmt: skip
        assert [each.object for each in diagnosis.findings if each.check == "mysql.blocked_sessions"] == [
            f"session {sleeper.id}"
        ]
        assert judged(idle_in_transaction, diagnosis, info_seconds=1.0)
        apply(place, worst(diagnosis))
        actors.sessions[1].close()
        actors.finish()
        assert lock_causes(await place.examine(user=reader)) == []


async def test_a_working_transaction_that_blocks_is_told_from_a_sleeping_one(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE orders (id INT PRIMARY KEY, a INT)", "INSERT INTO orders VALUES (1, 0)")
    with acting(shop) as actors:
        worker = actors.start("BEGIN", "UPDATE orders SET a = 1 WHERE id = 1", "SELECT SLEEP(15)")
        actors.start("UPDATE orders SET a = 2 WHERE id = 1")
        actors.wait_for_rows(1)
        diagnosis = await shop.examine()
        cause = the_cause(diagnosis, "long_transaction_blocker")
        assert cause.object == f"session {worker.id}"
        assert judged(long_queries, diagnosis, info_seconds=1.0)[0].object == f"session {worker.id}"
        assert judged(long_transactions, diagnosis, notice_seconds=1.0)[0].object == f"session {worker.id}"
        apply(shop, cause)
        worker.execute("ROLLBACK")
        actors.finish()
        assert "long_transaction_blocker" not in {each.id for each in (await shop.examine()).causes}


async def test_ddl_lock_queue_names_the_open_transaction_before_the_schema_change(place: PrivateMySQLDatabase) -> None:
    reader = place.create_reader()
    with acting(place) as actors:
        root = actors.session("BEGIN", "SELECT COUNT(*) FROM orders")
        actors.start("ALTER TABLE orders ADD COLUMN b INT")
        actors.wait_for(1, "%metadata lock", 0)
        actors.start("SELECT COUNT(*) FROM orders")
        actors.wait_for(2, "%metadata lock")
        diagnosis = await place.examine(user=reader)
        cause = worst(diagnosis)
        assert (cause.id, cause.object) == ("ddl_lock_queue", f"session {root.id}")
        assert [each.object for each in diagnosis.findings if each.check == "mysql.ddl_lock_queue"] == [
            f"{place.name}.orders"
        ]
        apply(place, cause)
        if cause.remedies[0].statements[0].startswith("KILL QUERY"):
            root.execute("COMMIT")
        actors.finish()
    assert lock_causes(await place.examine(user=reader)) == []


async def test_global_read_lock_is_found_and_free_after_the_remedy(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE orders (id INT PRIMARY KEY, a INT)", "INSERT INTO orders VALUES (1, 0)")
    with acting(shop) as actors:
        backup = actors.session("FLUSH TABLES WITH READ LOCK")
        for _ in range(2):
            actors.start("UPDATE orders SET a = a + 1")
        actors.wait_for(2, "Waiting for %lock")
        cause = worst(await shop.examine())
        assert (cause.id, cause.object) == ("global_read_lock", f"session {backup.id}")
        apply(shop, cause)
        actors.finish()
        assert shop.value("SELECT a FROM orders") == 2
    assert "global_read_lock" not in {each.id for each in (await shop.examine()).causes}


async def test_table_level_locking_names_the_table_while_and_after_it_is_waited_for(
    place: PrivateMySQLDatabase,
) -> None:
    place.execute(
        "CREATE TABLE counters (id INT PRIMARY KEY, a INT) ENGINE = MyISAM",
        "INSERT INTO counters VALUES (1, 0), (2, 0)",
    )
    with acting(place) as actors:
        actors.start("SELECT SLEEP(30) FROM counters")
        actors.wait_for(1, "User sleep", 0)
        for _ in range(2):
            actors.start("UPDATE counters SET a = a + 1")
        actors.wait_for(2, "Waiting for table level lock")
        cause = worst(await place.examine())
        assert (cause.id, cause.object) == ("table_level_locking", f"{place.name}.counters")
    diagnosis = await place.examine()
    assert f"{place.name}.counters" in {each.object for each in diagnosis.findings if "table_lock_waits" in each.check}
    place.execute(*cause.remedies[-1].statements)
    told = {each.object for each in (await place.examine()).causes if each.id == "table_level_locking"}
    assert f"{place.name}.counters" not in told


async def test_lock_tables_is_told_by_its_table_and_its_session(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE orders (id INT PRIMARY KEY)")
    with acting(shop) as actors:
        actors.session("LOCK TABLES orders WRITE")
        for _ in range(2):
            actors.start("SELECT COUNT(*) FROM orders")
        actors.wait_for(2, "%metadata lock")
        cause = the_cause(await shop.examine(), "table_level_locking")
        assert cause.object == f"{shop.name}.orders"


async def test_advisory_locks_that_others_wait_for_lead_to_the_sleeper(place: PrivateMySQLDatabase) -> None:
    reader = place.create_reader()
    with acting(place) as actors:
        sleeper = actors.session("SELECT GET_LOCK('nightly job', 0)")
        actors.start("SELECT GET_LOCK('nightly job', 60)")
        actors.start('SELECT GET_LOCK("nightly job", 60)')
        actors.wait_for(2, "User lock")
        cause = worst(await place.examine(user=reader))
        assert (cause.id, cause.object) == ("advisory_lock_leak", f"session {sleeper.id}")
        assert "nightly job" in str(cause.because)
        apply(place, cause)
        actors.sessions[1].close()
        actors.finish()
    assert "advisory_lock_leak" not in {each.id for each in (await place.examine(user=reader)).causes}


async def test_prepared_transactions_without_a_session_are_the_root_of_their_queue(place: PrivateMySQLDatabase) -> None:
    reader = place.create_reader()
    with acting(place) as actors:
        owner = actors.session(
            "XA START 'till-7', 'b1'", "UPDATE orders SET a = 1 WHERE id = 1", "XA END 'till-7', 'b1'",
            "XA PREPARE 'till-7', 'b1'",
        )  # fmt: skip
        owner.close()
        actors.start("UPDATE orders SET a = 2 WHERE id = 1")
        actors.wait_for_rows(1)
        diagnosis = await place.examine(user=reader)
        cause = the_cause(diagnosis, "orphan_prepared_transaction")
        assert cause.object == "till-7"
        assert judged(prepared_transactions, diagnosis, notice_seconds=1.0)[0].object == "till-7"
        apply(place, cause)
        actors.finish()
    assert "orphan_prepared_transaction" not in {each.id for each in (await place.examine(user=reader)).causes}


async def test_deadlocks_name_their_table_and_both_statements(place: PrivateMySQLDatabase) -> None:
    with acting(place) as actors:
        one = actors.session("BEGIN", "UPDATE orders SET a = 1 WHERE id = 1")
        actors.start("BEGIN", "UPDATE orders SET a = 2 WHERE id = 2", "UPDATE orders SET a = 2 WHERE id = 1")
        wait_until(
            lambda: place.value("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") > 0,
            "one waits",
            every_seconds=INNODB_KEEPS_ITS_PICTURE_SECONDS,
        )
        with suppress(MySQLError):
            one.execute("UPDATE orders SET a = 1 WHERE id = 2")
        wait_until(lambda: _deadlocks(place) > 0, "a deadlock is counted", every_seconds=0.1)
    cause = the_cause(await place.examine(), "deadlock")
    assert cause.object == f"{place.name}.orders"
    assert "UPDATE orders SET a = 1 WHERE id = 2" in str(cause.because)
    apply(place, cause, 1)
    assert place.value("SELECT @@global.innodb_print_all_deadlocks") == 1
    place.execute(*cause.remedies[1].rollback)


async def test_a_deadlock_in_a_gap_is_told_as_such(place: PrivateMySQLDatabase) -> None:
    before = _deadlocks(place)
    with acting(place) as actors:
        one = actors.session("BEGIN", "SELECT * FROM orders WHERE id = 900001 FOR UPDATE")
        actors.start(
            "BEGIN",
            "SELECT * FROM orders WHERE id = 900002 FOR UPDATE",
            "INSERT INTO orders (id, a) VALUES (900002, 1)",
        )
        wait_until(
            lambda: place.value("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") > 0,
            "one waits",
            every_seconds=INNODB_KEEPS_ITS_PICTURE_SECONDS,
        )
        with suppress(MySQLError):
            one.execute("INSERT INTO orders (id, a) VALUES (900001, 1)")
        wait_until(lambda: _deadlocks(place) > before, "a deadlock is counted", every_seconds=0.1)
    cause = the_cause(await place.examine(), "deadlock")
    assert "ON DUPLICATE KEY UPDATE" in cause.remedies[0].title.render("en")


def _deadlocks(database: PrivateMySQLDatabase) -> int:
    count: int = database.value("SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'")
    return count


async def test_hot_row_is_the_table_when_its_holders_change(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE stock (id INT PRIMARY KEY, a INT)", "INSERT INTO stock VALUES (1, 0)")
    shop.execute(
        "CREATE PROCEDURE sell () BEGIN DECLARE n INT DEFAULT 0; WHILE n < 400 DO START TRANSACTION;"
        " UPDATE stock SET a = a + 1 WHERE id = 1; DO SLEEP(0.05); COMMIT; SET n = n + 1; END WHILE; END"
    )
    with acting(shop) as actors:
        for _ in range(6):
            actors.start("CALL sell()")
        wait_until(
            lambda: shop.value("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") >= 4,
            "a queue",
            every_seconds=INNODB_KEEPS_ITS_PICTURE_SECONDS,
        )
        cause = the_cause(await shop.examine(window_seconds=1.2), "hot_row")
        assert cause.object == f"{shop.name}.stock"
    assert "hot_row" not in {each.id for each in (await shop.examine()).causes}


async def test_history_list_growth_names_the_session_that_keeps_an_old_view(place: PrivateMySQLDatabase) -> None:
    place.execute(
        "CREATE PROCEDURE churn () BEGIN DECLARE n INT DEFAULT 0; WHILE n < 300 DO"
        " UPDATE orders SET a = a + 1; SET n = n + 1; END WHILE; END"
    )
    with acting(place) as actors:
        holder = actors.session("START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT COUNT(*) FROM orders")
        place.execute("CALL churn()")
        diagnosis = await place.examine()
        (found,) = judged(history_list, diagnosis, notice_length=200, held_seconds=0.0)
        assert found.object == f"session {holder.id}"
        assert judged(history_list, diagnosis) == []


async def test_row_lock_time_and_lock_wait_timeouts_are_counted(place: PrivateMySQLDatabase) -> None:
    with acting(place) as actors:
        actors.session("BEGIN", "UPDATE orders SET a = 1 WHERE id = 1")
        for _ in range(2):
            actors.start("SET SESSION innodb_lock_wait_timeout = 1", "UPDATE orders SET a = 2 WHERE id = 1")
        actors.finish()
    diagnosis = await place.examine(user=place.create_reader())
    assert judged(row_lock_time, diagnosis, min_waits=1, min_share=0.0)
    assert judged(lock_wait_timeouts, diagnosis)
