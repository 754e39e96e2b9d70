"""A read-only connection to one MySQL or MariaDB server.

The session is read-only, time-limited and of a fixed sql_mode before anything is asked. A reading is one statement;
free SQL runs
in a read-only transaction that is rolled back. MySQL's own time limit covers SELECT only and neither server notices
that a
client went away, so what runs too long, is stopped, or has sent enough rows is killed over a second connection.
"""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from asyncmy.errors import MySQLError

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
)
from housecall.engines.guard import guard
from housecall.engines.mysql.connection import GuardedConnection, QuietCursor, QuietStream, open_connection
from housecall.engines.mysql.explainable import as_read, schema_and_statement, with_values
from housecall.engines.mysql.failures import (
    connection_failure,
    error_number,
    grants,
    is_ended,
    statement_failure,
    unavailable,
)
from housecall.engines.mysql.flavour import version_of
from housecall.engines.mysql.quoting import account as quote_account
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.together import can_be_joined, joined, split
from housecall.engines.mysql.values import plain, rows_of
from housecall.errors import InstanceTimeout, StatementRefused

SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"
_PLANNING_MODE = f"{SQL_MODE},IGNORE_SPACE"
_GRACE_SECONDS = 2.0
"""How long to wait for the server to end a statement by its own limit, and after a KILL, before we end it from here."""
_INTERRUPTED = 1317
_PACKET_HEAD_BYTES = 64
"""A server ends the connection of who sends a packet above max_allowed_packet; a statement has a byte in front."""
_ResultT = TypeVar("_ResultT")

_FACTS = (
    "SELECT @@version, @@version_comment, DATABASE(), CURRENT_USER(), CONNECTION_ID(), @@global.read_only,"
    " @@session.max_allowed_packet"
)
_PLUGINS = (
    "SELECT PLUGIN_NAME FROM information_schema.PLUGINS"
    " WHERE PLUGIN_STATUS = 'ACTIVE' AND PLUGIN_LIBRARY IS NOT NULL ORDER BY PLUGIN_NAME LIMIT 100"
)
_SEES_ALL_SESSIONS = "SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1"
_ALL_RIGHTS = "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'SUPER'"
_SEES_ALL_TABLES = (
    "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('SELECT', 'REFERENCES')"
)
_STORED_FUNCTIONS = (
    "SELECT DISTINCT LOWER(ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION'"
)
_LOADED_FUNCTIONS = "SELECT LOWER(name) FROM mysql.func"


