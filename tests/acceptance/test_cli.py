"""The command line as people use it: whole processes against a private PostgreSQL, with a home of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from housecall.store.embedded import Cluster

pytestmark = pytest.mark.acceptance

PASSWORD = "s3kret-pw"
TIMEOUT_SECONDS = 90.0
SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, country text NOT NULL);
INSERT INTO customers SELECT n, 'DE' FROM generate_series(1, 50000) AS n;
CREATE INDEX customers_country_idx ON customers (country);
CREATE INDEX customers_by_country ON customers (country);
CREATE TABLE views (id integer GENERATED ALWAYS AS IDENTITY (START WITH 2140000000) PRIMARY KEY);
INSERT INTO views DEFAULT VALUES;
"""


@dataclass(frozen=True)
class CommandLine:
    """Runs `housecall` with a home of its own. Nothing of the caller's HOUSECALL_* settings gets through."""

    home: Path

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOUSECALL_")}
        return {**kept, "HOUSECALL_HOME": str(self.home), **variables}

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "housecall.cli.main", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**variables),
        )

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, **variables)
        try:
            out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        finally:
            process.kill()
        for secret in (PASSWORD, "wrong-pw"):
            assert secret not in out + err
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, code: int = 0, **variables: str) -> Any:
        done = self.run(*arguments, **variables)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def failure(self, *arguments: str, **variables: str) -> str:
        """What a command that cannot do its work says: one line on stderr, nothing on stdout, exit code 2."""
        done = self.run(*arguments, **variables)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        return lines[0]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="housecall-cli-"))
    made.chmod(0o711)  # an unprivileged user runs the servers when tests run as root
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(folder: Path) -> Iterator[Cluster]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    started = Cluster(folder / "target", port=port, password=SecretStr(PASSWORD))
    try:
        started.start()
        for database in ("clean", "shop"):
            started.ensure_database(database)
        with psycopg.connect(started.dsn("shop"), autocommit=True) as connection:
            connection.execute(SCHEMA)
            connection.execute("ANALYZE")
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def cli(folder: Path) -> CommandLine:
    return CommandLine(folder / "home")


@pytest.fixture
def shop(cluster: Cluster) -> str:
    """The DSN of a database with a duplicate index and a key that runs out."""
    return cluster.tcp_dsn("shop")


@pytest.fixture
def registered(cli: CommandLine, shop: str) -> Iterator[str]:
    cli.json("instance", "add", "shop", "--json", HOUSECALL_DSN=shop)
    yield "shop"
    cli.run("instance", "remove", "shop")


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def silent_port(silent: socket.socket) -> int:
    port: int = silent.getsockname()[1]
    return port


def found(verdict: Any) -> set[tuple[str, str]]:
    return {(finding["check"], finding["object"]) for finding in verdict["findings"]}


def test_a_clean_database_is_exit_code_zero(cli: CommandLine, cluster: Cluster) -> None:
    verdict = cli.json("examine", "--json", "--window", "0", HOUSECALL_DSN=cluster.tcp_dsn("clean"))
    # the exit code says clean; all there is to tell is that its private socket asks for no password
    assert [(each["id"], each["object"], each["severity"]) for each in verdict["causes"]] == [
        ("weak_authentication", "pg_hba.conf", "info")
    ]


def test_a_faulty_database_is_exit_code_one_with_causes_and_findings(cli: CommandLine, shop: str) -> None:
    verdict = cli.json("examine", "--json", code=1, HOUSECALL_DSN=shop)
    assert {"instance", "taken_at", "causes", "findings", "not_evaluated"} <= verdict.keys()
    assert {"duplicate_index", "key_exhaustion"} <= {cause["id"] for cause in verdict["causes"]}
    for cause in verdict["causes"]:
        assert {"id", "object", "severity", "confidence", "summary", "evidence", "remedies"} <= cause.keys()
        assert 0 <= cause["confidence"] <= 1


