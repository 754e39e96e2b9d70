"""The state database: a pool of connections, our schema brought up to date, and failures in our own words.

Nothing holds a connection while it waits for something else, so a small pool serves hundreds of live streams.
"""

import contextlib
import time
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.errors import DiskFull, ForeignKeyViolation
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from housecall.errors import NotFound, SetupError
from housecall.store.failures import FAILURES, driver_error, store_error
from housecall.store.tables import HEAD, SCHEMA

POOL_SIZE = 8
POOL_OVERFLOW = 8
POOL_WAIT_SECONDS = 30.0  # a flood is refused by the plan in the end, not by us; who hangs up earlier waits no longer
TRUSTED_SECONDS = 0.5
"""How long after its last use a pooled connection is taken to be alive: no server restarts faster. Asking each time
would be a trip to the database before every transaction."""
CONNECT_SECONDS = 10
MIGRATION_LOCK = 0x686F757365  # any constant that every process agrees on ("house" in ASCII)
OLDEST_VERSION = 140000  # what DBOS and our SQL need

_TRIAL = (
    f"CREATE TABLE {SCHEMA}.trial (filling text)",
    f"ALTER TABLE {SCHEMA}.trial ALTER filling SET STORAGE PLAIN",  # else it would be compressed to nothing
    f"INSERT INTO {SCHEMA}.trial SELECT repeat('x', 7000) FROM generate_series(1, 64)",
    f"DROP TABLE {SCHEMA}.trial",
)
"""Half a megabyte, more than a question or an answer takes, and gone when its transaction ends. A small row would prove
nothing: on a full disk it still fits into a page that is there."""


class Database:
    """An open state database. `begin` gives a transaction; `dsn` is for those who need a session of their own."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise SetupError(
                "HOUSECALL_DATABASE_URL is not a URL; it looks like postgresql://user@host/name."
            ) from error
        if parsed.get_backend_name() not in ("postgresql", "postgres"):
            raise SetupError(
                f"HOUSECALL_DATABASE_URL begins with {parsed.get_backend_name()!r}; the state lives in PostgreSQL only "
                "(postgresql://user@host/name)."
            )
        self.dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self.address = parsed.set(drivername="postgresql", password=None).render_as_string()
        self.engine: AsyncEngine = create_async_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=POOL_WAIT_SECONDS,
            hide_parameters=True,  # a failure is logged, and what it would have stored may be a question with a secret
            connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "housecall"},
        )
        self._lacked_disk = False  # whether a write failed for want of disk and none was seen to succeed since
        _ask_idle_connections(self.engine)

    def __repr__(self) -> str:
        return f"Database({self.address})"

    async def close(self) -> None:
        await self.engine.dispose()

    @contextlib.asynccontextmanager
    async def begin(self, attempted: str) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the block.

        Raises:
            NotFound: what a new row refers to was deleted by another request while `attempted` ("adding to a group").
            StoreError: the database failed while `attempted`.
        """
        try:
            async with self.engine.begin() as connection:
                yield connection
        except FAILURES as error:
            self._lacked_disk = self._lacked_disk or isinstance(driver_error(error), DiskFull)
            if isinstance(driver_error(error), ForeignKeyViolation):
                raise NotFound(f"What the request names was deleted while {attempted}; list what there is.") from error
            raise store_error(error, attempted) from error

    async def check(self) -> None:
        """See that the database answers, and, after a write that failed for want of disk, that it takes writes again.

        Raises StoreError with what is missing.
        """
        async with self.begin("checking its health") as connection:
            await connection.execute(text("SELECT 1"))
        if self._lacked_disk:
            async with self.begin("writing a trial to its disk") as connection:
                for statement in _TRIAL:
                    await connection.execute(text(statement))
            self._lacked_disk = False

    async def prepare(self) -> None:
        """Bring our schema up to date; processes that start together take turns.

        Raises:
            SetupError: the database cannot be reached, is too old, or is newer than this Housecall.
        """
        try:
            async with self.engine.begin() as connection:
                await self._check_server(connection)
                if await _version(connection) != HEAD:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
                    await connection.run_sync(migrate)
        except FAILURES as error:
            cause = driver_error(error)
            if isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None:
                raise SetupError(
                    f"No connection to Housecall's database {self.address}: {_first_line(cause)}. "
                    "See that it runs and that HOUSECALL_DATABASE_URL is right."
                ) from error
            raise SetupError(store_error(error, f"opening {self.address}").message) from error

    async def _check_server(self, connection: AsyncConnection) -> None:
        number = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
        if number < OLDEST_VERSION:
            raise SetupError(
                f"{self.address} is PostgreSQL {number // 10000}; Housecall's state needs {OLDEST_VERSION // 10000} or "
                "newer. Upgrade it, or leave HOUSECALL_DATABASE_URL unset for the embedded one."
            )


def _ask_idle_connections(engine: AsyncEngine) -> None:
    """Before a connection that was idle is used, see that it lives; one that does not takes the others with it."""
    pool, dialect = engine.sync_engine.pool, engine.dialect

    @event.listens_for(pool, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(pool, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None or time.monotonic() - idle_since < TRUSTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


async def _version(connection: AsyncConnection) -> str | None:
    """The revision of the schema, without loading Alembic: most starts find it up to date."""
    there = await connection.execute(text("SELECT to_regclass(:name)"), {"name": f"{SCHEMA}.alembic_version"})
    if there.scalar_one() is None:
        return None
    return (await connection.execute(text(f"SELECT version_num FROM {SCHEMA}.alembic_version"))).scalar_one_or_none()


def alembic_config(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("housecall.store") / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection) -> None:
    """Apply what is missing. Raises SetupError when the schema is newer than this Housecall."""
    from alembic import command
    from alembic.util.exc import CommandError

    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise SetupError(
            f"The state database has a schema that this Housecall does not know ({error}); "
            "a newer Housecall has used it. Start that version or a newer one."
        ) from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
