"""The patient of the MySQL and MariaDB demo: a private server of this machine's programs with the shop in it.

As `patient.py` does it for PostgreSQL: built once into a template folder and started from a copy.
"""

import asyncio
import contextlib
import hashlib
import importlib.resources
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncmy
from asyncmy.errors import MySQLError

from housecall.cli.demo.folders import copy, remove
from housecall.cli.demo.patient import DATABASE, HOUSECALL_ROLE, WORKLOAD_ROLE, free_port
from housecall.errors import SetupError
from housecall.mysql_server import MySQLKind, make_data_folder, start_server, stop_server
from housecall.store.unprivileged import Account, account_for, stand_in

SETTINGS = {
    "performance_schema": "ON",
    "innodb_buffer_pool_size": "268435456",
    "innodb_flush_log_at_trx_commit": "2",  # what the shop writes need not outlive a power cut
    "skip_name_resolve": "ON",
    "bind_address": "127.0.0.1",
    "max_connections": "100",
    "local_infile": "OFF",
    "innodb_lock_wait_timeout": "3600",
}
START_SECONDS, SUFFERING_SECONDS, WORKLOAD_STOP_SECONDS = 60.0, 60.0, 5.0

_RIGHTS = (
    "PROCESS ON *.*", "REFERENCES ON *.*", "SELECT ON performance_schema.*", "SELECT ON mysql.innodb_table_stats",
    "SELECT ON mysql.innodb_index_stats",
)  # fmt: skip
_RIGHTS_OF_FLAVOUR = {
    "mysql": ("REPLICATION CLIENT ON *.*", "XA_RECOVER_ADMIN ON *.*"),
    "mariadb": ("REPLICA MONITOR ON *.*", "BINLOG MONITOR ON *.*"),
}
_WAITING = """
SELECT COUNT(*) >= 2 FROM information_schema.INNODB_TRX
WHERE trx_state = 'LOCK WAIT' AND TIMESTAMPDIFF(SECOND, trx_wait_started, NOW()) >= 6
"""
_READ_WITHOUT_INDEX = """
SELECT COALESCE(SUM(COUNT_READ), 0) > 4000000 FROM performance_schema.table_io_waits_summary_by_index_usage
WHERE OBJECT_SCHEMA = 'shop' AND OBJECT_NAME = 'orders' AND INDEX_NAME IS NULL
"""
_TWICE = """
SELECT COUNT(*) = 2 FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = 'shop' AND INDEX_NAME IN ('order_items_product', 'order_items_by_product')
"""
_NO_KEY = """
SELECT COUNT(*) = 0 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'audit_log'
"""
_OLD_ENGINE = "SELECT COUNT(*) = 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND ENGINE = 'MyISAM'"
_SUFFERING: tuple[tuple[str, str], ...] = (
    ("checkouts wait for a transaction that was left open", _WAITING),
    ("the storefront reads all orders for want of an index", _READ_WITHOUT_INDEX),
    ("the key of page_views has used up nearly all its numbers", "SELECT MAX(id) > 2130000000 FROM shop.page_views"),
    ("order_items has the same index twice", _TWICE),
    ("audit_log has no primary key", _NO_KEY),
    ("carts is a MyISAM table, which locks as a whole and does not survive a crash", _OLD_ENGINE),
)
FAULTS = tuple(fault for fault, _ in _SUFFERING)