class MySQLProbe:
    """Implements the seam `Probe`."""

    def __init__(self, connection: GuardedConnection, instance_id: str, target: Target, limits: ProbeLimits) -> None:
        self._connection = connection
        self._instance_id = instance_id
        self._target = target
        self._limits = limits
        self._session_id = 0
        self._packet_bytes = 0
        self._account = ""
        self._running = False
        self._sees_all_tables = False
        self._alone: set[str] = set()
        self._sql_mode = SQL_MODE
        self._schema = ""
        self._stored: frozenset[str] | None = None
        self.facts: ServerFacts
        self.statements_run = 0

    async def prepare(self) -> None:
        """Make the session safe and learn who answers."""
        await self._execute("SET SESSION TRANSACTION READ ONLY")
        row = (await self._fetch(_FACTS))[1][0]
        version = version_of(str(row[0]), str(row[1]))
        demand_readable(version, self._instance_id, self._target)
        self._session_id, self._packet_bytes = int(row[4]), int(row[6])
        user, _, host = str(row[3]).rpartition("@")
        self._account = quote_account(user, host)
        await self._execute(f"SET SESSION {', '.join(session_settings(version, self._limits))}")
        self._schema = str(row[2] or "")
        self._sees_all_tables = bool((await self._fetch(_SEES_ALL_TABLES))[1][0][0])
        uptime = (await self._fetch("SHOW GLOBAL STATUS LIKE 'Uptime'"))[1][0][1]
        self.facts = ServerFacts(
            version=version,
            database=str(row[2] or ""),
            user=user,
            is_superuser=bool((await self._fetch(_ALL_RIGHTS))[1][0][0]),
            has_monitor_role=await self._answers(_SEES_ALL_SESSIONS),
            in_recovery=bool(row[5]) and await self._is_replica(version),
            uptime_seconds=float(uptime),
            extensions=await self._extensions(),
        )

    async def read(self, reading: Reading) -> Rows | Unavailable:
        if reading.needs and reading.needs not in self.facts.extensions:
            return _switched_off(reading, self.facts.version)
        try:
            await self._as_usual()
            async with self._session_setting(reading.session):
                if reading.first:
                    await self._bounded(self._fetch(reading.first))
                columns, values = await self._bounded(self._fetch(reading.sql))
        except MySQLError as error:
            return unavailable(reading, error, self._instance_id, self._target, self._account)
        return self._unless_hidden(reading, rows_of(reading.row, columns, values))

    async def read_together(self, readings: Sequence[Reading]) -> dict[str, Rows | Unavailable]:
        """As `read` for each, with the plain queries among them in one statement.

        When that fails, halves of them are asked together, down to the one that failed, which is read alone from then
        on; what took too long is asked one by one at once, since halves would take as long.
        """
        found = {reading.name: await self.read(reading) for reading in readings if not self._may_join(reading)}
        return found | await self._joined([reading for reading in readings if self._may_join(reading)])

    def _may_join(self, reading: Reading) -> bool:
        there = not reading.needs or reading.needs in self.facts.extensions
        return there and can_be_joined(reading) and reading.name not in self._alone

    async def _joined(self, readings: Sequence[Reading]) -> dict[str, Rows | Unavailable]:
        if len(readings) < 2:
            return {reading.name: await self._read_alone(reading) for reading in readings}
        statement = joined(readings)
        if len(statement.encode()) + _PACKET_HEAD_BYTES > self._packet_bytes:
            return await self._in_halves(readings)
        try:
            await self._as_usual()
            found = split(readings, (await self._bounded(self._fetch(statement)))[1])
        except MySQLError as error:
            if is_ended(error):
                return {reading.name: await self.read(reading) for reading in readings}
            return await self._in_halves(readings)
        except ValueError:
            return {reading.name: await self._read_alone(reading) for reading in readings}
        return {reading.name: self._unless_hidden(reading, found[reading.name]) for reading in readings}

    async def _in_halves(self, readings: Sequence[Reading]) -> dict[str, Rows | Unavailable]:
        half = len(readings) // 2
        return await self._joined(readings[:half]) | await self._joined(readings[half:])

    async def _read_alone(self, reading: Reading) -> Rows | Unavailable:
        found = await self.read(reading)
        if isinstance(found, Unavailable):
            self._alone.add(reading.name)
        return found

    def _unless_hidden(self, reading: Reading, rows: Rows) -> Rows | Unavailable:
        if rows or not self._may_have_been_hidden(reading):
            return rows
        reason = f"account {self._account} sees nothing of others in {reading.name}"
        return Unavailable(reading.name, "privilege", reason, grants(reading, self._account))

    def _may_have_been_hidden(self, reading: Reading) -> bool:
        """Without the right to see them, some views of both servers show no rows instead of an error."""
        if "PROCESS ON" in reading.privilege and not self.facts.has_monitor_role:
            return True
        return "REFERENCES ON" in reading.privilege and not self._sees_all_tables

    async def query(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:
        verdict = guard(sql, "mysql", known_volatile=await self._known_stored())
        if not verdict.allowed:
            raise StatementRefused(f"Instance '{self._instance_id}': statement refused: {verdict.reason}")
        if self.facts.database.lower() == "mysql" and "user" in {name.lower() for name in verdict.tables}:
            raise StatementRefused(f"Instance '{self._instance_id}': refused: mysql.user holds password hashes")
        return await self.query_trusted(sql, parameters)

    async def query_trusted(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:
        """As `query`, for statements of our own that the guard need not judge."""
        started = time.monotonic()
        try:
            await self._as_usual()
            async with self._read_only_transaction():
                columns, rows, truncated = await self._bounded(self._stream(sql, parameters))
        except MySQLError as error:
            raise statement_failure(error, self._instance_id, self._target) from error
        return QueryResult(columns, rows, truncated, time.monotonic() - started)

    async def explain(self, sql: str) -> Any:
        """As the seam says; a write is planned as the query for its rows.

        A key `notes` beside the server's own holds what SHOW WARNINGS says of the plan, which is where the server tells
        that a conversion keeps an index from being used.
        """
        schema, statement = schema_and_statement(sql)
        statement = as_read(with_values(statement))
        verdict = guard(f"EXPLAIN {statement}", "mysql", known_volatile=await self._known_stored())
        if not verdict.allowed:
            raise StatementRefused(f"Instance '{self._instance_id}': statement refused: {verdict.reason}")
        try:
            await self._plan_in(schema)
            return await self._bounded(self._plan(statement))
        except MySQLError as error:
            raise statement_failure(error, self._instance_id, self._target) from error

    async def cancel(self) -> None:
        if self._running:
            await self._kill()

    async def _known_stored(self) -> frozenset[str]:
        """Names of stored and loaded functions, as far as the account may see them; asked once."""
        if self._stored is None:
            names: set[str] = set()
            for statement in (_STORED_FUNCTIONS, _LOADED_FUNCTIONS):
                with contextlib.suppress(MySQLError):
                    names.update(str(plain(row[0])) for row in (await self._fetch(statement))[1])
            self._stored = frozenset(names)
        return self._stored

    async def _plan(self, statement: str) -> dict[str, Any]:
        text, warnings = await self._fetch_value_and_warnings(f"EXPLAIN FORMAT=JSON {statement}")
        expected = 1 if self.facts.version.flavour == "mysql" else 0  # the statement as rewritten, which is no news
        notes = [str(plain(row[2])) for row in (await self._fetch("SHOW WARNINGS"))[1]] if warnings > expected else []
        plan = json.loads(plain(text))
        return {**plan, "notes": [note for note in notes if not note.startswith("/*")][:10]}

    async def _is_replica(self, version: Version) -> bool:
        word = "REPLICA" if version.flavour == "mariadb" or version.number >= 80022 else "SLAVE"
        try:
            return bool((await self._fetch(f"SHOW {word} STATUS"))[1])
        except MySQLError:
            return True  # it is read_only, and whether it follows a source is not ours to see

    async def _extensions(self) -> tuple[str, ...]:
        names = {str(row[0]).lower() for row in (await self._fetch(_PLUGINS))[1]}
        if (await self._fetch("SELECT @@performance_schema"))[1][0][0]:
            names.add("performance_schema")
        return tuple(sorted(names))

    async def _answers(self, statement: str) -> bool:
        try:
            await self._fetch(statement)
        except MySQLError:
            return False
        return True

    async def _stream(
        self, statement: str, parameters: Sequence[Any]
    ) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...], bool]:
        """Rows until the end or a limit; then the server is told to stop sending."""
        rows: list[tuple[Any, ...]] = []
        size_bytes, truncated = 0, False
        cursor = self._connection.cursor(QuietStream)
        with self._counted():
            await cursor.execute(statement, tuple(parameters) or None)
            columns = tuple(column[0] for column in cursor.description or ())
            while (row := await cursor.fetchone() if columns else None) is not None:
                values = tuple(plain(value) for value in row)
                size_bytes += sum(len(str(value)) for value in values)
                if len(rows) >= self._limits.max_rows or size_bytes > self._limits.max_bytes:
                    truncated = True
                    break
                rows.append(values)
            if truncated:
                await self._kill()
            with contextlib.suppress(*([MySQLError] if truncated else [])):
                await cursor.close()
        return columns, tuple(rows), truncated

    async def _fetch(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        cursor = self._connection.cursor(QuietCursor)
        with self._counted():
            await cursor.execute(statement)
            return [column[0] for column in cursor.description or ()], list(await cursor.fetchall())

    async def _fetch_value_and_warnings(self, statement: str) -> tuple[Any, int]:
        cursor = QuietCursor(self._connection)
        with self._counted():
            await cursor.execute(statement)
            row = await cursor.fetchone()
        return row[0], cursor.warning_count

    async def _execute(self, statement: str) -> None:
        await self._fetch(statement)

    @contextlib.contextmanager
    def _counted(self) -> Any:
        self._running = True
        self.statements_run += 1
        try:
            yield
        finally:
            self._running = False

    @asynccontextmanager
    async def _read_only_transaction(self) -> AsyncIterator[None]:
        await self._execute(f"SET SESSION sql_select_limit = {self._limits.max_rows + 1}")
        await self._execute("START TRANSACTION READ ONLY")
        try:
            yield
        finally:
            if self._connection.connected:
                await self._after_a_kill("ROLLBACK")
                await self._execute("SET SESSION sql_select_limit = DEFAULT")

    @asynccontextmanager
    async def _session_setting(self, setting: str) -> AsyncIterator[None]:
        """`name = value` for as long as the block runs; nothing when it is empty."""
        if not setting:
            yield
            return
        await self._execute(f"SET SESSION {setting}")
        try:
            yield
        finally:
            if self._connection.connected:
                await self._after_a_kill(f"SET SESSION {setting.partition('=')[0]}= DEFAULT")

    async def _after_a_kill(self, statement: str) -> None:
        """A KILL QUERY that comes after its statement ended may hit the next one instead, once."""
        try:
            await self._execute(statement)
        except MySQLError as error:
            if error_number(error) != _INTERRUPTED:
                raise
            await self._execute(statement)

    async def _plan_in(self, schema: str | None) -> None:
        """Digest texts have a space before every parenthesis, which only IGNORE_SPACE lets pass."""
        await self._use(schema or self.facts.database, _PLANNING_MODE)

    async def _as_usual(self) -> None:
        """Back from planning: left until something else is asked, so that plans in a row cost no statement more."""
        await self._use(self.facts.database, SQL_MODE)

    async def _use(self, schema: str, sql_mode: str) -> None:
        if sql_mode != self._sql_mode:
            await self._execute(f"SET SESSION sql_mode = '{sql_mode}'")
            self._sql_mode = sql_mode
        if schema and schema != self._schema:
            await self._execute(f"USE {quote_identifier(schema)}")
            self._schema = schema

    async def _bounded(self, work: Coroutine[Any, Any, _ResultT]) -> _ResultT:
        """The result, or the end of the statement on the server: by its limit, by our KILL, or with the connection."""
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._limits.statement_timeout_seconds + _GRACE_SECONDS / 2)
            if not done:
                await self._kill()
                done, _ = await asyncio.wait({task}, timeout=_GRACE_SECONDS)
        except asyncio.CancelledError:
            await asyncio.shield(self._kill())
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, MySQLError):
                await task
            raise
        if done:
            return task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, MySQLError):
            await task
        raise InstanceTimeout(
            f"Instance '{self._instance_id}' at {self._target.address} did not answer within"
            f" {self._limits.statement_timeout_seconds:g} s; check the server and the network between"
        )

    async def _kill(self) -> None:
        """KILL QUERY over a connection of its own. When none can be had, the statement's own limit has to end it."""
        with contextlib.suppress(MySQLError, OSError, TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                async with open_connection(self._target, self._limits) as other:
                    await other.query(f"KILL QUERY {self._session_id}")  # type: ignore[no-untyped-call]


def session_settings(version: Version, limits: ProbeLimits) -> tuple[str, ...]:
    """What is fixed for the session, in the words of flavour and version. Lock waits have whole seconds here."""
    lock_seconds = max(1, math.ceil(limits.lock_timeout_seconds))
    settings = [
        f"sql_mode = '{SQL_MODE}'",
        f"lock_wait_timeout = {lock_seconds}",
        f"innodb_lock_wait_timeout = {lock_seconds}",
        "group_concat_max_len = 1048576",
        "sql_big_selects = 1",  # a server's max_join_size is against careless joins, and would refuse our readings
        "sql_select_limit = 18446744073709551615",  # we set limits of our own, and know when they were reached
        "time_zone = 'SYSTEM'",  # in which InnoDB tells when a transaction began
    ]
    if version.flavour == "mariadb":
        settings.append(f"max_statement_time = {limits.statement_timeout_seconds:g}")
    else:
        settings.append("information_schema_stats_expiry = 0")  # else sizes and AUTO_INCREMENT are of yesterday
        settings.append(f"max_execution_time = {max(1, round(limits.statement_timeout_seconds * 1000))}")
        if version.number >= 80300:
            settings.append("explain_json_format_version = 1")
    return tuple(settings)


def _switched_off(reading: Reading, version: Version) -> Unavailable:
    remedy: str | None = None
    if reading.needs == "performance_schema":
        remedy = "performance_schema = ON in the server's configuration, and a restart"
    elif version.flavour == "mariadb":
        remedy = f"INSTALL SONAME '{reading.needs}';"
    return Unavailable(reading.name, "setting", f"{reading.name} needs {reading.needs}, which is off here", remedy)


@asynccontextmanager
async def open_probe(target: Target, limits: ProbeLimits, instance_id: str) -> AsyncIterator[MySQLProbe]:
    """A probe that is ready for readings. Closed on leaving, whatever happened."""
    async with contextlib.AsyncExitStack() as opened:
        try:
            async with asyncio.timeout(limits.connect_timeout_seconds):
                connection = await opened.enter_async_context(open_connection(target, limits))
            probe = MySQLProbe(connection, instance_id, target, limits)
            async with asyncio.timeout(limits.connect_timeout_seconds + _GRACE_SECONDS):
                await probe.prepare()
        except TimeoutError as error:
            raise InstanceTimeout(
                f"Instance '{instance_id}' at {target.address} accepted no session within"
                f" {limits.connect_timeout_seconds:g} s; check address, firewall and whether the server is overloaded"
            ) from error
        except (MySQLError, OSError, UnicodeError) as error:
            raise connection_failure(error, instance_id, target) from error
        yield probe
