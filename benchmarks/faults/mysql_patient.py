"""MySQL and MariaDB for the fault benchmark: a data folder for each schema, copied for every run.

The servers write as durably as real ones do: binary log, doublewrite and a flush at each commit; what makes them quick
is a folder in memory where the machine has one. Every account has a password. `service` owns the tables' database,
`dba` has all rights, and `housecall` has what docs/how-to/least-privilege-mysql.md grants, plans and accounts included,
and no more. Where performance_schema is on, MariaDB also has the plugin for metadata locks, as that guide says.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from asyncmy.errors import MySQLError

from benchmarks.faults.names import Values, generator, render, repetition
from benchmarks.faults.patient import SERVICE
from benchmarks.faults.scenario import Schema
from housecall.engines.engine import Probe, Target
from housecall.engines.mysql import ENGINE
from housecall.mysql_server import discard_server, stop_server
from housecall.testing_mysql import (
    MARIADB,
    MYSQL,
    MySQLFarm,
    MySQLKind,
    PrivateMySQLServer,
    _free_port,
    _submit,
    least_privilege,
)
from housecall.testing_mysql import Session as Connected

DATABASE = "app"
ADMINISTRATOR, FULL, LEAST, REPLICA = "root", "dba", "housecall", "copier"
SETTINGS: Mapping[str, str] = {
    "innodb_buffer_pool_size": "134217728", "innodb_flush_method": "fsync", "innodb_flush_log_at_trx_commit": "1",
    "sync_binlog": "1", "log_bin": "binlog", "server_id": "1", "binlog_expire_logs_seconds": "604800",
    "max_connections": "60", "performance_schema": "ON", "innodb_lock_wait_timeout": "50", "skip_name_resolve": "ON",
}  # fmt: skip
"""Over those of `housecall.testing_mysql`; everything else is the server's default."""
FLAVOUR_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "mysql": {"cte_max_recursion_depth": "4000000"},
    "mariadb": {"max_recursive_iterations": "4000000", "binlog_format": "ROW"},
}
"""The depth is for `{series:…}`. MariaDB logs statements by default, which its manual advises against."""
WORDS: Mapping[str, Values] = {
    "mysql": {
        "global_status": "performance_schema.global_status",
        "replica_runs": "(SELECT COUNT(*) = 2 FROM (SELECT SERVICE_STATE FROM"
        " performance_schema.replication_connection_status UNION ALL SELECT SERVICE_STATE FROM"
        " performance_schema.replication_applier_status) AS s WHERE SERVICE_STATE = 'ON')",
    },
    "mariadb": {
        "global_status": "information_schema.GLOBAL_STATUS",
        "replica_runs": "(SELECT VARIABLE_VALUE = 'ON' FROM information_schema.GLOBAL_STATUS"
        " WHERE VARIABLE_NAME = 'SLAVE_RUNNING')",
    },
}
"""What scenarios for both flavours say with one word."""
_OWN_THREAD: Mapping[str, str] = {
    "mysql": "SELECT THREAD_OS_ID FROM performance_schema.threads WHERE PROCESSLIST_ID = CONNECTION_ID()",
    "mariadb": "SELECT TID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()",
}
TRAFFIC_CLIENTS, TRAFFIC_PAUSE_SECONDS = 2, 0.04
START_SECONDS = 60.0


class MySQLSession:
    def __init__(self, connection: Connected) -> None:
        self._connection = connection
        self.pid = connection.id

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.start(statement).result()

    def close(self) -> None:
        """As a client that says goodbye; a connection cut off would count as aborted."""
        _submit(self._connection._connection.ensure_closed()).result(START_SECONDS)  # noqa: SLF001 - our own session


