"""The agent on real MySQL and MariaDB servers: every tool, from fault to fixed, stop, and less privilege."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.live_mysql.asking import SHOP, Patient

from housecall.agent.builtin.conversation import Call
from housecall.agent.scripted import ScriptedModel
from housecall.agent.tools.bounded import RESULT_TOKENS, estimate_tokens
from housecall.testing_mysql import INNODB_KEEPS_ITS_PICTURE_SECONDS, PrivateMySQLDatabase
from housecall.testing_sessions import wait_until
from housecall.turn import Stop

pytestmark = pytest.mark.anyio

POSTGRESQL_WORDS = ("VACUUM", "vacuum", "pg_", "wraparound", "CONCURRENTLY", "PgBouncer", "PostgreSQL")
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("describe_db_instance_attribute", {}),
    ("describe_db_instance_parameters", {}),
    ("describe_db_instance_parameters", {"search": "buffer_pool"}),
    ("list_sessions", {}),
    ("show_blocking", {}),
    ("top_statements", {}),
    ("describe_table", {"table": "orders"}),
    ("list_indexes", {}),
    ("show_create_table", {"table": "orders"}),
    ("show_engine_innodb_status", {"part": "transactions"}),
    ("examine_instance", {}),
)


@pytest.fixture
def patient(shop: PrivateMySQLDatabase) -> Patient:
    shop.execute(*SHOP)
    return Patient(shop, shop.create_reader())


@pytest.mark.parametrize(("tool", "arguments"), CALLS, ids=[f"{name}-{len(given)}" for name, given in CALLS])
async def test_every_tool_answers_a_least_privileged_account(
    patient: Patient, tool: str, arguments: dict[str, Any]
) -> None:
    result = await patient.use(tool, **arguments)
    assert "error" not in result
    assert estimate_tokens(result) <= RESULT_TOKENS
    assert json.loads(json.dumps(result)) == result


async def test_a_table_is_described_with_its_keys_and_sizes(patient: Patient) -> None:
    found = await patient.use("describe_table", table="ORDERS")
    assert (found["table"], found["engine"], found["columns_total"]) == (f"{patient.database.name}.orders", "InnoDB", 4)
    assert found["constraints"][0]["definition"].startswith("FOREIGN KEY (customer_id) REFERENCES")
    assert {each["name"] for each in found["indexes"]} == {"PRIMARY", "orders_customer", "orders_status"}
    assert found["inserted_rows"] == 900
    other = await patient.use("describe_table", table="customers")
    assert [each["name"] for each in other["referenced_by"]] == ["orders_customer"]
    assert (await patient.use("describe_table", table="orders_status"))["table"] == found["table"]


async def test_a_name_that_is_not_there_gets_names_that_come_close(patient: Patient) -> None:
    error = (await patient.use("describe_table", table="ordrs"))["error"]
    assert f"{patient.database.name}.orders" in error


async def test_a_plan_names_the_table_that_is_read_from_end_to_end(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*SHOP)
    plan = await Patient(shop).use("explain_sql", sql="SELECT * FROM orders AS o WHERE o.note = 'x'")
    assert [each.rpartition(".")[2] for each in plan["sequential_scans"]] == ["orders"]
    conversion = await Patient(shop).use("explain_sql", sql="SELECT id FROM orders WHERE status = 5")
    assert any("status" in note for note in conversion["notes"])


async def test_the_account_without_the_right_to_a_table_is_told_what_it_needs(patient: Patient) -> None:
    told = await patient.tell("Explain this statement: SELECT * FROM orders WHERE note = 'x'")
    assert "plan could not be had" in told
    assert "denied" in told
    assert "`SELECT` on that table" in told
    assert not any(word in told for word in POSTGRESQL_WORDS)


async def test_a_queue_is_shown_with_its_root_and_never_a_victim(patient: Patient) -> None:
    shop = patient.database
    holder, waiter = shop.connect(), shop.connect()
    try:
        holder.execute("BEGIN", "UPDATE orders SET note = 'held' WHERE id = 7")
        waiting = waiter.start("UPDATE orders SET note = 'wanted' WHERE id = 7")
        seen = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
        wait_until(lambda: shop.value(seen) == 1, "the update waits", every_seconds=INNODB_KEEPS_ITS_PICTURE_SECONDS)
        found = await patient.use("show_blocking")
        assert [each["pid"] for each in found["root_blockers"]] == [holder.id]
        assert (found["waiting"][0]["pid"], found["waiting"][0]["blocked_by"]) == (waiter.id, [holder.id])
        assert found["root_blockers"][0]["state"] == "idle in transaction"
        if shop.server.kind.flavour == "mysql":  # MariaDB keeps no statement of a session that sleeps, by default
            assert "note = 'held'" in found["root_blockers"][0]["statement"]
        kill = await patient.tell(f"kill session {waiter.id}")
        assert f"{waiter.id} is a victim" in kill
        end = await patient.tell(f"kill session {holder.id}")
        assert f"KILL CONNECTION {holder.id};" in end
        assert "pg_" not in end
        holder.execute("ROLLBACK")
        waiting.result(20)
    finally:
        holder.close()
        waiter.close()


async def test_a_queue_for_a_table_lock_is_shown(patient: Patient) -> None:
    shop = patient.database
    if shop.server.kind.flavour == "mariadb":
        shop.server.connect().execute(
            "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'wait/lock/metadata/sql/mdl'"
        )
    holder, altering, reader = shop.connect(), shop.connect(), shop.connect()
    try:
        holder.execute("BEGIN", "SELECT COUNT(*) FROM orders")
        change = altering.start("ALTER TABLE orders ADD COLUMN extra INT")
        seen = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE '%metadata lock%'"
        wait_until(lambda: shop.value(seen) == 1, "the change waits")
        queued = reader.start("SELECT COUNT(*) FROM orders")
        wait_until(lambda: shop.value(seen) == 2, "the reader waits")
        found = await patient.use("show_blocking")
        assert [each["pid"] for each in found["root_blockers"]] == [holder.id]
        assert {each["pid"] for each in found["waiting"]} == {altering.id, reader.id}
        holder.execute("ROLLBACK")
        change.result(20)
        queued.result(20)
    finally:
        for session in (holder, altering, reader):
            session.close()


async def test_from_a_fault_to_its_sql_to_fixed_in_english_and_chinese(
    own_server: Callable[..., PrivateMySQLDatabase],
) -> None:
    shop = own_server({"performance_schema": "ON", "innodb_flush_method": "fsync"})  # else that is found as well
    shop.execute(*SHOP)
    patient = Patient(shop, shop.create_reader())
    shop.execute("ALTER TABLE orders ADD KEY twice (status)")
    first = await patient.tell("What is wrong?")
    assert "twice" in first
    sql = await patient.tell("show me the SQL for the duplicate index")
    assert "twice" in sql
    assert "DROP INDEX" in sql
    shop.execute("ALTER TABLE orders DROP KEY twice")
    assert await patient.tell("is it fixed now?") != first
    again = Patient(shop, "root")
    shop.execute("ALTER TABLE orders ADD KEY twice (status)")
    assert "twice" in await again.tell("有什么问题？")
    assert "DROP INDEX" in await again.tell("给我重复索引的 SQL")
    shop.execute("ALTER TABLE orders DROP KEY twice")
    assert "消失" in await again.tell("好了吗？")


@pytest.mark.parametrize(
    "question",
    [
        "Is it healthy?", "Who blocks whom?", "How are the connections?", "Which statements cost most?",
        "Which settings were changed?", "What about the table orders?", "Which indexes are on orders?",
        "How much disk space is used?", "Should I raise max_connections?", "How is replication?", "What version is it?",
        "show create table orders", "健康吗？", "有锁吗？", "连接情况如何？", "orders 表怎么样？", "最慢的语句是哪些？",
    ],
)  # fmt: skip
async def test_no_answer_speaks_of_what_another_engine_has(patient: Patient, question: str) -> None:
    told = await patient.tell(question)
    assert "could not look" not in told
    assert "未能检查。" not in told
    assert len(told) > 40
    assert not any(word in told for word in POSTGRESQL_WORDS), told


async def test_without_performance_schema_the_answer_says_so(blind_shop: PrivateMySQLDatabase) -> None:
    blind_shop.execute(*SHOP)
    blind = Patient(blind_shop, blind_shop.create_reader())
    told = await blind.tell("Which statements cost most?")
    assert "performance_schema is off" in told
    assert (await blind.use("describe_table", table="orders"))["estimated_rows"] > 0
    assert "error" not in await blind.use("show_blocking")


async def test_an_account_without_rights_is_told_what_is_hidden(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*SHOP)
    blind = Patient(shop, shop.create_reader(grants=[f"SELECT ON {shop.name}.*"]))
    found = await blind.use("list_sessions")
    assert found["statements_hidden"] == 0 or found["to_see_them"].startswith("GRANT PROCESS ON *.*")
    assert found["connections"] >= 1
    assert "GRANT" in await blind.tell("What is wrong?")


async def test_a_stop_ends_the_statement_on_the_server_within_a_second(shop: PrivateMySQLDatabase) -> None:
    shop.execute(*SHOP)
    stop, patient = Stop(), Patient(shop)
    endless = "SELECT COUNT(*) FROM orders AS a JOIN orders AS b ON a.id <> b.id JOIN orders AS d ON d.id <> a.id"
    running = "FROM information_schema.PROCESSLIST WHERE INFO LIKE '%orders AS d ON%' AND ID <> CONNECTION_ID()"
    model = ScriptedModel([[Call("query_sql", {"sql": endless})], "Done."])
    asking = asyncio.create_task(patient.ask("count", model=model, stop=stop))
    await asyncio.to_thread(wait_until, lambda: shop.value(f"SELECT COUNT(*) {running}") > 0, "running")
    started = time.monotonic()
    stop.set()
    _, outcome = await asyncio.wait_for(asking, 5.0)
    assert time.monotonic() - started < 1.0
    assert outcome.status == "stopped"
    await asyncio.to_thread(wait_until, lambda: shop.value(f"SELECT COUNT(*) {running}") == 0, "ended")
