"""PostgreSQL 15 for the fault benchmark: a data folder for each schema, copied for every run.

The servers keep fsync and full_page_writes on, as real ones do; what makes them quick is a folder in memory where the
machine has one. The account `service` owns the tables, `dba` is a superuser, and `reader` has what
docs/how-to/least-privilege.md grants and no more.
"""

import itertools
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.faults.names import Values, render, repetition
from benchmarks.faults.patient import SERVICE
from benchmarks.faults.scenario import Schema
from housecall.engines.engine import Probe, Target
from housecall.engines.postgresql import ENGINE
from housecall.store.embedded import SOCKET_PORT, SUPERUSER, Cluster
from housecall.store.unprivileged import account_for
from housecall.testing import POSTGRESQL, PrivateDatabase, PrivateServer, _copy_folder

DATABASE = "app"
SETTINGS: Mapping[str, str] = {
    "shared_buffers": "64MB", "max_connections": "60", "max_prepared_transactions": "5", "track_io_timing": "on",
    "superuser_reserved_connections": "3", "autovacuum_max_workers": "3",
}  # fmt: skip
"""Over those of `housecall.store.embedded.SMALL`; everything else is PostgreSQL's default."""
TRAFFIC_CLIENTS, TRAFFIC_RATE = 2, 60
"""Transactions a second; each is one run of all statements of the schema's traffic."""
_RANDOM = re.compile(r"\{random:(\d+):(\d+)\}")
_numbers = itertools.count(1)


class PostgreSQLSession:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.pid = connection.info.backend_pid

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """When its statement in another thread, if any, has ended: that thread still reads from the connection."""
        with self._connection.lock:
            self._connection.close()


