"""The patient: a private PostgreSQL 18 with the shop in it.

It is built once into a template folder and started from a copy, so that every demo begins equally ill, whatever
remedies were tried on the last one. The copy takes along the server's statistics, which a clean stop has written down.
"""

import asyncio
import contextlib
import hashlib
import importlib.resources
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr

from housecall.cli.demo.folders import copy, remove
from housecall.errors import SetupError
from housecall.store.embedded import Cluster, bundled_bin_dir

name = "PostgreSQL 18"
DATABASE, WORKLOAD_ROLE, HOUSECALL_ROLE = "shop", "shop", "housecall"
TABLES_IN_ORDER = ("customers", "products", "inventory", "orders", "order_items", "page_views")
"""Those that a well-kept server would have vacuumed and analysed after the load; the others are ill."""

# Without replicas a table that is filled in the transaction that made it needs no WAL, which halves the time.
BUILD_SETTINGS = {"wal_level": "minimal", "max_wal_senders": "0", "shared_buffers": "128MB", "max_wal_size": "1GB"}
SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "1GB", "shared_memory_type": "mmap"}
WORKLOAD_STOP_SECONDS = 5.0
SUFFERING_SECONDS = 30.0

_SUFFERING = """
SELECT
    (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE wait_event_type = 'Lock') >= 2
    AND (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'idle in transaction') = 1,
    (SELECT seq_scan FROM pg_catalog.pg_stat_user_tables WHERE relname = 'orders') >= 40,
    (SELECT n_dead_tup > n_live_tup FROM pg_catalog.pg_stat_user_tables WHERE relname = 'carts'),
    (SELECT n_mod_since_analyze > n_live_tup / 2 FROM pg_catalog.pg_stat_user_tables WHERE relname = 'shipments'),
    (SELECT last_value > 2130000000 FROM pg_catalog.pg_sequences WHERE sequencename = 'page_views_id_seq'),
    (SELECT count(*) = 2 FROM pg_catalog.pg_stat_user_indexes WHERE indexrelname ~ '^order_items_.*product')
"""
FAULTS = (
    "checkouts wait for a transaction that was left open",
    "the storefront reads all orders for want of an index",
    "dead rows pile up in carts, where autovacuum is off",
    "the planner's statistics of shipments are from its first day",
    "the key of page_views has used up nearly all its numbers",
    "order_items has the same index twice",
)