class MySQLPatient:
    """The running patient. `stop` ends its workload and its server, whatever state they are in."""

    def __init__(self, kind: MySQLKind, folder: Path, account: Account, password: str) -> None:
        self.kind = kind
        self._folder = folder
        self._account = account
        self._password = password
        self._port = free_port()
        self._sockets = Path(tempfile.mkdtemp(prefix="hc-"))  # a socket's name has a limit, which a home may pass
        self._sockets.chmod(0o711)
        account.own(self._sockets)
        self._process: subprocess.Popen[bytes] | None = None
        self._workload: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self._sockets / "s.sock"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}/{DATABASE}"

    @property
    def dsn(self) -> str:
        """How Housecall connects, as an account that may only watch. Its password lives as long as the demo."""
        return f"{self.kind.flavour}://{HOUSECALL_ROLE}:{self._password}@{self.address}"

    @property
    def owner_command(self) -> str:
        """How its owner connects, over the socket, to try a remedy."""
        client = next((name for name in ("mariadb", "mysql") if shutil.which(name)), self.kind.flavour)
        return f"{client} --socket={shlex.quote(str(self.socket))} -uroot -p{self._password} {DATABASE}"

    def start(self, *, password: str = "") -> None:
        """Start the server; root has `password` until `protect`. Raises SetupError."""
        log_path = self._folder.with_name(f"{self._folder.name}.log")
        with log_path.open("wb") as log:
            self._process = start_server(
                self.kind, self._account, self._folder, port=self._port, socket=self.socket, settings=SETTINGS, log=log
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(MySQLError, OSError):
                self.execute("SELECT 1", password=password)
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SetupError(f"{self.kind.name} did not start: {log_path.read_text(errors='replace')[-1000:]}")
            time.sleep(0.05)

    def execute(self, *statements: str, password: str | None = None, database: str | None = None) -> list[Any]:
        """Run statements as root over the socket; the first value of each."""
        return asyncio.run(self._execute(statements, self._password if password is None else password, database))

    async def _execute(self, statements: tuple[str, ...], password: str, database: str | None) -> list[Any]:
        connection = await asyncmy.connect(
            unix_socket=str(self.socket), user="root", password=password, database=database, autocommit=True
        )
        try:
            found = []
            async with connection.cursor() as cursor:
                for statement in statements:
                    await cursor.execute(statement)
                    row = await cursor.fetchone()
                    found.append(row[0] if row else None)
            return found
        finally:
            connection.close()

    def start_workload(self) -> None:
        """Start the traffic. Its own session keeps the terminal's Ctrl-C from it; it ends with its standard input."""
        command = [sys.executable, "-m", "housecall.cli.demo.mysql_workload", str(self.socket), WORKLOAD_ROLE, DATABASE]
        self._workload = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "HOUSECALL_DEMO_PASSWORD": self._password},
        )

    async def wait_until_it_suffers(self) -> None:
        """Return when every fault shows on the server itself. Raises SetupError with those that do not."""
        deadline = time.monotonic() + SUFFERING_SECONDS
        while True:
            shown = await self._execute(tuple(sql for _, sql in _SUFFERING), self._password, None)
            missing = [fault for fault, shows in zip(FAULTS, shown, strict=True) if not shows]
            if not missing:
                return
            if time.monotonic() > deadline:
                raise SetupError(
                    f"The demo's patient does not suffer as it should after {SUFFERING_SECONDS:.0f} s: not so that"
                    f" {'; not that '.join(missing)}. Is this machine very busy? Start the demo again"
                )
            assert self._workload is not None
            if self._workload.poll() is not None:
                raise SetupError("The demo's workload ended by itself; see the lines above")
            await asyncio.sleep(0.1)

    def stop(self) -> None:
        """End workload and server, and remove this copy of the shop."""
        try:
            self.stop_workload()
        finally:
            if self._process is not None:
                stop_server(self._process)
        shutil.rmtree(self._sockets, ignore_errors=True)
        remove(self._folder)

    def stop_workload(self) -> None:
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

    def leave(self, folder: Path) -> None:
        """End the server and keep its data as `folder`."""
        assert self._process is not None
        stop_server(self._process)
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._folder.rename(folder)


