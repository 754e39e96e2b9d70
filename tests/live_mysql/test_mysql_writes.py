"""Changes on real MySQL and MariaDB servers: nothing unapproved runs, and what runs says what it did."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.live.writing import Installation, installation, names, text_of

from housecall.agent.builtin.conversation import Call
from housecall.engines.engine import ProbeLimits
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.changes import CHANGER
from housecall.engines.mysql.writer import open_writer
from housecall.errors import InstanceTimeout, NotFound, RequestError, StatementFailed
from housecall.testing import SERVER_KINDS, PrivateServer, server_farm
from housecall.testing_mysql import INNODB_KEEPS_ITS_PICTURE_SECONDS, PrivateMySQLDatabase, Session

pytestmark = pytest.mark.anyio

NUMBERS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
ORDERS = (
    "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, note TEXT)",
    f"INSERT INTO orders {NUMBERS} SELECT a.i * 1000 + b.i, b.i % 500, 'x' FROM n AS a JOIN n AS b WHERE a.i <= 40",
    "ANALYZE TABLE orders",
)
INDEX = Call("create_index", {"table": "orders", "columns": ["customer_id"]})


@pytest.fixture(scope="session")
def store() -> Iterator[PrivateServer]:
    """Where the installation keeps its own state."""
    with server_farm(SERVER_KINDS[-1]) as farm, farm.server() as started:
        yield started


@pytest.fixture
async def house(shop, store, tmp_path, monkeypatch) -> AsyncIterator[Installation]:
    shop.execute(*ORDERS)
    async with installation(shop, tmp_path / "home", monkeypatch, [[INDEX], "Done."], store=store) as opened:
        yield opened


@pytest.fixture
async def diagnostician(shop, store, tmp_path, monkeypatch) -> AsyncIterator[Installation]:
    shop.execute(*ORDERS)
    async with installation(shop, tmp_path / "home", monkeypatch, None, store=store) as opened:
        yield opened


def indexes(database: PrivateMySQLDatabase) -> set[str]:
    rows = database.fetch(
        "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()"
    )
    return {row[0] for row in rows}


def probe_of(database: PrivateMySQLDatabase, user: str = "root"):
    return ENGINE.open_probe(database.target(user=user), ProbeLimits(), instance_id="shop")


async def compose(database: PrivateMySQLDatabase, tool: str, /, **arguments: object):
    async with probe_of(database) as probe:
        return await CHANGER.compose(probe, tool, arguments, "shop")


def writer_of(database: PrivateMySQLDatabase, user: str = "root"):
    return open_writer(database.target(user=user), instance_id="shop", statement_timeout_seconds=20.0)


async def test_in_read_only_nothing_is_changed_and_the_card_is_told(house: Installation) -> None:
    await house.ask()
    refused = house.seen_by_the_model()
    assert refused["code"] == "ReadOnly"
    assert "ALGORITHM=INPLACE, LOCK=NONE" in refused["card"]["statements"][0]
    assert indexes(house.database) == {"PRIMARY"}


async def test_an_index_waits_with_its_card_is_approved_made_chosen_and_can_be_taken_back(house: Installation) -> None:
    events = await house.ask(mode="manual")
    waits = next(event.happening for event in events if event.happening.name == "tool_approval")
    assert names(events)[-1] == "workflow_finished"
    for word in (
        "ADD INDEX idx_customer_id (customer_id)",
        "metadata lock",
        "per second as measured",
        "Undo: ALTER TABLE",
    ):
        assert word in waits.fields["description"]
    assert indexes(house.database) == {"PRIMARY"}
    (waiting,) = await house.pending()
    await house.decide(waiting)
    await house.go_on(waiting)
    done = await house.read(waiting)
    assert done.execution == "succeeded"
    assert (done.result["before"]["planner_uses"], done.result["after"]["planner_uses"]) == (
        "no index", "idx_customer_id",
    )  # fmt: skip
    house.database.execute(*done.result["rollback"])
    assert indexes(house.database) == {"PRIMARY"}


async def test_a_rejected_change_is_not_made(house: Installation) -> None:
    await house.ask(mode="manual")
    (waiting,) = await house.pending()
    await house.decide(waiting, "reject", comment="not before the weekend")
    await house.go_on(waiting)
    assert "not before the weekend" in str(house.seen_by_the_model())
    assert indexes(house.database) == {"PRIMARY"}


async def test_a_blocker_is_ended_and_its_queue_goes_on(house: Installation) -> None:
    shop = house.database
    holder, waiter = shop.connect(), shop.connect()
    holder.execute("BEGIN", "UPDATE orders SET note = 'held' WHERE id = 1001")
    waiting = waiter.start("UPDATE orders SET note = 'wanted' WHERE id = 1001")
    await _until(shop, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'", 1)
    house.play([Call("terminate_session", {"pid": holder.id})], "Done.")
    done = await house.approved()
    assert done.card.description.count(f"KILL CONNECTION {holder.id}") >= 1
    assert "work is lost" in done.card.description
    assert done.execution == "succeeded", done.result
    assert done.result["after"]["session_present"] is False
    await asyncio.to_thread(waiting.result, 20)
    assert shop.value("SELECT note FROM orders WHERE id = 1001") == "wanted"
    waiter.close()


async def test_a_session_that_is_no_longer_the_one_that_was_seen_is_left_alone(house: Installation) -> None:
    shop = house.database
    seen = shop.connect()
    seen.execute("BEGIN", "SELECT COUNT(*) FROM orders")
    house.play([Call("terminate_session", {"pid": seen.id})], "Done.")
    await house.ask(mode="manual")
    (waiting,) = await house.pending()
    seen.execute("ROLLBACK", "BEGIN", "UPDATE orders SET note = 'new work' WHERE id = 1001")
    await house.decide(waiting)
    await house.go_on(waiting)
    done = await house.read(waiting)
    assert done.execution != "succeeded"
    assert seen.fetch("SELECT 1") == [(1,)]
    seen.execute("COMMIT")
    seen.close()


async def test_a_statement_is_cancelled_and_its_session_stays(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*ORDERS)
    busy = shop.connect()
    running = busy.start(
        "SELECT COUNT(*) FROM orders a JOIN orders b ON a.note = b.note JOIN orders c ON c.note = b.note"
    )
    await _until(
        shop, f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {busy.id} AND INFO IS NOT NULL", 1
    )
    change = await compose(shop, "cancel_query", pid=busy.id)
    assert (change.statements, change.facts["reads"], change.risk) == ((f"KILL QUERY {busy.id}",), True, "low")
    async with writer_of(shop) as writer:
        await writer.run(change.statements, lock_timeout_seconds=1.0)
    with pytest.raises(Exception, match="interrupted"):
        await asyncio.to_thread(running.result, 20)
    assert busy.fetch("SELECT 1") == [(1,)]
    async with probe_of(shop) as probe:
        assert (await CHANGER.settle(probe, change))["session_present"] is False
    busy.close()
    with pytest.raises(NotFound):
        await compose(shop, "cancel_query", pid=busy.id)


async def test_an_index_is_dropped_only_where_nothing_needs_it_and_comes_back_as_it_was(
    shop: PrivateMySQLDatabase,
) -> None:
    shop.execute(
        "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(99), KEY by_name (name(20)), UNIQUE KEY once (name))",
        "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, CONSTRAINT c FOREIGN KEY (customer_id)"
        " REFERENCES customers (id))",
    )
    for refused in ("customers.PRIMARY", "orders.c"):
        with pytest.raises(RequestError):
            await compose(shop, "drop_index", index=refused)
    assert (await compose(shop, "drop_index", index="once")).risk == "high"
    change = await compose(shop, "drop_index", index="by_name")
    async with writer_of(shop) as writer:
        await writer.run(change.statements, lock_timeout_seconds=2.0)
        assert "by_name" not in indexes(shop)
        await writer.run(change.rollback, lock_timeout_seconds=2.0)
    assert shop.value("SELECT SUB_PART FROM information_schema.STATISTICS WHERE INDEX_NAME = 'by_name'") == 20


async def test_a_lock_that_is_not_free_is_given_up_and_nobody_is_kept_waiting(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*ORDERS)
    holder = shop.connect()
    holder.execute("BEGIN", "SELECT COUNT(*) FROM orders")
    change = await compose(shop, "create_index", table="orders", columns=["customer_id"])
    async with writer_of(shop) as writer:
        with pytest.raises(InstanceTimeout, match="given up"):
            await writer.run(change.statements, lock_timeout_seconds=1.0)
    assert indexes(shop) == {"PRIMARY"}
    holder.close()


async def test_a_variable_is_set_kept_or_told_to_be_lost_and_set_back(shop: PrivateMySQLDatabase) -> None:
    before = shop.value("SELECT @@global.sort_buffer_size")
    change = await compose(shop, "set_parameter", name="sort_buffer_size", value="4MB")
    mariadb = shop.server.kind.flavour == "mariadb"
    verb = "GLOBAL" if mariadb else "PERSIST"
    assert change.statements == (f"SET {verb} sort_buffer_size = 4194304",)
    assert ("a restart forgets it" in change.duration.render("en")) == mariadb
    async with writer_of(shop) as writer:
        await writer.run(change.statements, lock_timeout_seconds=1.0)
        assert shop.value("SELECT @@global.sort_buffer_size") == 4194304
        async with probe_of(shop) as probe:
            assert (await CHANGER.look_up(probe, change.tool, change.arguments, change.state, "")).fate == "happened"
        await writer.run(change.rollback, lock_timeout_seconds=1.0)
    assert shop.value("SELECT @@global.sort_buffer_size") == before
    if not mariadb:
        assert shop.value("SELECT COUNT(*) FROM performance_schema.persisted_variables") == 0


async def test_what_needs_a_restart_or_opens_the_machine_is_said_or_refused(shop: PrivateMySQLDatabase) -> None:
    if shop.server.kind.flavour == "mysql":
        change = await compose(shop, "set_parameter", name="innodb_buffer_pool_instances", value="4")
        assert change.statements == ("SET PERSIST_ONLY innodb_buffer_pool_instances = 4",)
        assert "needs a restart" in change.duration.render("en")
    else:
        with pytest.raises(RequestError, match="needs a restart"):
            await compose(shop, "set_parameter", name="innodb_page_size", value="4096")
    for name in ("secure_file_priv", "init_connect", "general_log_file"):
        with pytest.raises(RequestError, match="never set from here"):
            await compose(shop, "set_parameter", name=name, value="/tmp/x")
    durable = await compose(shop, "set_parameter", name="sync_binlog", value="0")
    assert (durable.risk, durable.facts["durability"]) == ("high", True)


async def test_tables_are_analysed_rebuilt_and_given_options(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*ORDERS, "ALTER TABLE orders STATS_AUTO_RECALC=0")
    for tool, arguments in (
        ("analyze_table", {"table": "orders"}),
        ("set_table_option", {"table": "orders", "option": "stats_auto_recalc", "value": "1"}),
        ("rebuild_index", {"index": "orders"}),
    ):
        change = await compose(shop, tool, **arguments)
        async with writer_of(shop) as writer:
            await writer.run(change.statements, lock_timeout_seconds=3.0)
        async with probe_of(shop) as probe:
            assert await CHANGER.settle(probe, change)
    assert "stats_auto_recalc=1" in shop.value(
        "SELECT CREATE_OPTIONS FROM information_schema.TABLES WHERE TABLE_NAME = 'orders' AND TABLE_SCHEMA = DATABASE()"
    )


async def test_what_the_server_reports_as_rows_of_errors_is_an_error(shop: PrivateMySQLDatabase) -> None:
    async with writer_of(shop) as writer:
        with pytest.raises(StatementFailed, match="doesn't exist"):
            await writer.run(("ANALYZE TABLE nowhere",), lock_timeout_seconds=1.0)


async def test_an_account_without_the_right_is_told_what_would_give_it(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*ORDERS)
    change = await compose(shop, "create_index", table="orders", columns=["customer_id"])
    async with writer_of(shop, shop.create_reader()) as writer:
        with pytest.raises(StatementFailed, match="may not make this change"):
            await writer.run(change.statements, lock_timeout_seconds=1.0)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DROP TABLE orders", "/*!50000 DROP TABLE orders */", "SET GLOBAL general_log = 1", "BEGIN",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE orders", "SELECT 1 INTO OUTFILE '/tmp/x'", "SHUTDOWN",
        "LOCK TABLES orders WRITE",
        "INSTALL PLUGIN x SONAME 'x.so'", "CREATE FUNCTION x RETURNS INT SONAME 'x.so'", "/*M! DROP TABLE orders */",
    ],
)  # fmt: skip
async def test_statements_that_are_never_executed(shop: PrivateMySQLDatabase, sql: str) -> None:
    with pytest.raises(RequestError):
        await compose(shop, "execute_sql", sql=sql)


async def test_a_statement_with_words_of_danger_in_its_text_is_taken(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*ORDERS)
    change = await compose(shop, "execute_sql", sql="UPDATE orders SET note = 'into outfile; soname' WHERE id = 1001")
    async with writer_of(shop) as writer:
        assert (await writer.run(change.statements, lock_timeout_seconds=1.0)).affected_rows == 1


@pytest.mark.parametrize(
    ("tool", "arguments"), [("vacuum_table", {"table": "t"}), ("drop_replication_slot", {"slot": "s"})]
)
async def test_tools_of_other_engines_say_what_is_there_instead(
    shop: PrivateMySQLDatabase, tool: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(RequestError, match="MySQL and MariaDB have no"):
        await compose(shop, tool, **arguments)


async def test_the_diagnostician_proposes_the_remedy_that_it_gave(diagnostician: Installation) -> None:
    shop = diagnostician.database
    shop.execute("ALTER TABLE orders ADD KEY first (customer_id), ADD KEY second (customer_id)")
    done = await diagnostician.approved("drop index orders.second")
    assert done.execution == "succeeded"
    assert indexes(shop) == {"PRIMARY", "first"}
    told = text_of(await diagnostician.ask(f"kill session {_idle(shop).id}"))
    assert "KILL CONNECTION" in told


def _idle(shop: PrivateMySQLDatabase) -> Session:
    return shop.connect()


async def _until(shop: PrivateMySQLDatabase, sql: str, value: int) -> None:
    for _ in range(200):
        if await asyncio.to_thread(shop.value, sql) == value:
            return
        await asyncio.sleep(INNODB_KEEPS_ITS_PICTURE_SECONDS)
    raise AssertionError(sql)
