"""A change runs once, also when the process is killed after the server has made it and before that is recorded."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from housecall.app import STATE_FOLDER
from housecall.store.embedded import Cluster
from housecall.testing import POSTGRESQL_18, server_farm

pytestmark = pytest.mark.acceptance

PROGRAM = Path(__file__).with_name("approval_process.py")
SECONDS = 120


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="housecall-tests-"))
    folder.chmod(0o711)
    yield folder / "home"
    Cluster(folder / "home" / STATE_FOLDER).stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server():
    with server_farm(POSTGRESQL_18) as farm, farm.server({"log_statement": "all"}) as started:
        yield started


@pytest.fixture
def database(server):
    made = server.create_database()
    made.execute(
        "CREATE TABLE orders (id int PRIMARY KEY, customer_id int)",
        "INSERT INTO orders SELECT i, i % 100 FROM generate_series(1, 1000) AS i",
    )
    yield made
    server.drop_database(made)


def run(home, *arguments):
    environment = {**os.environ, "HOUSECALL_HOME": str(home)}
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=SECONDS
    )


def test_a_change_that_was_made_before_the_crash_is_looked_up_and_not_made_again(home, database):
    killed = run(home, database.dsn, "ask")
    assert killed.returncode == -9, killed.stderr
    run_id = json.loads(killed.stdout.splitlines()[-1])["run_id"]
    database.execute("ALTER INDEX orders_customer_id_idx SET (fillfactor = 77)")

    ended = run(home, database.dsn, "go-on", run_id)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["execution"] == "succeeded"
    assert told["status"] == "succeeded"
    assert "not repeated" in told["result"]["interrupted"]
    assert told["result"]["found"] == "public.orders_customer_id_idx is there and valid."
    options = "SELECT reloptions FROM pg_class WHERE relname = 'orders_customer_id_idx'"
    assert database.value(options) == ["fillfactor=77"], "the index is the one that was made first"


def test_a_change_whose_trace_is_gone_is_not_made_a_second_time(home, database):
    """Gone before the second start: whoever dropped it, it is not made again."""
    killed = run(home, database.dsn, "ask")
    assert killed.returncode == -9, killed.stderr
    run_id = json.loads(killed.stdout.splitlines()[-1])["run_id"]
    database.execute("DROP INDEX orders_customer_id_idx")

    told = json.loads(run(home, database.dsn, "go-on", run_id).stdout.splitlines()[-1])
    assert told["execution"] == "failed"
    assert told["result"]["fate"] == "not_happened"
    assert database.value("SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_customer_id_idx'") == 0


KEYLESS = (
    '[[model]]\nid = "far"\nbase_url = "http://127.0.0.1:9/v1"\nkey = { env = "A_KEY_OF_THE_SERVER" }\ndefault = true\n'
)


def housecall(home, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOUSECALL_")}
    return subprocess.run(
        [sys.executable, "-m", "housecall.cli.main", *arguments],
        env=environment | {"HOUSECALL_HOME": str(home)}, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip


def test_a_person_decides_where_the_key_of_the_model_is_not_at_hand(home, database):
    proposed = run(home, database.dsn, "propose")
    call = json.loads(proposed.stdout.splitlines()[-1])["call_id"]
    (home / "housecall.toml").write_text(KEYLESS)

    listed, shown = housecall(home, "approval", "list", "--json"), housecall(home, "approval", "show", call, "--json")
    assert [each["call_id"] for each in json.loads(listed.stdout)["approvals"]] == [call]
    assert json.loads(shown.stdout)["status"] == "pending"

    approved = housecall(home, "approval", "approve", call)
    assert (approved.returncode, approved.stdout) == (2, "")
    assert "set the environment variable A_KEY_OF_THE_SERVER" in approved.stderr
    assert json.loads(housecall(home, "approval", "show", call, "--json").stdout)["status"] == "pending"

    rejected = housecall(home, "approval", "reject", call, "-m", "not now", "--json")
    assert (rejected.returncode, json.loads(rejected.stdout)["status"]) == (0, "rejected")
    assert f"housecall ask --resume {call}" in rejected.stderr
    assert housecall(home, "examine", "shop", "--json").returncode in (0, 1)
    told = [(each["level"], each["what"]) for each in json.loads(housecall(home, "doctor", "--json").stdout)["lines"]]
    assert ("ok", "State store: embedded PostgreSQL") in told
    assert any(level == "fail" and what.startswith("Questions cannot be answered: The key of") for level, what in told)
    assert any(what.startswith("Instance 'shop': ") for _, what in told)


def test_approval_without_going_on_needs_no_model(home, database):
    call = json.loads(run(home, database.dsn, "propose").stdout.splitlines()[-1])["call_id"]
    (home / "housecall.toml").write_text(KEYLESS)
    approved = housecall(home, "approval", "approve", call, "--no-resume", "--json")
    assert (approved.returncode, json.loads(approved.stdout)["status"]) == (0, "approved")
    (line,) = json.loads(housecall(home, "audit", "list", "--call", call, "--json").stdout)["entries"]
    assert (line["operation"], line["source"]) == ("SubmitToolApproval", "cli")
    assert (line["result"], line["instance_id"]) == ("approve:create_index", "shop")
    assert line["principal"].endswith(":root")
    assert line["statement_hash"]
