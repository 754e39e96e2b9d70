"""The demo on MySQL and MariaDB: from nothing to an answer that names the faults, and nothing left behind."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from housecall.cli.demo.mysql_patient import FAULTS, MySQLPatients
from housecall.errors import SetupError
from housecall.mysql_server import MYSQL_KINDS, MySQLKind

PATIENCE = 300.0
SICK = ("shop.inventory", "shop.orders", "shop.page_views", "shop.order_items")
"""A row that a forgotten transaction holds, no index, a key that ends, the same index twice."""


@pytest.fixture
def home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="housecall-demo-test-"))
    made.chmod(0o711)  # an unprivileged user runs the servers when tests run as root
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.acceptance
@pytest.mark.parametrize("kind", MYSQL_KINDS, ids=lambda kind: kind.flavour)
def test_the_demo_names_what_is_ill_and_leaves_nothing_running(kind: MySQLKind, home: Path) -> None:
    if not kind.is_complete():
        pytest.skip(f"{kind.name} is not installed; `make test` says why")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOUSECALL_")}
    done = subprocess.run(
        [sys.executable, "-m", "housecall.cli.main", "demo", "--engine", kind.flavour, "--once"],
        capture_output=True, text=True, env={**kept, "HOUSECALL_HOME": str(home)}, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(fault in done.stdout for fault in FAULTS)
    assert [name for name in SICK if name not in done.stdout] == []
    assert "VACUUM" not in done.stdout
    assert not list((home / "demo").glob("*-patient"))
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(home) not in running


def test_a_server_that_is_not_there_is_said_with_the_way_to_get_it() -> None:
    absent = MySQLKind("MySQL 9", "mysql", Path("/nowhere/to/be/found"))
    with pytest.raises(SetupError, match="get it with"):
        MySQLPatients(absent).check()
