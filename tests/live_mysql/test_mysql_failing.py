"""Statements that fail at every call, on real servers: clean, broken, found, fixed, clean.

The checks proved here: failing_statements, failed_logins.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from asyncmy.errors import MySQLError

from housecall.diagnosis.cause import Cause
from housecall.testing_mysql import PrivateMySQLDatabase, Session

pytestmark = pytest.mark.anyio
PASSWORD = "Fa-1-ling"
TIMES = 25
TABLE = "`Kunde Nord`"


def application(database: PrivateMySQLDatabase) -> Session:
    """A session of an account like an application's: all rights on its database, none on the server."""
    name = f"svc_{database.name}"
    database.execute(
        f"CREATE USER '{name}'@'localhost' IDENTIFIED BY '{PASSWORD}'",
        f"GRANT ALL ON {database.name}.* TO '{name}'@'localhost'",
        f"CREATE TABLE {TABLE} (`No` DECIMAL(18,0) PRIMARY KEY, `level` INT, phone VARCHAR(20))",
        f"INSERT INTO {TABLE} VALUES (1, 1, '')",
    )
    return database.connect(user=name, password=PASSWORD)


def again_and_again(session: Session, statement: str) -> None:
    for _ in range(TIMES):
        with suppress(MySQLError):
            session.execute(statement)


async def causes(database: PrivateMySQLDatabase) -> list[Cause]:
    diagnosis = await database.examine(window_seconds=0)
    assert [each for each in diagnosis.not_evaluated if "itself failed" in str(each.reason)] == []
    found = {each.fingerprint for each in diagnosis.findings if each.check == "mysql.failing_statements"}
    return [each for each in diagnosis.causes if found & set(each.rests_on)]


def forget(database: PrivateMySQLDatabase) -> None:
    """Statements of before are no news."""
    database.execute("TRUNCATE TABLE performance_schema.events_statements_summary_by_digest")


async def test_a_column_that_is_gone(own_server: Callable[..., PrivateMySQLDatabase]) -> None:
    database = own_server({"performance_schema": "ON"})
    session = application(database)
    again_and_again(session, f"SELECT phone FROM {TABLE} WHERE `No` = 1")
    assert await causes(database) == []
    forget(database)
    database.execute(f"ALTER TABLE {TABLE} DROP COLUMN phone")
    again_and_again(session, f"SELECT phone FROM {TABLE} WHERE `No` = 1")
    (cause,) = await causes(database)
    assert (cause.id, cause.object) == ("failing_statements", f"{database.name}.{TABLE}")
    assert "Unknown column 'phone'" in cause.summary.render("en")
    forget(database)
    database.execute(f"ALTER TABLE {TABLE} ADD COLUMN phone VARCHAR(20)")
    again_and_again(session, f"SELECT phone FROM {TABLE} WHERE `No` = 1")
    assert await causes(database) == []
    session.close()


async def test_a_primary_that_was_left_read_only(own_server: Callable[..., PrivateMySQLDatabase]) -> None:
    database = own_server({"performance_schema": "ON"})
    session = application(database)
    database.execute("SET GLOBAL read_only = ON")
    again_and_again(session, f"SELECT `level` FROM {TABLE} WHERE `No` = 1")
    assert await causes(database) == []
    again_and_again(session, f"UPDATE {TABLE} SET `level` = 2 WHERE `No` = 1")
    (cause,) = await causes(database)
    assert (cause.id, cause.object, cause.severity) == ("dangerous_setting", "read_only", "warning")
    database.execute(*cause.remedies[0].statements)
    session.execute(f"UPDATE {TABLE} SET `level` = 2 WHERE `No` = 1")
    forget(database)
    again_and_again(session, f"UPDATE {TABLE} SET `level` = 3 WHERE `No` = 1")
    assert [each.object for each in await causes(database)] == []
    session.close()


async def test_limits_of_the_server_do_not_blind_the_look(own_server: Callable[..., PrivateMySQLDatabase]) -> None:
    database = own_server({"performance_schema": "ON"})
    session = application(database)
    database.execute(f"INSERT INTO {TABLE} VALUES (2, 1, ''), (3, 1, ''), (4, 1, '')", f"ANALYZE TABLE {TABLE}")
    database.execute("SET GLOBAL max_join_size = 10", "SET GLOBAL sql_select_limit = 2")
    late = database.connect(user=f"svc_{database.name}", password=PASSWORD)
    again_and_again(
        late, f"SELECT SUM(a.`level` * b.`level` * c.`level`) FROM {TABLE} AS a, {TABLE} AS b, {TABLE} AS c"
    )
    diagnosis = await database.examine(window_seconds=0)
    assert [each for each in diagnosis.not_evaluated if "MAX_JOIN_SIZE" in str(each.reason)] == []
    (cause,) = await causes(database)
    assert (cause.id, cause.object) == ("dangerous_setting", "max_join_size")
    database.execute(*cause.remedies[0].statements, "SET GLOBAL sql_select_limit = DEFAULT")
    assert database.value("SELECT @@global.max_join_size = 18446744073709551615") == 1
    session.close()
    late.close()


async def test_an_account_that_was_locked(own_server: Callable[..., PrivateMySQLDatabase]) -> None:
    database = own_server({"performance_schema": "ON"})
    name = f"svc_{database.name}"
    application(database).close()
    database.execute(f"CREATE USER 'former'@'localhost' IDENTIFIED BY '{PASSWORD}'")

    async def refused() -> list[Cause]:
        diagnosis = await database.examine(window_seconds=1.0)
        return [each for each in diagnosis.causes if each.id == "permission_error"]

    async def logins(times: int) -> None:
        for _ in range(times):
            with suppress(MySQLError):
                database.connect(user=name, password=PASSWORD).close()
            await asyncio.sleep(0)

    assert await refused() == []
    database.execute(f"ALTER USER '{name}'@'localhost' ACCOUNT LOCK")
    await logins(TIMES)
    going_on = threading.Event()
    client = threading.Thread(target=_try_until, args=(database, name, going_on))
    client.start()
    try:
        (cause,) = await refused()
    finally:
        going_on.set()
        client.join()
    assert cause.object == f"'{name}'@'localhost'"
    database.execute(*cause.remedies[0].statements)
    database.connect(user=name, password=PASSWORD).close()


def _try_until(database: PrivateMySQLDatabase, name: str, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        with suppress(MySQLError):
            database.connect(user=name, password=PASSWORD).close()
