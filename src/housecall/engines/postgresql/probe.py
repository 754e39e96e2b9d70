"""A read-only connection to one PostgreSQL server.

The session is read-only, time-limited and without parallel workers from its first statement on. Readings run each in
their own short transaction, so no snapshot is held while Housecall thinks; free SQL runs in a transaction that is
rolled back.
"""

import asyncio
import os
import pwd
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from housecall.engines.engine import (
    ProbeLimits,
    QueryResult,
    Reading,
    Rows,
    ServerFacts,
    Target,
    Unavailable,
    Version,
    demand_readable,
    rows_from_json,
)
from housecall.engines.guard import guard
from housecall.engines.postgresql.counted_text import parameters_apart
from housecall.engines.postgresql.failures import connection_failure, statement_failure, unavailable
from housecall.engines.tokens import TokenError, postgresql_tokens
from housecall.errors import InstanceTimeout, StatementRefused

APPLICATION_NAME = "housecall"
_GRACE_SECONDS = 2.0
"""How long to wait for the server to end a statement by its own limit before we end it from here."""

_FACTS = """
SELECT
    current_setting('server_version_num')::int,
    current_setting('server_version'),
    current_database()::text,
    current_user::text,
    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
    pg_catalog.pg_has_role(current_user, 'pg_monitor', 'USAGE'),
    pg_catalog.pg_is_in_recovery(),
    EXTRACT(epoch FROM clock_timestamp() - pg_catalog.pg_postmaster_start_time())::float8,
    ARRAY(SELECT extname::text FROM pg_catalog.pg_extension ORDER BY extname),
    current_setting('search_path'),
    ARRAY(
        SELECT n.nspname::text
        FROM pg_catalog.pg_extension AS e
        JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname IN ('pg_stat_statements', 'hypopg', 'pgstattuple')
    )
"""


_VOLATILE_FUNCTIONS = """
SELECT DISTINCT p.proname::text
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_depend AS d
    ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND (p.provolatile = 'v' OR d.objid IS NULL)
"""


_NAMES = "SELECT pg_catalog.set_config('search_path', %s, true)"
"""Until the end of a transaction: names as the application finds them."""
_NAMES_AND_PLANS = f"{_NAMES}, pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)"
"""And plans of prepared statements that hold for any value."""


def _version(number: int, text: str) -> Version:
    """A packager puts more words behind the number."""
    return Version("postgresql", number, f"PostgreSQL {text.split(' ')[0]}")


def parameters_of(statement: str) -> int:
    """How many parameters a prepared statement takes: the highest number of a `$n` outside of quotes."""
    try:
        tokens = postgresql_tokens(statement)
    except TokenError:
        return 0
    return max((int(each.text[1:]) for each in tokens if each.kind == "parameter"), default=0)