class PostgreSQLPatient:
    engine = ENGINE
    failures = psycopg.Error
    full_role, least_role = "dba", "reader"
    control = "SELECT sum(n) FROM generate_series(1, 20000) AS n"

    def __init__(self, data_dir: Path, settings: Mapping[str, str], preload: tuple[str, ...]) -> None:
        self._settings, self._preload = {**SETTINGS, **settings}, preload
        self._standby: PostgreSQLPatient | None = None
        self.data_dir = data_dir
        self._open()

    def _open(self) -> None:
        kind = POSTGRESQL
        self.cluster = Cluster(self.data_dir, bin_dir=kind.bin_dir, settings=self._settings, preload=self._preload)
        self.cluster.start()
        self._database = PrivateDatabase(PrivateServer(kind, self.cluster), DATABASE)

    @property
    def address(self) -> Mapping[str, str]:
        return {"socket": str(self.cluster.socket_dir), "port": str(SOCKET_PORT), "user": self.full_role,
                "password": "", "database": DATABASE}  # fmt: skip

    def limits(self, seconds: int) -> tuple[str, ...]:
        return (f"SET statement_timeout = '{seconds}s'",)

    def connect(self, role: str, application: str = "app") -> PostgreSQLSession:
        dsn = psycopg.conninfo.make_conninfo(self._database.dsn, user=role)
        connection = psycopg.connect(dsn, autocommit=True, application_name=application, prepare_threshold=None)
        return PostgreSQLSession(connection)

    def execute(self, *statements: str) -> None:
        session = self.connect(SUPERUSER, "admin")
        try:
            for statement in statements:
                session.execute(statement)
        finally:
            session.close()

    def value(self, statement: str) -> Any:
        session = self.connect(SUPERUSER, "admin")
        try:
            rows = session.execute(statement)
            return rows[0][0] if rows else None
        finally:
            session.close()

    def target(self, role: str) -> Target:
        return self._database.target(role=role)

    def end_sessions(self) -> None:
        with suppress(psycopg.Error):
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def restart(self, how: Mapping[str, Any]) -> None:
        self.cluster.stop()
        self._settings |= how.get("settings", {})
        account = account_for(self.data_dir)
        for command in how.get("tools", []):
            program = Path(str(POSTGRESQL.bin_dir)) / command[0]
            done = account.run([program, *command[1:], "-D", self.data_dir])
            if done.returncode:
                raise RuntimeError(f"{command}: {done.stderr.strip()}")
        for name, kilobytes in how.get("files", {}).items():
            path = self.data_dir / name
            path.write_bytes(bytes(1024 * kilobytes))
            account.own(path)
        self._open()

    def standby(self, settings: Mapping[str, str]) -> "PostgreSQLPatient":
        """A copy of the folder, made while the primary was stopped."""
        self.cluster.stop()
        folder = self.data_dir.with_name(f"{self.data_dir.name}-standby")
        _copy_folder(self.data_dir, folder)
        marker = folder / "standby.signal"
        marker.touch()
        account_for(folder).own(marker)
        self._open()
        address = f"host={self.cluster.socket_dir} port={SOCKET_PORT} user={SUPERUSER} application_name=replica_1"
        own = {**self._settings, "primary_conninfo": address, **settings}
        self._standby = PostgreSQLPatient(folder, own, self._preload)
        return self._standby

    def reset_counters(self) -> None:
        if self._preload:
            self.execute("SELECT pg_stat_statements_reset()")

    async def task_of(self, probe: Probe) -> str:
        return str((await probe.query_trusted("SELECT pg_backend_pid()")).rows[0][0])

    @contextmanager
    def traffic(self, statements: Sequence[str], chance: Any) -> Iterator[None]:
        """pgbench with the schema's own statements, and now and then a checkpoint, a spill and a short lock wait."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as script:
            script.write("\n".join(_pgbench_line(number, each) for number, each in enumerate(statements)))
            script.flush()
            program = str(POSTGRESQL.bin_dir) + "/pgbench"
            dsn = psycopg.conninfo.make_conninfo(self._database.dsn, user=SERVICE, application_name="web")
            command = [
                program,
                "-n",
                "-c",
                str(TRAFFIC_CLIENTS),
                "-R",
                str(TRAFFIC_RATE),
                "-T",
                "600",
                "-f",
                script.name,
            ]
            pgbench = subprocess.Popen([*command, dsn], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            noise = threading.Thread(target=self._noise, daemon=True)
            noise.start()
            try:
                yield
            finally:
                pgbench.send_signal(signal.SIGTERM)
                pgbench.wait(10)
                noise.join(10)

    def _noise(self) -> None:
        """What happens on every server: it must not be taken for a fault."""
        with suppress(psycopg.Error):
            self.execute("CHECKPOINT")
            self.execute(
                "SET work_mem = '1MB'",
                "SELECT count(DISTINCT md5(n::text)) FROM generate_series(1, 60000) AS n",
            )
            self.execute("SET lock_timeout = '300ms'", "SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(1)")

    def stop(self) -> None:
        if self._standby is not None:
            self._standby.stop()
        self.end_sessions()
        self.cluster.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)


def _pgbench_line(number: int, statement: str) -> str:
    """A statement for pgbench: its random numbers become variables."""
    sets: list[str] = []

    def variable(found: re.Match[str]) -> str:
        sets.append(f"\\set v{number}_{len(sets)} random({found[1]}, {found[2]})")
        return f":v{number}_{len(sets) - 1}"

    text = _RANDOM.sub(variable, statement)
    return "\n".join([*sets, text + ";"])


class PostgreSQLLab:
    """`folder` holds the prepared data folders; workers of the benchmark share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, key: str, schema: Schema, values: Values) -> None:
        """Build the tables once in `prepared-<key>`, stop cleanly: a copy starts as an old server does."""
        data_dir = self._folder / f"prepared-{key}"
        preload = POSTGRESQL.preload
        with Cluster(data_dir, bin_dir=POSTGRESQL.bin_dir, settings=SETTINGS, preload=preload) as cluster:
            with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
                for statement in _ACCOUNTS:
                    admin.execute(statement.encode())
            with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as admin:
                for extension in POSTGRESQL.extensions:
                    admin.execute(f"CREATE EXTENSION {extension}".encode())
                for statement in _GRANTS:
                    admin.execute(statement.encode())
                admin.execute(f"SET ROLE {SERVICE}".encode())
                for statement in schema.sql:
                    admin.execute(repetition(render(statement, values), 0, _no_chance()).encode())
            with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as admin:
                # The session above has ended, and with it its counts arrived: ANALYZE is to set them back, as in life.
                while admin.execute(_UNCOUNTED).fetchall():
                    pass
                admin.execute(b"VACUUM (ANALYZE)")
                admin.execute(b"CHECKPOINT")

    @contextmanager
    def patient(self, key: str, settings: Mapping[str, str], *, bare: bool) -> Iterator[PostgreSQLPatient]:
        prepared = self._folder / f"prepared-{key}"
        data_dir = Path(tempfile.mkdtemp(prefix="server-", dir=self._folder)) / "data"
        data_dir.parent.chmod(0o711)
        _copy_folder(prepared, data_dir)
        account_for(prepared).own(data_dir.parent)
        patient = None
        try:
            patient = PostgreSQLPatient(data_dir, settings, () if bare else POSTGRESQL.preload)
            if bare:
                patient.execute("DROP EXTENSION pg_stat_statements")
            yield patient
        finally:
            if patient is not None:
                patient.stop()
            shutil.rmtree(data_dir.parent, ignore_errors=True)


_ACCOUNTS = (
    f"CREATE ROLE {SERVICE} LOGIN",
    "CREATE ROLE dba LOGIN SUPERUSER",
    "CREATE ROLE reader LOGIN",
    "GRANT pg_monitor TO reader",
    "ALTER ROLE reader SET default_transaction_read_only = on",
    f"CREATE DATABASE {DATABASE} OWNER {SERVICE}",
)
_UNCOUNTED = b"SELECT relname FROM pg_stat_user_tables WHERE n_tup_ins = 0 AND pg_relation_size(relid) > 0"
"""A partitioned table and a parent that others inherit from hold no row of their own, and never count one."""
_GRANTS = (
    f"ALTER DEFAULT PRIVILEGES FOR ROLE {SERVICE} GRANT SELECT ON SEQUENCES TO reader",
    "ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON SEQUENCES TO reader",
    f"GRANT CREATE ON SCHEMA public TO {SERVICE}",
)


def _no_chance() -> Any:
    import random

    return random.Random(0)