def test_a_bundle_gives_the_same_verdict_without_the_server(cli: CommandLine, shop: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    assert cli.run("collect", "--dsn", shop, "-o", str(bundle)).returncode == 0
    live = cli.json("examine", "--json", code=1, HOUSECALL_DSN=shop)
    judged = cli.json("diagnose", str(bundle), "--json", code=1)
    assert found(judged) == found(live)
    assert [(each["id"], each["object"]) for each in judged["causes"]] == [
        (each["id"], each["object"]) for each in live["causes"]
    ]
    assert cli.json("diagnose", str(bundle), "--json", code=1) == judged


def test_people_read_causes_remedies_and_their_undo(cli: CommandLine, shop: str) -> None:
    done = cli.run("examine", HOUSECALL_DSN=shop)
    assert "DROP INDEX CONCURRENTLY" in done.stdout
    assert "Undo:" in done.stdout


def test_a_wrong_password_names_instance_and_address(cli: CommandLine, shop: str) -> None:
    told = cli.failure("examine", "--dsn", shop.replace(PASSWORD, "wrong-pw"))
    assert "Instance 'shop' at 127.0.0.1:" in told
    assert "check user and password" in told


def test_a_database_that_does_not_exist_is_named(cli: CommandLine, cluster: Cluster) -> None:
    assert '"nowhere" does not exist' in cli.failure("examine", HOUSECALL_DSN=cluster.tcp_dsn("nowhere"))


def test_nobody_at_the_address_is_told_with_what_to_check(cli: CommandLine) -> None:
    told = cli.failure("examine", "--dsn", f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop")
    assert "127.0.0.1:1/shop cannot be reached" in told
    assert "check address" in told


@pytest.mark.parametrize("command", [("examine",), ("collect",), ("ask", "What is wrong?")])
def test_a_target_that_hangs_is_given_up(cli: CommandLine, silent_port: int, command: tuple[str, ...]) -> None:
    dsn = f"postgresql://reader:{PASSWORD}@127.0.0.1:{silent_port}/shop"
    done = cli.run(*command, HOUSECALL_DSN=dsn, HOUSECALL_PROBE_CONNECT_TIMEOUT_SECONDS="1")
    told = done.stdout + done.stderr
    assert f"127.0.0.1:{silent_port}/shop did not accept a connection in time" in told


def test_a_dsn_of_another_kind_is_refused_without_its_password(cli: CommandLine) -> None:
    assert "postgresql://" in cli.failure("examine", "--dsn", f"oracle://reader:{PASSWORD}@host/x")


def test_ctrl_c_ends_a_question_within_seconds(cli: CommandLine, silent: socket.socket, silent_port: int) -> None:
    dsn = f"postgresql://reader@127.0.0.1:{silent_port}/shop"
    asking = cli.start("ask", "What is wrong?", HOUSECALL_DSN=dsn, HOUSECALL_PROBE_CONNECT_TIMEOUT_SECONDS="600")
    silent.settimeout(TIMEOUT_SECONDS)
    connection, _ = silent.accept()
    with connection:
        asking.send_signal(signal.SIGINT)
        _, err = asking.communicate(timeout=20)
    assert asking.returncode == 130
    assert err.strip() == "Stopped."


def test_a_question_about_a_dsn_is_answered_without_registration(cli: CommandLine, shop: str) -> None:
    told = cli.json("ask", "Which indexes are duplicates?", "--json", HOUSECALL_DSN=shop)
    assert told["status"] == "succeeded"
    assert "customers_by_country" in told["answer"]
    assert told["tool_calls"]
    assert told["conversation_id"] is None


def test_a_question_is_answered_in_the_language_that_is_wanted(cli: CommandLine, shop: str) -> None:
    answer = cli.run("ask", "Is anything wrong?", "--language", "zh-CN", HOUSECALL_DSN=shop).stdout
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer)


def test_a_conversation_goes_on(cli: CommandLine, registered: str) -> None:
    first = cli.json("ask", "Which indexes are duplicates?", "--instance", registered, "--json")
    second = cli.json("ask", "Show me the SQL", "--conversation", first["conversation_id"], "--json")
    assert second["conversation_id"] == first["conversation_id"]
    assert "DROP INDEX" in second["answer"]


def test_an_unknown_conversation_is_not_found(cli: CommandLine) -> None:
    assert "c-nowhere" in cli.failure("ask", "hello", "--conversation", "c-nowhere")


@pytest.mark.parametrize(
    "command", [("examine", "nobody"), ("instance", "show", "nobody"), ("instance", "test", "nobody")]
)
def test_an_unknown_instance_is_named(cli: CommandLine, command: tuple[str, ...]) -> None:
    assert "'nobody'" in cli.failure(*command)


def test_an_instance_is_registered_listed_tested_and_removed(cli: CommandLine, shop: str) -> None:
    added = cli.json(
        "instance", "add", "db-1", "--dsn", shop, "--description", "the shop", "--region", "here", "--json"
    )
    assert added["version"].startswith("PostgreSQL 18")
    assert (added["description"], added["region"]) == ("the shop", "here")
    assert [each["id"] for each in cli.json("instance", "list", "--json")["instances"]] == ["db-1"]
    assert cli.json("instance", "test", "db-1", "--json") == cli.json("instance", "show", "db-1", "--json")
    assert cli.run("instance", "remove", "db-1").returncode == 0
    assert cli.json("instance", "list", "--json") == {"instances": []}


def test_an_instance_that_does_not_answer_is_registered_only_when_wanted(cli: CommandLine) -> None:
    dsn = f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop"
    assert "cannot be reached" in cli.failure("instance", "add", "later", "--dsn", dsn)
    assert cli.json("instance", "add", "later", "--dsn", dsn, "--no-test", "--json")["version"] is None
    cli.run("instance", "remove", "later")


def test_a_key_is_made_listed_without_its_secret_and_disabled(cli: CommandLine) -> None:
    made = cli.json("key", "create", "--json")
    assert made.keys() == {"access_key_id", "access_key_secret"}
    listed = cli.run("key", "list", "--json").stdout
    assert made["access_key_id"] in listed
    assert made["access_key_secret"] not in listed
    assert cli.run("key", "disable", made["access_key_id"]).returncode == 0
    keys = cli.json("key", "list", "--json")["keys"]
    assert {key["access_key_id"]: key["active"] for key in keys}[made["access_key_id"]] is False


def test_doctor_tells_rights_and_extensions_of_a_server(cli: CommandLine, shop: str) -> None:
    lines = cli.json("doctor", "--dsn", shop, "--json")["lines"]
    assert any("is a superuser" in line["what"] and "GRANT pg_monitor" in line["remedy"] for line in lines)
    assert any("no extension hypopg" in line["what"] and line["remedy"] for line in lines)


def test_doctor_fails_for_a_server_that_does_not_answer(cli: CommandLine) -> None:
    lines = cli.json("doctor", "--json", "--dsn", "postgresql://reader@127.0.0.1:1/shop", code=1)["lines"]
    assert [line["level"] for line in lines].count("fail") == 1


def test_doctor_looks_at_home_and_state_store(cli: CommandLine) -> None:
    told = cli.run("doctor").stdout
    assert str(cli.home) in told
    assert "State store: embedded PostgreSQL" in told


def test_a_home_that_cannot_be_used_is_named(cli: CommandLine) -> None:
    assert "HOUSECALL_HOME" in cli.failure("key", "list", HOUSECALL_HOME="/proc/housecall")


def test_a_port_in_use_is_told_with_the_way_out(cli: CommandLine, silent_port: int) -> None:
    told = cli.failure("serve", "--port", str(silent_port))
    assert f"Port {silent_port} on 127.0.0.1 is in use" in told
    assert "--port" in told


def test_serve_says_where_it_listens_and_ends_on_a_signal(cli: CommandLine) -> None:
    serving = cli.start("serve", "--port", "0")
    try:
        assert serving.stderr is not None
        line = serving.stderr.readline()
        url = line.split()[3]
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/health", timeout=10) as response:
            assert json.load(response)["Status"] == "ready"
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=30)
    assert serving.returncode == 0
    assert not processes_of(cli.home)


def processes_of(folder: Path) -> list[str]:
    """The command lines of processes that name this folder."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line and "ps -eo" not in line]