class Patient:
    """The running patient. `stop` ends its workload and its server, whatever state they are in."""

    def __init__(self, cluster: Cluster, password: SecretStr) -> None:
        self._cluster = cluster
        self._password = password
        self._workload: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._cluster.port}/{DATABASE}"

    @property
    def dsn(self) -> str:
        """How Housecall connects, as a role that may only watch. Holds a password that lives as long as the demo."""
        return self._cluster.tcp_dsn(DATABASE, user=HOUSECALL_ROLE, password=self._password)

    @property
    def owner_dsn(self) -> str:
        """How its owner connects, over the socket, to try a remedy."""
        return self._cluster.dsn(DATABASE)

    @property
    def owner_command(self) -> str:
        """The command line that connects as its owner."""
        psql = "psql" if shutil.which("psql") else shlex.quote(str(bundled_bin_dir() / "psql"))
        return f"{psql} {shlex.quote(self.owner_dsn)}"

    def start_workload(self) -> None:
        """Start the traffic. Its own session keeps the terminal's Ctrl-C from it; it ends with its standard input."""
        dsn = self._cluster.dsn(DATABASE).replace("postgres@", f"{WORKLOAD_ROLE}@", 1)
        self._workload = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "housecall.cli.demo.workload", dsn], stdin=subprocess.PIPE, start_new_session=True
        )

    async def wait_until_it_suffers(self) -> None:
        """Return when every fault shows on the server itself.

        Raises SetupError with the faults that do not show, since a demo of a healthy server would be a lie.
        """
        deadline = time.monotonic() + SUFFERING_SECONDS
        async with await psycopg.AsyncConnection.connect(self.owner_dsn, autocommit=True) as connection:
            while missing := await _faults_that_do_not_show(connection):
                if time.monotonic() > deadline:
                    raise SetupError(
                        f"The demo's patient does not suffer as it should after {SUFFERING_SECONDS:.0f} s: "
                        f"not so that {'; not that '.join(missing)}. Is this machine very busy? Start the demo again"
                    )
                self._check_workload()
                await asyncio.sleep(0.1)

    def stop(self) -> None:
        """End workload and server, and remove this copy of the shop."""
        try:
            self._stop_workload()
        finally:
            self._cluster.stop()
        remove(self._cluster.data_dir)

    def _check_workload(self) -> None:
        assert self._workload is not None
        code = self._workload.poll()
        if code is not None:
            raise SetupError(f"The demo's workload ended by itself with exit code {code}; see the lines above")

    def _stop_workload(self) -> None:
        if self._workload is None:
            return
        assert self._workload.stdin is not None
        self._workload.stdin.close()
        try:
            self._workload.wait(WORKLOAD_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._workload.kill()
            self._workload.wait()
        self._workload = None


def check() -> None:
    """Nothing can be missing: this server comes with Housecall."""


def template_dir(home: Path) -> Path:
    """The template's folder; another name for another shop, so an older one is never taken for it."""
    shop = hashlib.sha256((_shop_sql() + repr(TABLES_IN_ORDER)).encode()).hexdigest()[:8]
    return home / f"patient-template-{shop}"


def build_template(home: Path) -> None:
    """Build the shop. What is unfinished has another name and is thrown away by the next attempt."""
    for left_over in (*home.glob("patient-template-*"), *home.glob("patient-building*")):
        remove(left_over)
    building = Cluster(home / "patient-building", settings=BUILD_SETTINGS)
    with _running(building):
        dsn = building.ensure_database(DATABASE)
        with psycopg.connect(dsn) as connection:
            connection.execute(_shop_sql().encode())
        with psycopg.connect(dsn, autocommit=True) as connection:
            for table in TABLES_IN_ORDER:
                connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
            connection.execute("ANALYZE carts")
    building.data_dir.rename(template_dir(home))


def start_patient(home: Path) -> Patient:
    """Start the patient from a fresh copy of the template, listening on a free port of 127.0.0.1."""
    folder = home / "patient"
    _end_left_over(folder)
    remove(folder)
    copy(template_dir(home), folder)
    password = SecretStr(secrets.token_urlsafe(18))
    cluster = Cluster(folder, port=free_port(), password=password, settings=SETTINGS)
    with contextlib.ExitStack() as undo:
        undo.callback(cluster.stop)
        cluster.start()
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(HOUSECALL_ROLE), password.get_secret_value()))
        undo.pop_all()
    return Patient(cluster, password)


def forget(home: Path) -> None:
    """Remove the built shop."""
    for folder in home.glob("patient*"):
        remove(folder)


def free_port(wanted: int = 0) -> int:
    """`wanted` when nobody listens there, else any free port of 127.0.0.1."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SetupError("No port of 127.0.0.1 is free; end some programs and start the demo again")


async def _faults_that_do_not_show(connection: psycopg.AsyncConnection[tuple[bool, ...]]) -> list[str]:
    row = await (await connection.execute(_SUFFERING)).fetchone()
    assert row is not None
    return [fault for fault, shows in zip(FAULTS, row, strict=True) if not shows]


def _end_left_over(folder: Path) -> None:
    """End the server that a killed demo left running. Nobody else uses it: the demo's own lock is held."""
    if (folder / "PG_VERSION").exists():
        left_over = Cluster(
            folder, port=1, password=SecretStr("not needed to join")
        )  # it takes on the running one's port
        if left_over.pid is not None:
            with _running(left_over):
                pass


@contextlib.contextmanager
def _running(cluster: Cluster) -> Iterator[None]:
    """As `with cluster`, but stopped also when Ctrl-C falls into its start."""
    try:
        cluster.start()
        yield
    finally:
        cluster.stop()


def _shop_sql() -> str:
    return importlib.resources.files(__package__).joinpath("shop.sql").read_text(encoding="utf-8")
