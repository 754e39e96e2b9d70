"""Ways in and ways to be kept out, on real MySQL and MariaDB servers: whatever the server's mode, a polite sentence."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from housecall.engines.engine import ProbeLimits, Unavailable
from housecall.engines.mysql import ENGINE
from housecall.errors import InstanceRefused, InstanceTimeout
from housecall.testing_mysql import PrivateMySQLDatabase

pytestmark = pytest.mark.anyio
STRANGE_MODES = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE"


@contextmanager
def listener() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(5)
        yield door.getsockname()[1]


async def refusal(dsn: str) -> str:
    with pytest.raises(InstanceRefused) as caught:
        async with ENGINE.open_probe(ENGINE.parse_dsn(dsn), ProbeLimits(), instance_id="orders-db"):
            pass
    return str(caught.value)


async def test_the_servers_own_sql_mode_changes_nothing_for_the_probe(
    own_server: Callable[..., PrivateMySQLDatabase],
) -> None:
    database = own_server({"sql_mode": STRANGE_MODES, "performance_schema": "ON"})
    database.execute("CREATE TABLE t (a INT PRIMARY KEY, b CHAR(10))", "INSERT INTO t VALUES (1, 'x')")
    async with ENGINE.open_probe(database.target(), ProbeLimits(), instance_id="orders-db") as probe:
        assert (await probe.query("SELECT \"b\", 'it''s', NOT 0 BETWEEN 1 AND 2")).rows == (("b", "it's", 1),)
        assert (await probe.query("SELECT LENGTH(b) FROM t")).rows == ((1,),)
        await probe.explain("SELECT COUNT ( * ) FROM t WHERE b = ?")
        assert (await probe.query("SELECT COUNT AS n FROM (SELECT 1 AS COUNT) AS x")).rows == ((1,),)
        found = await probe.read_together([each for each in ENGINE.readings if each.serves(probe.facts.version)])
    assert {name for name, rows in found.items() if isinstance(rows, Unavailable) and rows.kind == "error"} == set()


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with listener() as port:
        limits = ProbeLimits(connect_timeout_seconds=0.5)
        target = ENGINE.parse_dsn(f"mysql://housecall:hunter2@127.0.0.1:{port}/shop")
        with pytest.raises(InstanceTimeout, match=r"orders-db.*accepted no session.*firewall") as caught:
            async with ENGINE.open_probe(target, limits, instance_id="orders-db"):
                pass
    assert "hunter2" not in str(caught.value)


async def test_a_database_that_is_not_there_is_named(shop: PrivateMySQLDatabase) -> None:
    told = await refusal(shop.dsn.replace(f"/{shop.name}", "/nowhere"))
    assert "nowhere" in told
    assert "check the name of the database" in told


async def test_a_server_that_demands_tls_says_how_to_give_it(own_server: Callable[..., PrivateMySQLDatabase]) -> None:
    database = own_server({"require_secure_transport": "ON"})
    if database.server.kind.flavour == "mariadb":
        pytest.skip("this MariaDB has no certificate, so it can demand none")
    database.execute("CREATE USER tls@'%' IDENTIFIED BY 'hunter2'")
    told = await refusal(f"mysql://tls:hunter2@127.0.0.1:{database.server.port}/?ssl-mode=DISABLED")
    assert "ssl-mode=REQUIRED" in told
    assert "hunter2" not in told
    dsn = f"mysql://tls:hunter2@127.0.0.1:{database.server.port}/?ssl-mode=REQUIRED"
    async with ENGINE.open_probe(ENGINE.parse_dsn(dsn), ProbeLimits(), instance_id="orders-db") as probe:
        assert probe.facts.user == "tls"


class TestCommands:
    """What people type, with a mysql:// or mariadb:// DSN."""

    @pytest.fixture
    def run(self, tmp_path: Path) -> Callable[..., tuple[int, str]]:
        environment = {**os.environ, "HOUSECALL_HOME": str(tmp_path / "home")}

        def call(*arguments: str) -> tuple[int, str]:
            done = subprocess.run(
                [sys.executable, "-m", "housecall.cli.main", *arguments],
                capture_output=True, text=True, env=environment, check=False, timeout=120,
            )  # fmt: skip
            return done.returncode, done.stdout + done.stderr

        return call

    def test_examine_collect_diagnose_and_ask(
        self, shop: PrivateMySQLDatabase, run: Callable[..., tuple[int, str]], tmp_path: Path
    ) -> None:
        shop.execute("CREATE TABLE orders (id INT PRIMARY KEY, a INT, KEY one (a), KEY two (a))")
        code, text = run("examine", "--dsn", shop.dsn, "--json")
        assert code in (0, 1)
        examined = json.loads(text)
        assert examined["engine"] == "mysql"
        assert any("orders" in each["object"] for each in examined["causes"])
        bundle = tmp_path / "bundle.json"
        assert run("collect", "--dsn", shop.dsn, "--output", str(bundle))[0] == 0
        code, text = run("diagnose", str(bundle), "--json")
        assert {each["id"] for each in json.loads(text)["causes"]} == {each["id"] for each in examined["causes"]}
        code, text = run("ask", "--dsn", shop.dsn, "Which indexes are duplicate?")
        assert code == 0
        assert "orders" in text

    def test_a_wrong_password_and_an_unreachable_server_are_told_in_a_sentence(
        self, shop: PrivateMySQLDatabase, run: Callable[..., tuple[int, str]]
    ) -> None:
        scheme = shop.server.kind.flavour
        code, text = run("examine", "--dsn", f"{scheme}://nobody:hunter2@127.0.0.1:{shop.server.port}/{shop.name}")
        assert code > 1
        assert "Traceback" not in text
        assert "hunter2" not in text
        assert "check user, password" in " ".join(text.split())
        code, text = run("examine", "--dsn", f"{scheme}://nobody:hunter2@127.0.0.1:1/shop")
        assert code > 1
        assert "cannot be reached" in " ".join(text.split())