class PostgreSQLProbe:
    """Implements the seam `Probe`."""

    def __init__(self, connection: AsyncConnection[Any], instance_id: str, target: Target, limits: ProbeLimits) -> None:
        self._connection = connection
        self._instance_id = instance_id
        self._target = target
        self._limits = limits
        self._search_path = "public"
        self._running = False
        self._prepared = False
        self._volatile: frozenset[str] | None = None
        self.facts: ServerFacts
        self.statements_run = 0

    async def prepare(self) -> None:
        """Make the session safe and learn who answers."""
        number = self._connection.info.server_version  # told at the login: an old server knows not all settings below
        if number:
            told = self._connection.info.parameter_status("server_version") or ""
            demand_readable(_version(number, told), self._instance_id, self._target)
        milliseconds = int(self._limits.statement_timeout_seconds * 1000)
        await self._set(
            {
                "default_transaction_read_only": "on",
                "statement_timeout": str(milliseconds),
                "lock_timeout": str(int(self._limits.lock_timeout_seconds * 1000)),
                "idle_in_transaction_session_timeout": str(milliseconds + 5000),
                "max_parallel_workers_per_gather": "0",
                "jit": "off",
                "standard_conforming_strings": "on",
            }
        )
        row = (await self._fetch(_FACTS))[0]
        self.facts = ServerFacts(
            version=_version(row[0], row[1]),
            database=row[2],
            user=row[3],
            is_superuser=row[4],
            has_monitor_role=row[5] or row[4],
            in_recovery=row[6],
            uptime_seconds=row[7],
            extensions=tuple(row[8]),
            let_in_unasked=self._let_in_unasked(),
        )
        self._search_path = row[9]
        # Readings name their relations fully; what remains must not be caught by a schema of the monitored database.
        schemas = sql.SQL(", ").join(sql.Identifier(name) for name in ["pg_catalog", *sorted(set(row[10])), "pg_temp"])
        own = {"search_path": schemas.as_string(None)}
        if self.facts.is_superuser:
            own["lc_messages"] = "C"
            if "pg_stat_statements" in self.facts.extensions:
                own["pg_stat_statements.track"] = "none"
        await self._set(own)

    def _let_in_unasked(self) -> bool | None:
        """A certificate may have been asked for over TLS, and a socket may know the account by its name: unknown."""
        link = self._connection.pgconn
        if link.used_password:
            return False
        if link.ssl_in_use or link.used_gssapi:
            return None
        own_account = link.host.startswith(b"/") and pwd.getpwuid(os.geteuid()).pw_name == self._target.user
        return None if own_account else True

    async def read(self, reading: Reading) -> Rows | Unavailable:
        try:
            names, values = await self._fetch_named(reading.sql)
        except psycopg.Error as error:
            return unavailable(reading, error, self._instance_id, self._target, self.facts)
        row_type = reading.row
        return tuple(row_type(**dict(zip(names, each, strict=True))) for each in values)

    async def read_together(self, readings: Sequence[Reading]) -> dict[str, Rows | Unavailable]:
        """Several readings in one statement, each as one JSON value; one by one when any of them fails.

        The server plans and runs the same queries, but answers once: fewer statements in its log and its statistics.
        """
        parts = ", ".join(
            f"(SELECT pg_catalog.json_agg(pg_catalog.row_to_json(r)) FROM ({reading.sql}) AS r)" for reading in readings
        )
        try:
            row = (await self._fetch(f"SELECT {parts}"))[0]
            return {
                reading.name: rows_from_json(reading.row, value or [])
                for reading, value in zip(readings, row, strict=True)
            }
        except (psycopg.Error, ValueError):
            return {reading.name: await self.read(reading) for reading in readings}

    async def query(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:
        verdict = guard(sql, "postgresql", known_volatile=await self._known_volatile())
        if not verdict.allowed:
            raise StatementRefused(f"Instance '{self._instance_id}': statement refused: {verdict.reason}")
        return await self.query_trusted(sql, parameters)

    async def query_trusted(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:
        """As `query`, for statements of our own that the guard need not judge."""
        started = time.monotonic()
        try:
            async with self._bounded(), self._read_only_transaction():
                columns, rows, truncated = await self._stream(sql, parameters)
        except psycopg.Error as error:
            raise statement_failure(error, self._instance_id, self._target) from error
        return QueryResult(columns, rows, truncated, time.monotonic() - started)

    async def explain(self, sql: str) -> Any:
        sql = parameters_apart(sql)
        verdict = guard(f"EXPLAIN {sql}", "postgresql")
        if not verdict.allowed:
            raise StatementRefused(f"Instance '{self._instance_id}': statement refused: {verdict.reason}")
        try:
            async with self._bounded(), self._read_only_transaction(_NAMES_AND_PLANS):
                return await self._plan(sql)
        except psycopg.Error as error:
            raise statement_failure(error, self._instance_id, self._target) from error

    async def _known_volatile(self) -> frozenset[str]:
        """Names of functions that may have effects, for the guard; asked once.

        A user's function counts even when it is declared immutable; an extension's declaration is believed.
        """
        if self._volatile is None:
            try:
                rows = await self._fetch(_VOLATILE_FUNCTIONS)
            except psycopg.Error as error:
                raise statement_failure(error, self._instance_id, self._target) from error
            self._volatile = frozenset(row[0] for row in rows)
        return self._volatile

    async def cancel(self) -> None:
        if self._running:
            await self._connection.cancel_safe(timeout=_GRACE_SECONDS)

    async def _plan(self, statement: str) -> Any:
        cursor = self._connection.cursor(row_factory=tuple_row)
        if "$" in statement and self.facts.version.major < 16:
            return await self._plan_prepared(cursor, statement)
        options = "GENERIC_PLAN, FORMAT JSON" if "$" in statement else "FORMAT JSON"
        return await self._single(cursor, f"EXPLAIN ({options}) {statement}")

    async def _plan_prepared(self, cursor: psycopg.AsyncCursor[Any], statement: str) -> Any:
        """Before version 16 a generic plan is had from a prepared statement that is never run.

        A prepared statement outlives the transaction, so it is given up once that has been rolled back.
        """
        count = parameters_of(statement)
        arguments = f"({', '.join(['NULL'] * count)})" if count else ""
        self._prepared = True
        await self._execute(cursor, f"PREPARE housecall_plan AS {statement}")
        return await self._single(cursor, f"EXPLAIN (FORMAT JSON) EXECUTE housecall_plan{arguments}")

    async def _single(self, cursor: psycopg.AsyncCursor[Any], statement: str) -> Any:
        await self._execute(cursor, statement)
        row = await cursor.fetchone()
        assert row is not None
        return row[0]

    async def _stream(
        self, statement: str, parameters: Sequence[Any]
    ) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...], bool]:
        """Rows until the end or a limit. Leaving the stream early makes psycopg cancel the statement on the server."""
        rows: list[tuple[Any, ...]] = []
        size_bytes, truncated = 0, False
        cursor = self._connection.cursor(row_factory=tuple_row)
        self._running = True
        self.statements_run += 1
        try:
            stream = cursor.stream(statement.encode(), parameters or None)
            async for row in stream:
                size_bytes += sum(len(str(value)) for value in row)
                if len(rows) >= self._limits.max_rows or size_bytes > self._limits.max_bytes:
                    truncated = True
                    break
                rows.append(row)
            await stream.aclose()  # type: ignore[attr-defined]
        finally:
            self._running = False
        return tuple(column.name for column in cursor.description or ()), tuple(rows), truncated

    async def _fetch(self, statement: str) -> list[tuple[Any, ...]]:
        return (await self._fetch_named(statement))[1]

    async def _fetch_named(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        async with self._bounded():
            cursor = self._connection.cursor(row_factory=tuple_row)
            await self._execute(cursor, statement)
            names = [column.name for column in cursor.description or ()]
            return names, await cursor.fetchall()

    async def _set(self, settings: dict[str, str]) -> None:
        calls = sql.SQL(", ").join(
            sql.SQL("pg_catalog.set_config({}, {}, false)").format(sql.Literal(name), sql.Literal(value))
            for name, value in settings.items()
        )
        await self._fetch(sql.SQL("SELECT {}").format(calls).as_string(None))

    async def _execute(self, cursor: psycopg.AsyncCursor[Any], statement: str, parameters: Sequence[Any] = ()) -> None:
        self._running = True
        self.statements_run += 1
        try:
            await cursor.execute(statement.encode(), parameters or None)
        finally:
            self._running = False

    @asynccontextmanager
    async def _read_only_transaction(self, setup: str = _NAMES) -> AsyncIterator[None]:
        cursor = self._connection.cursor()
        await self._execute(cursor, "BEGIN TRANSACTION READ ONLY")
        try:
            await self._execute(cursor, setup, (self._search_path,))
            yield
        finally:
            if not self._connection.closed:
                await cursor.execute("ROLLBACK")
                if self._prepared:
                    self._prepared = False
                    await cursor.execute("DEALLOCATE ALL")

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """The last resort for a server or network that hangs: its own limit is shorter."""
        try:
            async with asyncio.timeout(self._limits.statement_timeout_seconds + _GRACE_SECONDS):
                yield
        except TimeoutError as error:
            seconds = self._limits.statement_timeout_seconds
            raise InstanceTimeout(
                f"Instance '{self._instance_id}' at {self._target.address} did not answer within {seconds:g} s;"
                " check the server and the network between"
            ) from error


@asynccontextmanager
async def open_probe(target: Target, limits: ProbeLimits, instance_id: str) -> AsyncIterator[PostgreSQLProbe]:
    """A probe that is ready for readings. Closed on leaving, whatever happened."""
    seconds = max(1, round(limits.connect_timeout_seconds))
    conninfo = _conninfo(target, limits, seconds)
    async with AsyncExitStack() as opened:
        try:
            async with asyncio.timeout(limits.connect_timeout_seconds + _GRACE_SECONDS):
                connection = await AsyncConnection.connect(conninfo, autocommit=True, prepare_threshold=None)
                opened.push_async_callback(connection.close)
                probe = PostgreSQLProbe(connection, instance_id, target, limits)
                await probe.prepare()
        except (psycopg.Error, UnicodeError) as error:
            raise connection_failure(error, instance_id, target) from error
        except TimeoutError as error:
            raise InstanceTimeout(
                f"Instance '{instance_id}' at {target.address} accepted no session within {seconds} s;"
                " check address, firewall and whether the server is overloaded"
            ) from error
        yield probe


def _conninfo(target: Target, limits: ProbeLimits, connect_timeout_seconds: int) -> str:
    return make_conninfo(
        host=target.host,
        port=target.port,
        user=target.user,
        dbname=target.database,
        password=target.password.get_secret_value() if target.password else None,
        connect_timeout=connect_timeout_seconds,
        application_name=APPLICATION_NAME,
        keepalives_idle=10,
        tcp_user_timeout=int((limits.statement_timeout_seconds + _GRACE_SECONDS) * 1000),
        **target.options,
    )
