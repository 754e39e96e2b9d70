"""For tests, of Housecall and of what others build on it: private database servers.

A private server is started from the binaries on this machine, listens on a socket of its own, keeps nothing, and is
stopped by whoever started it. Tests never touch the machine's shared servers. Which binaries: the usual ones, or those
in the folders that HOUSECALL_TEST_SERVERS names (docs/how-to/server-versions.md).
"""

import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from housecall.diagnosis.examine import Diagnosis, examine
from housecall.diagnosis.snapshot import Sample, Snapshot, StatementPlan
from housecall.engines.engine import ProbeLimits, Row, RowT, ServerFacts, Target, Unavailable, Version
from housecall.engines.postgresql import ENGINE
from housecall.errors import SetupError
from housecall.mysql_server import cache_folder
from housecall.store.embedded import FOR_TESTS, Cluster
from housecall.store.unprivileged import account_for

TEST_SETTINGS: Mapping[str, str] = {
    **FOR_TESTS,
    "shared_buffers": "32MB",
    "max_connections": "40",
    "max_prepared_transactions": "5",
    "wal_level": "logical",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "1h",  # a test says itself when a table is vacuumed or analysed
    "track_io_timing": "on",
}
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A server that tests can start: where its programs are (None: the embedded one) and what it preloads."""

    name: str
    version: int
    bin_dir: Path | None
    preload: tuple[str, ...]
    extensions: tuple[str, ...]

    def is_complete(self) -> bool:
        """Whether programs and extensions are installed."""
        if self.bin_dir is None:
            return True
        return (self.bin_dir / "postgres").exists() and set(self.extensions) <= set(_extensions_beside(self.bin_dir))


EXTENSIONS = ("pg_stat_statements", "hypopg", "pgstattuple")


def _extensions_beside(bin_dir: Path) -> tuple[str, ...]:
    """Those of ours that the server has whose programs are here; packagers lay the folders out in two ways."""
    folders = (
        bin_dir.parents[3] / "share/postgresql" / bin_dir.parent.name / "extension",  # /usr/lib/postgresql/15/bin
        bin_dir.parent / "share/postgresql/extension",
    )
    return tuple(each for each in EXTENSIONS if any((folder / f"{each}.control").exists() for folder in folders))


def named_servers() -> tuple[Path, ...]:
    """The folders of HOUSECALL_TEST_SERVERS: each is the root that a server's packages were unpacked into."""
    folders = tuple(Path(each) for each in os.environ.get("HOUSECALL_TEST_SERVERS", "").split(os.pathsep) if each)
    for folder in folders:
        if not folder.is_dir():
            raise SetupError(f"HOUSECALL_TEST_SERVERS names {folder}, and there is no such folder")
    return folders


def further_servers_folder() -> Path:
    """Where servers of versions that only a part of the tests runs on are unpacked, one folder each."""
    return cache_folder() / "versions"


def program_version(program: Sequence[Path | str]) -> str:
    """`17.12`, as a server's program tells it."""
    told = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    found = re.search(r"(?:Ver|\(PostgreSQL\)) +(\d+(?:\.\d+)*)", told)
    assert found, told
    return found[1]


def unpacked_postgresql(root: Path) -> ServerKind | None:
    """The PostgreSQL that was unpacked into a folder, with the extensions it came with; None when there is none."""
    for bin_dir in (*root.glob("usr/lib/postgresql/*/bin"), root / "bin"):
        if (bin_dir / "postgres").exists():
            version = int(program_version([bin_dir / "postgres"]).partition(".")[0])
            extensions = _extensions_beside(bin_dir)
            preload = tuple(each for each in extensions if each == "pg_stat_statements")
            return ServerKind(f"PostgreSQL {version}", version, bin_dir, preload, extensions)
    return None


POSTGRESQL_15 = ServerKind("PostgreSQL 15", 15, Path("/usr/lib/postgresql/15/bin"), ("pg_stat_statements",), EXTENSIONS)
POSTGRESQL_18 = ServerKind("PostgreSQL 18", 18, None, (), ())
_named = tuple(kind for kind in map(unpacked_postgresql, named_servers()) if kind is not None)
SERVER_KINDS = _named or (POSTGRESQL_15, POSTGRESQL_18)
POSTGRESQL = SERVER_KINDS[0]
"""The one that has what the benchmarks need."""


def missing_servers() -> list[str]:
    """The names of servers that tests want and this machine does not have."""
    return [kind.name for kind in SERVER_KINDS if not kind.is_complete()]