class MySQLPatient:
    engine = ENGINE
    failures = (MySQLError, OSError)
    full_role, least_role = FULL, LEAST
    control = "SELECT BENCHMARK(20000, SHA2('control', 256))"

    def __init__(self, farm: MySQLFarm, data_dir: Path, settings: Mapping[str, str]) -> None:
        self._farm, self.data_dir = farm, data_dir
        self.flavour = farm.kind.flavour
        self._settings = {**SETTINGS, **FLAVOUR_SETTINGS[self.flavour], **settings}
        self._standby: MySQLPatient | None = None
        self._start()

    def _start(self) -> None:
        """Raises RuntimeError with the end of the server's log when it does not come up."""
        log_file = self.data_dir.with_name(f"{self.data_dir.name}.log")
        port = _free_port()
        with log_file.open("ab") as log:
            process = self._farm._start(self.data_dir, port, self._settings, log)  # noqa: SLF001
        self.server = PrivateMySQLServer(self._farm.kind, self.data_dir, port, process)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(*self.failures):
                self._connect(ADMINISTRATOR, "admin", None).close()
                return
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._farm.kind.name} did not start: {log_file.read_text()[-1500:]}")
            time.sleep(0.03)

    def _connect(self, role: str, application: str, database: str | None = DATABASE) -> MySQLSession:
        return MySQLSession(
            Connected(
                unix_socket=str(self.server.socket), user=role, password=_password(role), database=database,
                program_name=application, charset="utf8mb4",
            )
        )  # fmt: skip

    @property
    def address(self) -> Mapping[str, str]:
        return {"socket": str(self.server.socket), "port": str(self.server.port), "user": FULL,
                "password": _password(FULL), "database": DATABASE}  # fmt: skip

    def limits(self, seconds: int) -> tuple[str, ...]:
        own = f"max_statement_time = {seconds}" if self.flavour == "mariadb" else f"max_execution_time = {seconds}000"
        return (f"SET SESSION {own}, lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}",)

    def connect(self, role: str, application: str = "app") -> MySQLSession:
        return self._connect(role, application)

    def execute(self, *statements: str) -> None:
        with self._administrator() as session:
            for statement in statements:
                session.execute(statement)

    def value(self, statement: str) -> Any:
        with self._administrator() as session:
            rows = session.execute(statement)
            return rows[0][0] if rows else None

    @contextmanager
    def _administrator(self) -> Iterator[MySQLSession]:
        session = self._connect(ADMINISTRATOR, "admin")
        try:
            yield session
        finally:
            session.close()

    def target(self, role: str) -> Target:
        return ENGINE.parse_dsn(
            f"{self.flavour}://{role}:{_password(role)}@localhost/{DATABASE}?socket={self.server.socket}"
        )

    def end_sessions(self) -> None:
        with suppress(*self.failures), self._administrator() as session:
            found = session.execute(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()"
                " AND USER NOT IN ('system user', 'event_scheduler')"
            )
            for (number,) in found:
                with suppress(*self.failures):
                    session.execute(f"KILL {number}")

    def restart(self, how: Mapping[str, Any]) -> None:
        if set(how) - {"settings"}:
            raise ValueError(f"a restart of MySQL knows settings only, not {sorted(how)}")
        stop_server(self.server.process)
        self._settings |= how.get("settings", {})
        self._start()

    def standby(self, settings: Mapping[str, str]) -> "MySQLPatient":
        """A copy of the folder, made while the source was stopped. `delay_seconds` is no setting of the server."""
        own = {**self._settings, "server_id": "2", "report_host": "replica_1", "read_only": "ON", **settings}
        delay = own.pop("delay_seconds", "0")
        stop_server(self.server.process)
        folder = self.data_dir.with_name(f"{self.data_dir.name}-standby")
        _copy(self._farm, self.data_dir, folder)
        self._start()
        self.execute(f"CREATE USER '{REPLICA}'@'127.0.0.1' IDENTIFIED BY '{_password(REPLICA)}'",
                     f"GRANT REPLICATION SLAVE ON *.* TO '{REPLICA}'@'127.0.0.1'")  # fmt: skip
        self._standby = MySQLPatient(self._farm, folder, own)
        self._standby.execute(*self._follow(delay))
        return self._standby

    def _follow(self, delay: str) -> tuple[str, str]:
        mariadb = self.flavour == "mariadb"
        with self._administrator() as session:
            log, position, *_ = session.execute("SHOW MASTER STATUS" if mariadb else "SHOW BINARY LOG STATUS")[0]
        word = "MASTER" if mariadb else "SOURCE"
        options = (
            f"{word}_HOST = '127.0.0.1', {word}_PORT = {self.server.port}, {word}_USER = '{REPLICA}',"
            f" {word}_PASSWORD = '{_password(REPLICA)}', {word}_LOG_FILE = '{log}', {word}_LOG_POS = {position},"
            f" {word}_DELAY = {delay}, {word}_CONNECT_RETRY = 2"
        )
        if mariadb:
            return f"CHANGE MASTER TO {options}", "START SLAVE"
        return f"CHANGE REPLICATION SOURCE TO {options}, GET_SOURCE_PUBLIC_KEY = 1", "START REPLICA"

    def reset_counters(self) -> None:
        if self._settings["performance_schema"] == "ON":
            tables = ("by_digest", "by_user_by_event_name", "by_account_by_event_name")
            self.execute(
                *(f"TRUNCATE performance_schema.events_statements_summary_{each}" for each in tables),
                "TRUNCATE performance_schema.table_io_waits_summary_by_index_usage",
            )

    async def task_of(self, probe: Probe) -> str | None:
        """A session is a thread of the server; without performance_schema MySQL does not tell which."""
        if self.flavour == "mysql" and self._settings["performance_schema"] != "ON":
            return None
        thread = (await probe.query_trusted(_OWN_THREAD[self.flavour])).rows[0][0]
        return f"{self.server.process.pid}/task/{thread}"

    @contextmanager
    def traffic(self, statements: Sequence[str], chance: Any) -> Iterator[None]:
        """The schema's own statements, and now and then a sort that spills, a short lock wait and a new binary log."""
        ended = threading.Event()
        threads = [
            self._thread(lambda number=number: self._client(statements, number, ended))  # type: ignore[misc]
            for number in range(TRAFFIC_CLIENTS)
        ]
        threads.append(self._thread(self._noise))
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join(10)

    def _client(self, statements: Sequence[str], number: int, ended: threading.Event) -> None:
        session, chance = self.connect(SERVICE, "web"), generator("traffic", number)
        while not ended.wait(TRAFFIC_PAUSE_SECONDS):
            for statement in statements:
                session.execute(repetition(statement, 0, chance))
        session.close()

    def _noise(self) -> None:
        """What happens on every server: it must not be taken for a fault."""
        one, other = self.connect(FULL, "maintenance"), self.connect(FULL, "maintenance")
        one.execute("FLUSH BINARY LOGS")
        one.execute("SET SESSION sort_buffer_size = 32768")
        one.execute("SELECT SHA2(COLUMN_NAME, 256) AS m FROM information_schema.COLUMNS ORDER BY m LIMIT 5")
        one.execute("SELECT GET_LOCK('nightly', 0)")
        release = threading.Timer(0.3, lambda: one.execute("SELECT RELEASE_LOCK('nightly')"))
        release.start()
        other.execute("SELECT GET_LOCK('nightly', 5)")
        other.execute("SELECT RELEASE_LOCK('nightly')")
        release.join()
        one.close()
        other.close()

    def _thread(self, work: Callable[[], object]) -> threading.Thread:
        def quietly() -> None:
            with suppress(*self.failures):
                work()

        thread = threading.Thread(target=quietly, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """At once: nobody reads the folder any more."""
        if self._standby is not None:
            self._standby.stop()
        discard_server(self.server.process)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def stop_cleanly(self) -> None:
        """As an operator stops it, so that the folder may be copied."""
        stop_server(self.server.process)


class MySQLLab:
    """`folder` holds the prepared data folders; workers of the benchmark share it."""

    def __init__(self, kind: MySQLKind, folder: Path) -> None:
        self._folder = folder
        self._farm = MySQLFarm(kind, folder)

    def prepare(self, key: str, schema: Schema, values: Values) -> None:
        """Build the tables once in `prepared-<key>`, stop cleanly: a copy starts as an old server does."""
        self._farm._ensure_template()  # noqa: SLF001
        data_dir = self._folder / f"prepared-{key}"
        _copy(self._farm, self._folder / "template", data_dir)
        self._set_passwords(data_dir)
        patient = MySQLPatient(self._farm, data_dir, {})
        service = None
        try:
            if self._farm.kind.flavour == "mariadb":
                with suppress(MySQLError):  # Debian packs the plugin apart from the server
                    patient.execute("INSTALL SONAME 'metadata_lock_info'")
            service = patient.connect(SERVICE)
            for statement in schema.sql:
                service.execute(repetition(render(statement, values), 0, generator(key)))
            for (table,) in service.execute("SHOW TABLES"):
                service.execute(f"ANALYZE TABLE `{table}`")
            service.close()
        finally:
            patient.stop_cleanly()

    def _set_passwords(self, data_dir: Path) -> None:
        """By a start with an init file: before it nobody has a password."""
        script = data_dir / "accounts.sql"
        script.write_text("".join(f"{each};\n" for each in _accounts(self._farm.kind)), encoding="utf-8")
        MySQLPatient(self._farm, data_dir, {"init_file": str(script)}).stop_cleanly()
        script.unlink()

    @contextmanager
    def patient(self, key: str, settings: Mapping[str, str], *, bare: bool) -> Iterator[MySQLPatient]:
        own = {**settings, "performance_schema": "OFF"} if bare else settings
        data_dir = Path(tempfile.mkdtemp(prefix="server-", dir=self._folder)) / "data"
        data_dir.parent.chmod(0o711)
        patient = None
        try:
            _copy(self._farm, self._folder / f"prepared-{key}", data_dir)
            patient = MySQLPatient(self._farm, data_dir, own)
            yield patient
        finally:
            if patient is not None:
                patient.stop()
            shutil.rmtree(data_dir.parent, ignore_errors=True)


def mysql_lab(folder: Path) -> MySQLLab:
    return MySQLLab(MYSQL, folder)


def mariadb_lab(folder: Path) -> MySQLLab:
    return MySQLLab(MARIADB, folder)


def _copy(farm: MySQLFarm, source: Path, destination: Path) -> None:
    """Without the server's own id, which MySQL makes at the first start, and owned by whoever runs the server."""
    ignored = shutil.ignore_patterns("auto.cnf", "s.sock*", "pid")
    shutil.copytree(source, destination, symlinks=True, ignore=ignored)
    for path in (destination, *destination.rglob("*")):
        farm._account.own(path)  # noqa: SLF001


def _accounts(kind: MySQLKind) -> tuple[str, ...]:
    def create(name: str, *grants: str) -> list[str]:
        made = f"CREATE USER '{name}'@'localhost' IDENTIFIED BY '{_password(name)}'"
        return [made, *(f"GRANT {each} TO '{name}'@'localhost'" for each in grants)]

    accounts = "mysql.global_priv" if kind.flavour == "mariadb" else "mysql.user"
    also = (f"SELECT ON {DATABASE}.*", "SELECT ON mysql.user", f"SELECT ON {accounts}")
    other_roots = ("DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'", "FLUSH PRIVILEGES")
    return (
        *(other_roots if kind.flavour == "mariadb" else ()),
        f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4",
        *create(SERVICE, f"ALL PRIVILEGES ON {DATABASE}.*"),
        *create(FULL, "ALL PRIVILEGES ON *.*"),
        *(each.replace("'localhost'", "'127.0.0.1'") for each in create(FULL, "ALL PRIVILEGES ON *.*")),
        *create(LEAST, *least_privilege(kind.flavour), *also),
        f"ALTER USER '{ADMINISTRATOR}'@'localhost' IDENTIFIED BY '{_password(ADMINISTRATOR)}'",
    )


def _password(role: str) -> str:
    return f"{role}-9Xq27-tKe5"