class MySQLPatients:
    """The patients of one kind of server: what `patient.py` offers, for MySQL or MariaDB."""

    FAULTS = FAULTS

    def __init__(self, kind: MySQLKind) -> None:
        self.kind = kind
        self.name = kind.name

    def check(self) -> None:
        """Raises SetupError when the server is not on this machine, with how to get it."""
        if not self.kind.is_complete():
            way = "apt-get install mariadb-server" if self.kind.flavour == "mariadb" else "make test, which unpacks it"
            raise SetupError(f"The demo needs {self.kind.name} on this machine, which is not there; get it with: {way}")

    def template_dir(self, home: Path) -> Path:
        """Another name for another shop, so an older one is never taken for it."""
        shop = hashlib.sha256((_shop_sql() + repr((_RIGHTS, SETTINGS))).encode()).hexdigest()[:8]
        return home / f"{self.kind.flavour}-template-{shop}"

    def build_template(self, home: Path) -> None:
        """Build the shop. What is unfinished has another name and is thrown away by the next attempt."""
        building = home / f"{self.kind.flavour}-building"
        for left_over in (*home.glob(f"{self.kind.flavour}-template-*"), building):
            remove(left_over)
        account = stand_in() if os.geteuid() == 0 else account_for(home)
        building.mkdir()
        account.own(building)
        make_data_folder(self.kind, account, building)
        patient = MySQLPatient(self.kind, building, account, "")
        with contextlib.ExitStack() as undo:
            undo.callback(patient.stop)
            patient.start()
            patient.execute(f"CREATE DATABASE {DATABASE}")
            patient.execute(*_statements(_shop_sql()), database=DATABASE)
            patient.leave(self.template_dir(home))
            undo.pop_all()

    def start_patient(self, home: Path) -> MySQLPatient:
        """Start the patient from a fresh copy of the template, on a free port of 127.0.0.1."""
        folder = home / f"{self.kind.flavour}-patient"
        _end_left_over(folder)
        remove(folder)
        copy(self.template_dir(home), folder)
        (folder / "auto.cnf").unlink(missing_ok=True)  # a server id of its own
        account = stand_in() if os.geteuid() == 0 else account_for(home)
        patient = MySQLPatient(self.kind, folder, account, secrets.token_hex(12))
        with contextlib.ExitStack() as undo:
            undo.callback(patient.stop)
            patient.start()
            patient.execute(*_accounts(self.kind, patient), password="")
            undo.pop_all()
        return patient

    def forget(self, home: Path) -> None:
        """Remove the built shop."""
        for folder in home.glob(f"{self.kind.flavour}-*"):
            remove(folder)


def _accounts(kind: MySQLKind, patient: MySQLPatient) -> Iterator[str]:
    """Accounts with the demo's password; those that come with an empty one lose it last."""
    password = patient.dsn.partition("@")[0].rpartition(":")[2]
    for user, rights in (
        (f"'{WORKLOAD_ROLE}'@'localhost'", (f"SELECT, INSERT, UPDATE, DELETE ON {DATABASE}.*",)),
        (f"'{HOUSECALL_ROLE}'@'127.0.0.1'", (*_RIGHTS, *_RIGHTS_OF_FLAVOUR[kind.flavour])),
    ):
        yield f"CREATE USER {user} IDENTIFIED BY '{password}'"
        yield from (f"GRANT {right} TO {user}" for right in rights)
    if kind.flavour == "mariadb":
        yield "DELETE FROM mysql.global_priv WHERE User IN ('root', '') AND Host <> 'localhost'"
        yield "FLUSH PRIVILEGES"
    yield f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}'"


def _statements(text: str) -> tuple[str, ...]:
    """The statements of the shop, which end with a semicolon at the end of a line."""
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return tuple(part.strip() for part in bare.split(";\n") if part.strip())


def _end_left_over(folder: Path) -> None:
    """End the server that a killed demo left running on this folder. Nobody else uses it: the demo's lock is held."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "pid").read_text())
        if str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + START_SECONDS
            while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                time.sleep(0.05)


def _shop_sql() -> str:
    return importlib.resources.files(__package__).joinpath("mysql_shop.sql").read_text(encoding="utf-8")