class PrivateDatabase:
    """One database on a private server, empty but for its extensions."""

    def __init__(self, server: "PrivateServer", name: str) -> None:
        self.server = server
        self.name = name
        self.dsn = server.cluster.dsn(name)

    def connect(self, *, role: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of its own, in autocommit mode; the caller closes it. `role` logs in as that role."""
        dsn = make_conninfo(self.dsn, user=role) if role else self.dsn
        return psycopg.connect(dsn, autocommit=True)

    def execute(self, *statements: str) -> None:
        """Run statements one by one over a connection that is closed afterwards, so that its counters are flushed."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        return self.fetch(statement, parameters)[0][0]

    def target(self, *, role: str | None = None) -> Target:
        target = ENGINE.parse_dsn(self.dsn)
        return replace(target, user=role) if role else target

    def create_reader(self, *, monitor: bool = True) -> str:
        """The name of a new least-privilege role: with `pg_monitor`, or with nothing at all."""
        role = f"reader_{next(_numbers)}"
        self.execute(f"CREATE ROLE {role} LOGIN", *([f"GRANT pg_monitor TO {role}"] if monitor else []))
        return role

    async def examine(self, *, role: str | None = None, window_seconds: float | None = None) -> Diagnosis:
        """What Housecall says of this database, through a probe of its own."""
        limits = ProbeLimits(statement_timeout_seconds=20.0)
        async with ENGINE.open_probe(self.target(role=role), limits, instance_id="test-db") as probe:
            return await examine(probe, "test-db", ENGINE, window_seconds=window_seconds)


class PrivateServer:
    """A running private server."""

    def __init__(self, kind: ServerKind, cluster: Cluster) -> None:
        self.kind = kind
        self.cluster = cluster

    @property
    def version(self) -> int:
        return self.kind.version

    def create_database(self) -> PrivateDatabase:
        """A new database with a name that says nothing, and every extension that the server has."""
        name = f"app_{next(_numbers)}"
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database = PrivateDatabase(self, name)
        database.execute(*(f"CREATE EXTENSION {extension}" for extension in self.kind.extensions))
        return database

    def drop_database(self, database: PrivateDatabase) -> None:
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))


class ServerFarm:
    """Starts private servers of one kind; the data folder is made once and copied for each further one."""

    def __init__(self, kind: ServerKind, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        self._template = folder / f"template-{kind.version}"

    @contextmanager
    def server(self, settings: Mapping[str, str] | None = None) -> Iterator[PrivateServer]:
        """A server of one's own for as long as the block runs."""
        self._ensure_template()
        data_dir = self._folder / f"server-{self.kind.version}-{next(_numbers)}"
        _copy_folder(self._template, data_dir)
        cluster = self._cluster(data_dir, settings or {})
        try:
            cluster.start()
            yield PrivateServer(self.kind, cluster)
        finally:
            cluster.stop()
            shutil.rmtree(data_dir, ignore_errors=True)

    def _ensure_template(self) -> None:
        if not self._template.exists():
            with self._cluster(self._template, {}):
                pass  # the first start makes the folder

    def _cluster(self, data_dir: Path, settings: Mapping[str, str]) -> Cluster:
        return Cluster(
            data_dir, bin_dir=self.kind.bin_dir, settings={**TEST_SETTINGS, **settings}, preload=self.kind.preload
        )


@contextmanager
def server_farm(kind: ServerKind) -> Iterator[ServerFarm]:
    """A folder for private servers that disappears afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="housecall-servers-"))
    folder.chmod(0o711)  # an unprivileged user runs the servers when tests run as root
    try:
        yield ServerFarm(kind, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_folder(source: Path, destination: Path) -> None:
    """Copy with the owner of every file, which shutil leaves out."""
    account = account_for(source)
    shutil.copytree(source, destination, symlinks=True, ignore=shutil.ignore_patterns("postmaster.pid", "server.log"))
    for path in (destination, *destination.rglob("*")):
        account.own(path)


def row_of(row_type: type[RowT], **values: Any) -> RowT:
    """A row with these values; every other field is 0, "", False, an empty list, or None where that is allowed."""
    empty: dict[Any, Any] = {int: 0, float: 0.0, str: "", bool: False, list[str]: [], list[int]: [], list[bool]: []}
    defaults = {name: empty.get(hint) for name, hint in get_type_hints(row_type).items() if name != "reading"}
    return row_type(**{**defaults, **values})


def snapshot_of(
    *rows: Row,
    unavailable: Sequence[Unavailable] = (),
    samples: Sequence[Sequence[Row]] = (),
    plans: Mapping[str, Any] | None = None,
    version: int = 150018,
    taken_seconds: float = 0.0,
) -> Snapshot:
    """A hand-written PostgreSQL snapshot. A reading of which no row is given came back empty."""
    number = f"{version // 10000}.{version % 10000}"
    facts = ServerFacts(
        Version("postgresql", version, f"PostgreSQL {number}"), "shop", "reader", False, True, False, 1e6, ()
    )
    readings: dict[str, Any] = {reading.name: () for reading in ENGINE.readings}
    readings |= _by_reading(rows) | {each.reading: each for each in unavailable}
    return Snapshot(
        instance="orders-db",
        engine="postgresql",
        facts=facts,
        taken_at=datetime(2026, 6, 1, 12, 0, tzinfo=UTC),
        taken_seconds=taken_seconds,
        readings=readings,
        samples=tuple(Sample(float(number), _by_reading(each)) for number, each in enumerate(samples)),
        plans=tuple(StatementPlan(statement, plan) for statement, plan in (plans or {}).items()),
    )


def _by_reading(rows: Sequence[Row]) -> dict[str, tuple[Row, ...]]:
    found: dict[str, tuple[Row, ...]] = {}
    for row in rows:
        found[row.reading] = (*found.get(row.reading, ()), row)
    return found
