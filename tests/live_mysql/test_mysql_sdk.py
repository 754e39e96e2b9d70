"""The official SDK asks about a MySQL and a MariaDB server: stream, tool calls, follow-up.

It opens an installation of its own, and a process executes the runs of one only, so it must not stand beside the tests
of the API, which keep one open.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from alibabacloud_tea_openapi import utils_models as open_api_models
from darabonba.runtime import RuntimeOptions
from tests.api.conftest import Live, _new_key, listening

from housecall.app import open_app
from housecall.settings import Settings
from housecall.testing_mysql import MySQLFarm, PrivateMySQLDatabase

ORDERS = (
    "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, customer INT, status INT,"
    " KEY by_status (status), KEY again (status))"
)
SETTINGS = {"performance_schema": "ON", "innodb_flush_method": "fsync"}
"""Those of a server that is well: what tests usually set for speed would be found."""

STATEMENTS = (ORDERS, "INSERT INTO orders (customer, status) VALUES (1, 1), (2, 2), (3, 1)", "ANALYZE TABLE orders")


class Watched:
    """A whole installation that watches one shop."""

    def __init__(self, live: Live, shop: PrivateMySQLDatabase, client: Client) -> None:
        self.live, self.shop, self.client = live, shop, client

    def ask(self, question: str, **more: Any) -> list[Any]:
        request = models.ChatMessagesRequest(query=question, event_mode="separate", **more)
        return [chunk.body for chunk in self.client.chat_messages_with_sse(request, RuntimeOptions())]


@pytest.fixture(scope="module")
def watched(mysql_servers: MySQLFarm) -> Iterator[Watched]:
    home = Path(tempfile.mkdtemp(prefix="housecall-api-", dir="/tmp"))
    home.chmod(0o755)
    try:
        with mysql_servers.server(SETTINGS) as server:
            shop = server.create_database()
            shop.execute(*STATEMENTS)

            async def prepare(app: Any) -> Any:
                await app.instances.add(app.root.account_id, "shop", shop.dsn)
                return await _new_key(app)

            settings = Settings(home=home / "state")
            with listening(lambda _: open_app(settings), prepare) as live:
                yield Watched(live, shop, client_of(live))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def client_of(live: Live) -> Client:
    secret = live.key.secret.get_secret_value()
    config = open_api_models.Config(
        endpoint=live.endpoint, protocol="HTTP", region_id="local", access_key_id=live.key.access_key_id,
        access_key_secret=secret,
    )  # fmt: skip
    return Client(config)


def text_of(bodies: list[Any]) -> str:
    return "".join(body.answer for body in bodies if body.event == "message")


def tools_of(bodies: list[Any]) -> list[str]:
    return [
        body.tool_name for body in bodies if body.event == "tool_call" and json.loads(body.answer)["status"] == "end"
    ]


def test_a_diagnosis_streams_its_tool_call_and_names_the_cause(watched: Watched) -> None:
    bodies = watched.ask("What is wrong?")
    assert [bodies[0].event, bodies[-1].event] == ["workflow_started", "workflow_finished"]
    assert tools_of(bodies) == ["examine_instance"]
    assert "orders.again" in text_of(bodies) or "orders.by_status" in text_of(bodies)
    assert "DROP INDEX" in text_of(bodies)
    assert "VACUUM" not in text_of(bodies)


def test_a_follow_up_in_the_conversation_gives_the_sql(watched: Watched) -> None:
    first = watched.ask("有什么问题？")
    told = text_of(watched.ask("给我 SQL", conversation_id=first[0].conversation_id))
    assert "```sql" in told
    assert f"ALTER TABLE {watched.shop.name}.orders" in told


@pytest.mark.parametrize(
    ("question", "tool", "word"),
    [
        ("What about the table orders?", "describe_table", "InnoDB"),
        ("Explain this statement: SELECT * FROM orders WHERE customer = 2", "explain_sql", "orders"),
        ("show create table orders", "show_create_table", "CREATE TABLE `orders`"),
        ("Who blocks whom?", "show_blocking", "No session waits"),
        ("run SELECT COUNT(*) AS n FROM orders", "query_sql", "3"),
        ("Which statements cost most?", "top_statements", "of the time"),
        ("What version is it?", "describe_db_instance_attribute", "M"),
    ],
)
def test_questions_reach_their_tools(watched: Watched, question: str, tool: str, word: str) -> None:
    bodies = watched.ask(question)
    assert tool in tools_of(bodies)
    assert word in text_of(bodies)
    assert bodies[-1].event == "workflow_finished"


def test_the_messages_of_the_conversation_are_what_was_streamed(watched: Watched) -> None:
    bodies = watched.ask("How are the connections?")
    request = models.GetMessagesRequest(conversation_id=bodies[0].conversation_id)
    (message,) = watched.client.get_messages(request).body.data
    assert message.query == "How are the connections?"
    assert message.answer.startswith(text_of(bodies)[:40])
