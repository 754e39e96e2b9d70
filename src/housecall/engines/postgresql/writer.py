"""The only door through which anything is written to a monitored PostgreSQL server.

Whoever comes here holds an approval; this file trusts nothing else. Each statement goes alone (the extended protocol
refuses a second one), commits by itself, waits for locks only as long as its change allows, and can be cancelled.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from housecall.engines.change import Written
from housecall.engines.engine import ServerFacts, Target, Version
from housecall.engines.postgresql.failures import connection_failure, statement_failure
from housecall.errors import InstanceTimeout, StatementFailed

APPLICATION_NAME = "housecall change"
CONNECT_SECONDS = 10
CANCEL_SECONDS = 5.0
MAX_ROWS = 20

_FACTS = """
SELECT
    current_setting('server_version_num')::int,
    current_setting('server_version'),
    current_database()::text,
    current_user::text,
    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
    pg_catalog.pg_is_in_recovery()
"""


class PostgreSQLWriter:
    """Implements the seam `Writer`."""

    def __init__(self, connection: AsyncConnection[Any], instance_id: str, target: Target) -> None:
        self._connection = connection
        self._instance_id = instance_id
        self._target = target
        self._running = False
        self.facts: ServerFacts

    async def prepare(self, statement_timeout_seconds: float) -> None:
        """Bound the session and learn who answers."""
        settings = {
            "default_transaction_read_only": "off",
            "statement_timeout": str(int(statement_timeout_seconds * 1000)),
            "idle_in_transaction_session_timeout": "60000",
            "standard_conforming_strings": "on",
        }
        for name, value in settings.items():
            await self._set(name, value)
        row = await (await self._connection.execute(_FACTS)).fetchone()
        assert row is not None
        version = Version("postgresql", row[0], f"PostgreSQL {row[1].split(' ')[0]}")
        self.facts = ServerFacts(version, row[2], row[3], row[4], row[4], row[5], 0.0, ())

    async def run(self, statements: Sequence[str], *, lock_timeout_seconds: float) -> Written:
        started = time.monotonic()
        rows: tuple[tuple[str | None, ...], ...] = ()
        affected: int | None = None
        try:
            await self._set("lock_timeout", str(int(lock_timeout_seconds * 1000)))
            for statement in statements:
                rows, affected = await self._one(statement)
        except psycopg.Error as error:
            raise self._failure(error, lock_timeout_seconds) from error
        return Written(rows, affected, time.monotonic() - started)

    async def cancel(self) -> None:
        if self._running:
            await self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    async def _one(self, statement: str) -> tuple[tuple[tuple[str | None, ...], ...], int | None]:
        cursor = self._connection.cursor(row_factory=tuple_row)
        self._running = True
        try:
            await cursor.execute(statement.encode(), prepare=True)  # prepared: the server takes one statement alone
        finally:
            self._running = False
        if cursor.description is None:
            return (), cursor.rowcount if cursor.rowcount >= 0 else None
        found = await cursor.fetchmany(MAX_ROWS)
        return tuple(tuple(None if each is None else str(each) for each in row) for row in found), cursor.rowcount

    async def _set(self, name: str, value: str) -> None:
        await self._connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))

    def _failure(self, error: psycopg.Error, lock_timeout_seconds: float) -> Exception:
        if isinstance(error, errors.InsufficientPrivilege):
            text = " ".join((error.diag.message_primary or str(error)).split())[:300]
            return StatementFailed(
                f"Instance '{self._instance_id}': role '{self._target.user}' may not make this change: {text}."
                f" {_grant(text, self._target.user)}",
                code="StatementFailed",
            )
        if isinstance(error, errors.LockNotAvailable):
            return InstanceTimeout(
                f"Instance '{self._instance_id}': the lock was not free within {lock_timeout_seconds:g} s, so the"
                " change was given up and others were not kept waiting; see who holds it and propose it again"
            )
        return statement_failure(error, self._instance_id, self._target)


def _grant(text: str, role: str) -> str:
    """What would give the right that is missing, by the server's own words."""
    lowered = text.lower()
    alternative = " Or give the instance a role for changes: housecall instance add ID --change-dsn URL."
    if "terminate" in lowered or "cancel" in lowered or "signal" in lowered:
        return f"Let a superuser run GRANT pg_signal_backend TO {role};{alternative}"
    if "must be owner" in lowered:
        return f"Let the owner run GRANT <owner> TO {role};{alternative}"
    if "replication" in lowered:
        return f"Let a superuser run ALTER ROLE {role} REPLICATION;{alternative}"
    if "parameter" in lowered or "alter system" in lowered:
        return f"Let a superuser run GRANT ALTER SYSTEM ON PARAMETER <name> TO {role}; (PostgreSQL 15){alternative}"
    return f"Let the owner of the object grant the right to {role}.{alternative}"


@asynccontextmanager
async def open_writer(
    target: Target, *, instance_id: str, statement_timeout_seconds: float
) -> AsyncIterator[PostgreSQLWriter]:
    """A writer that is ready. Closed on leaving, whatever happened."""
    async with AsyncExitStack() as opened:
        try:
            async with asyncio.timeout(CONNECT_SECONDS + 2.0):
                connection = await AsyncConnection.connect(_conninfo(target), autocommit=True)
                opened.push_async_callback(connection.close)
                writer = PostgreSQLWriter(connection, instance_id, target)
                await writer.prepare(statement_timeout_seconds)
        except (psycopg.Error, UnicodeError) as error:
            raise connection_failure(error, instance_id, target) from error
        except TimeoutError as error:
            raise InstanceTimeout(
                f"Instance '{instance_id}' at {target.address} accepted no session in time"
            ) from error
        yield writer


def _conninfo(target: Target) -> str:
    return make_conninfo(
        host=target.host,
        port=target.port,
        user=target.user,
        dbname=target.database,
        password=target.password.get_secret_value() if target.password else None,
        connect_timeout=CONNECT_SECONDS,
        application_name=APPLICATION_NAME,
        keepalives_idle=10,
        **target.options,
    )
