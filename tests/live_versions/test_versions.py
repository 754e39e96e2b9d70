"""A part of what Housecall does, on servers of further versions: it looks everywhere, names faults, and mends one.

`tests/prepare_versions` fetches the servers; one that could not be had is skipped. The whole of the live tests runs on
any of them with HOUSECALL_TEST_SERVERS (docs/how-to/server-versions.md).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from housecall.diagnosis.examine import Diagnosis
from housecall.engines.engine import Unavailable
from housecall.testing import PrivateDatabase, further_servers_folder, server_farm, unpacked_postgresql
from housecall.testing_mysql import PrivateMySQLDatabase, Session, mysql_farm, unpacked_mysql
from housecall.testing_sessions import background, wait_until

pytestmark = [pytest.mark.anyio, pytest.mark.live]
OF_NO_VERSION = ("extension", "privilege", "setting", "not_applicable", "version")
"""Why a reading may be missing on a server that Housecall knows. "error" is a statement that the version refuses."""


def root_of(name: str) -> Path:
    root = further_servers_folder() / name
    if not root.exists():
        pytest.skip(f"{name} is not there; `python tests/prepare_versions.py` says why")
    return root


@pytest.fixture(scope="module", params=["postgresql-13", "postgresql-17"])
def database(request: pytest.FixtureRequest) -> Iterator[PrivateDatabase]:
    kind = unpacked_postgresql(root_of(request.param))
    assert kind is not None
    with server_farm(kind) as farm, farm.server() as server:
        yield server.create_database()


@pytest.fixture(scope="module", params=["mariadb-11.8"])
def shop(request: pytest.FixtureRequest) -> Iterator[PrivateMySQLDatabase]:
    kind = unpacked_mysql(root_of(request.param))
    assert kind is not None
    with mysql_farm(kind) as farm, farm.server({"performance_schema": "ON"}) as server:
        yield server.create_database()


def refused_readings(diagnosis: Diagnosis) -> list[Unavailable]:
    readings = diagnosis.snapshot.readings.values()
    return [each for each in readings if isinstance(each, Unavailable) and each.kind not in OF_NO_VERSION]


def objects(diagnosis: Diagnosis, cause_id: str) -> list[str]:
    return [cause.object for cause in diagnosis.causes if cause.id == cause_id]


async def test_postgresql_answers_every_reading_and_a_missing_index_is_mended(database: PrivateDatabase) -> None:
    reader = database.create_reader()
    database.execute(
        "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int, note text)",
        "INSERT INTO orders (customer_id, note) SELECT n % 2000, repeat('x', 50) FROM generate_series(1, 60000) AS n",
        "ANALYZE orders",
        *["SELECT count(*) FROM orders WHERE customer_id = 5"] * 30,
    )
    counted = "SELECT n_live_tup > 0 FROM pg_stat_user_tables WHERE relname = 'orders'"
    wait_until(
        lambda: bool(database.value(counted)), "the counters have arrived, which takes a while before version 15"
    )
    assert refused_readings(await database.examine(role=reader)) == []
    diagnosis = await database.examine()
    assert refused_readings(diagnosis) == []
    (cause,) = [each for each in diagnosis.causes if each.id == "missing_index"]
    assert cause.object == "public.orders(customer_id)"  # whether it is a warning depends on the machine's pace
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_statements_reset(), pg_stat_reset()")
    database.execute(*["SELECT count(*) FROM orders WHERE customer_id = 5"] * 30)
    assert objects(await database.examine(), "missing_index") == []


async def test_postgresql_names_the_session_that_holds_a_row(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE stock (id int PRIMARY KEY, quantity int)", "INSERT INTO stock VALUES (1, 0)")
    with background(database) as sessions:
        holder = sessions.session("BEGIN", "UPDATE stock SET quantity = 1")
        sessions.run("UPDATE stock SET quantity = 2")
        sessions.wait_for_queue(1, seconds=2)
        diagnosis = await database.examine(role=database.create_reader())
        assert objects(diagnosis, "idle_in_transaction_blocker") == [f"pid {holder.info.backend_pid}"]


async def test_mariadb_answers_every_reading_and_a_missing_index_is_mended(shop: PrivateMySQLDatabase) -> None:
    shop.execute(
        "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, customer_id INT, note VARCHAR(100))",
        "INSERT INTO orders (customer_id, note) SELECT seq % 2000, REPEAT('x', 50) FROM seq_1_to_60000",
        "ANALYZE TABLE orders",
        *["SELECT COUNT(*) FROM orders WHERE customer_id = 5"] * 30,
    )
    assert refused_readings(await shop.examine(user=shop.create_reader())) == []
    diagnosis = await shop.examine()
    assert refused_readings(diagnosis) == []
    (cause,) = [each for each in diagnosis.causes if each.id == "missing_index"]
    assert cause.object == f"{shop.name}.orders(customer_id)"
    shop.execute(*cause.remedies[0].statements, "TRUNCATE TABLE performance_schema.events_statements_summary_by_digest")
    shop.execute(*["SELECT COUNT(*) FROM orders WHERE customer_id = 5"] * 30)
    assert objects(await shop.examine(), "missing_index") == []


async def test_mariadb_names_the_session_that_holds_a_row(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE stock (id INT PRIMARY KEY, quantity INT)", "INSERT INTO stock VALUES (1, 0)")
    holder, waiter = shop.connect(), shop.connect()
    try:
        holder.execute("BEGIN", "UPDATE stock SET quantity = 1")
        waiting = waiter.start("UPDATE stock SET quantity = 2")
        wait_until(lambda: waits_seconds(shop, waiter) >= 2, "the second update waits")
        diagnosis = await shop.examine(user=shop.create_reader())
        assert objects(diagnosis, "idle_in_transaction_blocker") == [f"session {holder.id}"]
        holder.execute("ROLLBACK")
        waiting.result(20)
    finally:
        for session in (holder, waiter):
            session.close()


def waits_seconds(shop: PrivateMySQLDatabase, waiter: Session) -> int:
    asked = "SELECT COALESCE(MAX(TIME), 0) FROM information_schema.PROCESSLIST WHERE ID = %s AND COMMAND = 'Query'"
    return int(shop.value(asked, [waiter.id]))
