"""The only door through which anything is written to a monitored MySQL or MariaDB server.

Whoever comes here holds an approval; this file trusts nothing else. Each statement goes alone (the connection takes no
second one), commits by itself, waits for locks only as long as its change allows, and can be cancelled. What the
server reports as rows of errors (ANALYZE, OPTIMIZE) is an error here.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asyncmy.errors import MySQLError

from housecall.engines.change import Written
from housecall.engines.engine import ProbeLimits, ServerFacts, Target
from housecall.engines.mysql.connection import GuardedConnection, QuietCursor, open_connection
from housecall.engines.mysql.failures import connection_failure, error_number, is_ended, statement_failure
from housecall.engines.mysql.flavour import version_of
from housecall.engines.mysql.values import plain
from housecall.errors import InstanceTimeout, StatementFailed

CONNECT_SECONDS = 10.0
CANCEL_SECONDS = 5.0
MAX_ROWS = 20
_LOCK_WAIT = 1205
_DENIED = {1044, 1045, 1095, 1142, 1143, 1227, 1370, 3619}
_FACTS = "SELECT @@version, @@version_comment, DATABASE(), CURRENT_USER(), CONNECTION_ID(), @@global.read_only"


class MySQLWriter:
    """Implements the seam `Writer`."""

    def __init__(
        self, connection: GuardedConnection, instance_id: str, target: Target, statement_timeout_seconds: float
    ) -> None:
        self._connection = connection
        self._instance_id = instance_id
        self._target = target
        self._timeout_seconds = statement_timeout_seconds
        self._session_id = 0
        self._running = False
        self.facts: ServerFacts

    async def prepare(self) -> None:
        """Learn who answers."""
        row: tuple[Any, ...] = (await self._fetch(_FACTS))[0][0]
        user = str(row[3]).rpartition("@")[0]
        version = version_of(str(row[0]), str(row[1]))
        self._session_id = int(row[4])
        self.facts = ServerFacts(version, str(row[2] or ""), user, False, False, bool(row[5]), 0.0, ())

    async def run(self, statements: Sequence[str], *, lock_timeout_seconds: float) -> Written:
        started = time.monotonic()
        found: tuple[tuple[str | None, ...], ...] = ()
        affected: int | None = None
        seconds = max(1, math.ceil(lock_timeout_seconds))
        try:
            await self._fetch(f"SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}")
            for statement in statements:
                rows, affected = await self._bounded(statement)
                if statement.startswith("KILL "):
                    rows = [("asked to end",)]  # the server answers nothing, and an error when there is no such session
                found = tuple(tuple(None if each is None else str(each) for each in row) for row in rows[:MAX_ROWS])
                self._refuse_reported_errors(found)
        except MySQLError as error:
            raise self._failure(error, lock_timeout_seconds) from error
        return Written(found, affected, time.monotonic() - started)

    async def cancel(self) -> None:
        if self._running:
            with contextlib.suppress(MySQLError, OSError, TimeoutError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    async with open_connection(self._target, ProbeLimits()) as other:
                        await other.query(f"KILL QUERY {self._session_id}")  # type: ignore[no-untyped-call]

    async def _bounded(self, statement: str) -> tuple[list[tuple[Any, ...]], int | None]:
        """MySQL's own time limit covers SELECT only, so a change that takes too long is killed from here."""
        task = asyncio.ensure_future(self._fetch(statement))
        done, _ = await asyncio.wait({task}, timeout=self._timeout_seconds)
        if not done:
            await self.cancel()
            done, _ = await asyncio.wait({task}, timeout=CANCEL_SECONDS)
        if done:
            return task.result()
        task.cancel()
        raise InstanceTimeout(
            f"Instance '{self._instance_id}': the change did not end within {self._timeout_seconds:g} s and could not"
            " be cancelled; look whether it is still running"
        )

    async def _fetch(self, statement: str) -> tuple[list[tuple[Any, ...]], int | None]:
        cursor = QuietCursor(self._connection)
        self._running = True
        try:
            await cursor.execute(statement)
            if not cursor.description:
                touched: Any = cursor.rowcount
                return [], int(touched)
            return [tuple(plain(value) for value in row) for row in await cursor.fetchall()], None
        finally:
            self._running = False

    def _refuse_reported_errors(self, rows: Sequence[Sequence[str | None]]) -> None:
        for row in rows:
            if len(row) == 4 and str(row[2]).lower() == "error":
                raise StatementFailed(f"Instance '{self._instance_id}': {row[0]}: {row[3]}")

    def _failure(self, error: MySQLError, lock_timeout_seconds: float) -> Exception:
        number, text = error_number(error), str(error.args[1] if len(error.args) > 1 else error)[:300]
        if number in _DENIED:
            return StatementFailed(
                f"Instance '{self._instance_id}': account '{self._target.user}' may not make this change: {text}."
                f" {_grant(text, self._target.user)}"
            )
        if number == _LOCK_WAIT and is_ended(error):
            return InstanceTimeout(
                f"Instance '{self._instance_id}': the lock was not free within {lock_timeout_seconds:g} s, so the"
                " change was given up and others were not kept waiting; see who holds it and propose it again"
            )
        return statement_failure(error, self._instance_id, self._target)


def _grant(text: str, user: str) -> str:
    """What would give the right that is missing, by the server's own words."""
    lowered = text.lower()
    other = " Or give the instance an account for changes: housecall instance add ID --change-dsn URL."
    if "owner of thread" in lowered or "kill" in lowered or "connection_admin" in lowered:
        return f"GRANT CONNECTION_ADMIN ON *.* TO '{user}'; (MariaDB: CONNECTION ADMIN).{other}"
    if "variables" in lowered or "super" in lowered:
        return f"GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO '{user}'; (MariaDB: the right that the message names).{other}"
    return f"Grant '{user}' the right that the message names, on that object.{other}"


@asynccontextmanager
async def open_writer(
    target: Target, *, instance_id: str, statement_timeout_seconds: float
) -> AsyncIterator[MySQLWriter]:
    """A writer that is ready. Closed on leaving, whatever happened."""
    async with contextlib.AsyncExitStack() as opened:
        try:
            async with asyncio.timeout(CONNECT_SECONDS + 2.0):
                limits = ProbeLimits(connect_timeout_seconds=CONNECT_SECONDS)
                connection = await opened.enter_async_context(open_connection(target, limits))
                writer = MySQLWriter(connection, instance_id, target, statement_timeout_seconds)
                await writer.prepare()
        except TimeoutError as error:
            raise InstanceTimeout(
                f"Instance '{instance_id}' at {target.address} accepted no session in time"
            ) from error
        except (MySQLError, OSError, UnicodeError) as error:
            raise connection_failure(error, instance_id, target) from error
        yield writer
