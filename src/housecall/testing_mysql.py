"""For tests: private MySQL and MariaDB servers, as `housecall.testing` has them for PostgreSQL.

A private server is started from the programs on this machine, with a folder, a socket and a port of its own, by an
unprivileged user, and is stopped by the process id that was started. Sessions are asynchronous inside and plain
functions outside, so that a test can hold a lock in one and wait in another.
"""

import asyncio
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar

import asyncmy
from asyncmy.errors import MySQLError

from housecall import mysql_server
from housecall.diagnosis.examine import Diagnosis, examine
from housecall.engines.engine import Flavour, ProbeLimits, Target
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.changes.sessions import (
    INNODB_KEEPS_ITS_PICTURE_SECONDS as INNODB_KEEPS_ITS_PICTURE_SECONDS,
)
from housecall.mysql_server import STOP_SECONDS, discard_server, make_data_folder, start_server
from housecall.store.unprivileged import Account, account_for, stand_in
from housecall.testing import named_servers, program_version

START_SECONDS = 60.0
TEST_SETTINGS: Mapping[str, str] = {
    "innodb_buffer_pool_size": "67108864",
    "innodb_flush_method": "nosync",  # what a test writes need not outlive a power cut
    "innodb_flush_neighbors": "0",
    "max_connections": "60",
    "table_definition_cache": "2000",
    "bind_address": "127.0.0.1",
    "local_infile": "0",
}
MySQLKind = mysql_server.MySQLKind
MARIADB_PLUGINS, cache_folder = mysql_server.MARIADB_PLUGINS, mysql_server.cache_folder
_numbers = itertools.count(1)
_ResultT = TypeVar("_ResultT")


def unpacked_mysql(root: Path) -> MySQLKind | None:
    """The MySQL or MariaDB that was unpacked into a folder; None when there is none."""
    for flavour, title, program in (("mariadb", "MariaDB", "mariadbd"), ("mysql", "MySQL", "mysqld")):
        if (root / "usr/sbin" / program).exists():
            kind = MySQLKind(title, flavour, root)  # type: ignore[arg-type] # one of the two
            version = program_version(kind.daemon)
            return replace(kind, name=f"{title} {version.rpartition('.')[0]}")
    return None


_named = tuple(kind for kind in map(unpacked_mysql, named_servers()) if kind is not None)
MYSQL_KINDS = _named or mysql_server.MYSQL_KINDS
MARIADB = next((kind for kind in _named if kind.flavour == "mariadb"), mysql_server.MARIADB)
MYSQL = next((kind for kind in _named if kind.flavour == "mysql"), mysql_server.MYSQL)


def missing_mysql_servers() -> list[str]:
    """The names of servers that tests want and this machine does not have."""
    return [kind.name for kind in MYSQL_KINDS if not kind.is_complete()]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop in a thread of its own, on which all sessions of tests live."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="mysql-sessions", daemon=True).start()
    return loop


def _submit(work: Coroutine[Any, Any, _ResultT]) -> Future[_ResultT]:
    return asyncio.run_coroutine_threadsafe(work, _loop())


