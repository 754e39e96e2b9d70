"""Limits that clients run into, on real MySQL and MariaDB servers: clean, broken, found, fixed, clean.

The checks proved here: prepared_statements, user_connection_limit, full_memory_tables.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from asyncmy.errors import MySQLError

from housecall.diagnosis.cause import Cause
from housecall.testing_mysql import MySQLFarm, PrivateMySQLDatabase, PrivateMySQLServer

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def tight_server(mysql_servers: MySQLFarm) -> Iterator[PrivateMySQLServer]:
    settings = {
        "max_prepared_stmt_count": "30", "max_user_connections": "6", "max_heap_table_size": "262144",
        "performance_schema": "ON",
    }  # fmt: skip
    with mysql_servers.server(settings) as started:
        yield started


@pytest.fixture
def tight(tight_server: PrivateMySQLServer) -> Iterator[PrivateMySQLDatabase]:
    made = tight_server.create_database()
    yield made
    tight_server.drop_database(made)


async def causes(database: PrivateMySQLDatabase, cause_id: str) -> list[Cause]:
    diagnosis = await database.examine(window_seconds=0)
    assert [each for each in diagnosis.not_evaluated if "itself failed" in str(each.reason)] == []
    return [each for each in diagnosis.causes if each.id == cause_id]


async def test_prepared_statements_that_are_never_closed(tight: PrivateMySQLDatabase) -> None:
    assert await causes(tight, "prepared_statement_leak") == []
    leaking = tight.connect()
    for number in range(30):
        leaking.execute(f"PREPARE s{number} FROM 'SELECT {number}'")
    with pytest.raises(MySQLError):
        leaking.execute("PREPARE one_more FROM 'SELECT 1'")
    (cause,) = await causes(tight, "prepared_statement_leak")
    assert (cause.object, cause.severity) == ("max_prepared_stmt_count", "critical")
    room = cause.remedies[1]
    tight.execute(*room.statements)
    assert await causes(tight, "prepared_statement_leak") == []
    leaking.execute("PREPARE one_more FROM 'SELECT 1'")
    leaking.close()
    tight.execute(*room.rollback)


async def test_an_account_that_has_used_up_its_connections(tight: PrivateMySQLDatabase) -> None:
    reader = tight.create_reader()
    sessions = [tight.connect(user=reader) for _ in range(5)]
    assert await causes(tight, "connection_saturation") == []
    sessions.append(tight.connect(user=reader))
    for _ in range(3):
        with suppress(MySQLError):
            sessions.append(tight.connect(user=reader))
    (cause,) = await causes(tight, "connection_saturation")
    assert cause.object == "max_user_connections"
    assert reader in cause.summary.render("en")
    if tight.server.kind.flavour == "mysql":  # MariaDB does not count such refusals
        assert cause.severity == "warning"
    for each in sessions:
        each.close()


async def test_a_full_table_in_memory(tight: PrivateMySQLDatabase) -> None:
    tight.execute("CREATE TABLE cache (a INT, b CHAR(200)) ENGINE = MEMORY", "INSERT INTO cache VALUES (1, 'x')")
    assert await causes(tight, "table_full") == []
    session = tight.connect()
    with suppress(MySQLError):
        for _ in range(12):
            session.execute("INSERT INTO cache SELECT * FROM cache")
    (cause,) = await causes(tight, "table_full")
    assert cause.object == f"{tight.name}.cache"
    tight.execute(*cause.remedies[0].statements)
    session.execute("INSERT INTO cache SELECT * FROM cache")
    assert await causes(tight, "table_full") == []
    session.close()
