"""The database session by which a process lives: it holds the process's lock and writes its runs' events.

Both hang on one connection on purpose. When the connection goes, the lock and the right to write go together, so a
process that others believe dead cannot write into a run that they have taken over.
"""

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from collections.abc import AsyncGenerator, Callable
from typing import Any

import psycopg
from psycopg import sql

from housecall.store.failures import store_error

LOCK_CLASS = 0x686F7573  # our part of the advisory lock space ("hous" in ASCII)
EVENTS, STOPS, WORK, PROCESSES = "housecall_events", "housecall_stop", "housecall_work", "housecall_process"
FOLLOWS = "housecall_follow"
CHANNELS = (EVENTS, STOPS, WORK, PROCESSES, FOLLOWS)
RECONNECT_SECONDS = 0.5
_CONNECTION_OPTIONS: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "connect_timeout": 10,
}

log = logging.getLogger(__name__)


class Session:
    """One process's session. `write_lock` is held by whoever uses the connection."""

    def __init__(self, dsn: str) -> None:
        self.process_id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.write_lock = asyncio.Lock()
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection | None = None
        self._backend_pid = 0
        self._old_pid = 0

    @property
    def connection(self) -> psycopg.AsyncConnection:
        """Raises psycopg.OperationalError while the session is lost."""
        if self._connection is None:
            raise psycopg.OperationalError("the session is lost")
        return self._connection

    async def open(self) -> None:
        """Make this process known. Its row appears when its lock is held, so nobody sees it dead."""
        await self._connect()
        await self._enter()
        await self.connection.execute("SELECT pg_notify(%s, %s)", (PROCESSES, "joined"))

    async def reopen(self) -> bool:
        """After a lost connection: take the lock again. False when others have taken over this process's runs.

        Raises psycopg.Error when the database is still away.
        """
        await self._disconnect()
        await self._connect()
        # The server may not have noticed yet that the old connection is gone.
        await self.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_locks"
            " WHERE locktype = 'advisory' AND classid = %s AND pid = %s",
            (LOCK_CLASS, self._old_pid),
        )
        await self._lock()
        # Asked after the lock is ours: whoever takes over holds it while he removes the row.
        row = await self.connection.execute("SELECT 1 FROM housecall.processes WHERE id = %s", (self.process_id,))
        if await row.fetchone() is not None:
            return True
        await self._enter()
        return False

    async def close(self, *, leaves_runs: bool) -> None:
        """Leave. The row stays while there are runs that others must take over."""
        if self._connection is None:
            return
        with contextlib.suppress(psycopg.Error):
            if not leaves_runs:
                await self.connection.execute("DELETE FROM housecall.processes WHERE id = %s", (self.process_id,))
        await self._disconnect()

    async def _connect(self) -> None:
        self._old_pid = self._backend_pid
        self._connection = await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="housecall events", **_CONNECTION_OPTIONS
        )
        self._backend_pid = self._connection.info.backend_pid

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _enter(self) -> None:
        async with self.connection.transaction():
            await self.connection.execute(
                "INSERT INTO housecall.processes (id, host, pid) VALUES (%s, %s, %s)",
                (self.process_id, socket.gethostname(), os.getpid()),
            )
            await self._lock()

    async def _lock(self) -> None:
        await self.connection.execute(
            "SELECT pg_advisory_lock(%s, number) FROM housecall.processes WHERE id = %s", (LOCK_CLASS, self.process_id)
        )


async def listen(dsn: str, on_open: Callable[[], None]) -> AsyncGenerator[psycopg.Notify, None]:
    """What other processes tell, for ever: a lost connection is opened again, and `on_open` told each time, since
    something may have been missed."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                dsn, autocommit=True, application_name="housecall listener", **_CONNECTION_OPTIONS
            ) as connection:
                for channel in CHANNELS:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                on_open()
                async for notification in connection.notifies():
                    yield notification
        except psycopg.Error as error:
            log.warning("%s", store_error(error, "listening to other processes").message)
        await asyncio.sleep(RECONNECT_SECONDS)  # between attempts to reach a database that is away