class Session:
    """One connection in autocommit mode. Its statements run one after the other, whoever starts them."""

    def __init__(self, **how: Any) -> None:
        self._free = asyncio.Lock()
        self._connection = _submit(self._open(how)).result(START_SECONDS)

    @staticmethod
    async def _open(how: dict[str, Any]) -> Any:
        return await asyncmy.connect(autocommit=True, **how)

    @property
    def id(self) -> int:
        """The connection id that the server gave."""
        return int(self._connection.server_thread_id[0])

    def start(self, statement: str, parameters: Sequence[Any] = ()) -> "Future[list[tuple[Any, ...]]]":
        """Begin a statement that may have to wait; the result holds its rows or its error."""
        return _submit(self._run(statement, parameters))

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.start(statement, parameters).result(START_SECONDS)

    def execute(self, *statements: str) -> None:
        for statement in statements:
            self.fetch(statement)

    async def _run(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        async with self._free, self._connection.cursor() as cursor:
            await cursor.execute(statement, tuple(parameters) or None)
            return list(await cursor.fetchall())

    def close(self) -> None:
        _submit(self._close()).result(STOP_SECONDS)

    async def _close(self) -> None:
        await self._connection.ensure_closed()


class PrivateMySQLDatabase:
    """One empty database on a private server."""

    def __init__(self, server: "PrivateMySQLServer", name: str) -> None:
        self.server = server
        self.name = name

    @property
    def dsn(self) -> str:
        return f"{self.server.kind.flavour}://root@localhost/{self.name}?socket={self.server.socket}"

    def target(self, *, user: str = "root", password: str | None = None) -> Target:
        """How Housecall reaches it, over the socket."""
        credentials = user if password is None else f"{user}:{password}"
        return ENGINE.parse_dsn(self.dsn.replace("root@", f"{credentials}@", 1))

    def connect(self, *, user: str = "root", password: str = "") -> Session:
        return self.server.connect(database=self.name, user=user, password=password)

    def execute(self, *statements: str) -> None:
        """Run statements one by one in a session that is closed afterwards."""
        session = self.connect()
        try:
            session.execute(*statements)
        finally:
            session.close()

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        session = self.connect()
        try:
            return session.fetch(statement, parameters)
        finally:
            session.close()

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        return self.fetch(statement, parameters)[0][0]

    def create_reader(self, *, grants: Sequence[str] | None = None) -> str:
        """The name of a new least-privilege account without a password. Without `grants` it gets those of the guide."""
        name = f"reader_{next(_numbers)}"
        grants = least_privilege(self.server.kind.flavour) if grants is None else grants
        self.execute(
            f"CREATE USER '{name}'@'localhost'", *(f"GRANT {grant} TO '{name}'@'localhost'" for grant in grants)
        )
        return name

    async def examine(self, *, user: str = "root", window_seconds: float | None = None) -> Diagnosis:
        """What Housecall says of this database, through a probe of its own."""
        limits = ProbeLimits(statement_timeout_seconds=20.0)
        async with ENGINE.open_probe(self.target(user=user), limits, instance_id="test-db") as probe:
            return await examine(probe, "test-db", ENGINE, window_seconds=window_seconds)


def least_privilege(flavour: Flavour) -> tuple[str, ...]:
    """The grants of docs/how-to/least-privilege-mysql.md, without those for reading the application's rows."""
    shared = (
        "PROCESS ON *.*",
        "REFERENCES ON *.*",
        "SELECT ON performance_schema.*",
        "SELECT ON mysql.innodb_table_stats",
        "SELECT ON mysql.innodb_index_stats",
    )
    if flavour == "mariadb":
        return (*shared, "REPLICA MONITOR ON *.*", "BINLOG MONITOR ON *.*")
    return (*shared, "REPLICATION CLIENT ON *.*", "XA_RECOVER_ADMIN ON *.*")


class PrivateMySQLServer:
    """A running private server."""

    def __init__(self, kind: MySQLKind, data_dir: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.kind = kind
        self.data_dir = data_dir
        self.port = port
        self.process = process

    @property
    def socket(self) -> Path:
        return self.data_dir / "s.sock"

    def connect(self, *, database: str | None = None, user: str = "root", password: str = "") -> Session:
        return Session(unix_socket=str(self.socket), user=user, password=password, database=database)

    def create_database(self) -> PrivateMySQLDatabase:
        """A new database with a name that says nothing."""
        name = f"app_{next(_numbers)}"
        session = self.connect()
        session.execute(f"CREATE DATABASE {name}")
        session.close()
        return PrivateMySQLDatabase(self, name)

    def drop_database(self, database: PrivateMySQLDatabase) -> None:
        session = self.connect()
        session.execute(f"DROP DATABASE IF EXISTS {database.name}")
        session.close()


class MySQLFarm:
    """Starts private servers of one kind; the data folder is made once and copied for each server."""

    def __init__(self, kind: MySQLKind, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        self._account: Account = stand_in() if os.geteuid() == 0 else account_for(folder)
        self._template = folder / "template"

    @contextmanager
    def server(self, settings: Mapping[str, str] | None = None) -> Iterator[PrivateMySQLServer]:
        """A server of one's own for as long as the block runs."""
        self._ensure_template()
        data_dir = self._folder / f"d{next(_numbers)}"
        self._copy_template(data_dir)
        port = _free_port()
        with (self._folder / f"{data_dir.name}.log").open("wb") as log:
            process = self._start(data_dir, port, settings or {}, log)
            server = PrivateMySQLServer(self.kind, data_dir, port, process)
            try:
                self._wait_until_it_answers(server)
                yield server
            finally:
                discard_server(process)
                shutil.rmtree(data_dir, ignore_errors=True)

    def _start(
        self, data_dir: Path, port: int, settings: Mapping[str, str], log: IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        chosen = {**TEST_SETTINGS, **settings}
        socket_path = data_dir / "s.sock"
        return start_server(
            self.kind, self._account, data_dir, port=port, socket=socket_path, settings=chosen, log=log
        )  # fmt: skip

    def _wait_until_it_answers(self, server: PrivateMySQLServer) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(MySQLError, OSError):
                server.connect().close()
                return
            if server.process.poll() is not None or time.monotonic() > deadline:
                log = (self._folder / f"{server.data_dir.name}.log").read_text(errors="replace")
                raise RuntimeError(f"{self.kind.name} did not start: {log[-2000:]}")
            time.sleep(0.05)

    def _ensure_template(self) -> None:
        if self._template.exists():
            return
        made = self._folder / "new-template"
        made.mkdir()
        self._account.own(made)
        make_data_folder(self.kind, self._account, made)
        made.rename(self._template)

    def _copy_template(self, data_dir: Path) -> None:
        """With a server id of its own, which MySQL makes at the first start, and owned by whoever runs the server."""
        shutil.copytree(self._template, data_dir, symlinks=True, ignore=shutil.ignore_patterns("auto.cnf"))
        for path in (data_dir, *data_dir.rglob("*")):
            self._account.own(path)


@contextmanager
def mysql_farm(kind: MySQLKind) -> Iterator[MySQLFarm]:
    """A folder for private servers that disappears afterwards. Its path is short: a socket's name has a limit."""
    folder = Path(tempfile.mkdtemp(prefix="hc-"))
    folder.chmod(0o755)  # an unprivileged user runs the servers when tests run as root
    farm = MySQLFarm(kind, folder)
    farm._account.own(folder)  # noqa: SLF001 - its own constructor
    try:
        yield farm
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
