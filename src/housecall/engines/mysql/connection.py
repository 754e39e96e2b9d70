"""The wire to a MySQL or MariaDB server: asyncmy, with what it leaves open closed.

asyncmy asks every server for several statements in one text, sends a password in the clear to any server that asks for
it so, and demands TLS or goes without. Here a text is one statement, a password in the clear goes over TLS or a Unix
socket only, and TLS follows `ssl-mode` as the mysql client does (its default is to encrypt where the server can).
"""

# mypy: disable-error-code="attr-defined, has-type, misc, no-untyped-call"
# asyncmy is compiled: its stubs leave out the attributes and methods that are used here.

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from asyncmy import errors
from asyncmy.connection import Connection
from asyncmy.constants import CLIENT
from asyncmy.cursors import Cursor, SSCursor

from housecall.engines.engine import ProbeLimits, Target

PROGRAM_NAME = "housecall"
_CLEAR_TEXT_PLUGINS = (b"mysql_clear_password", b"dialog", b"mysql_old_password")
_PLUGIN_NOT_USABLE = 2059
_TLS_NOT_OFFERED = 2026
_GOODBYE_SECONDS = 2.0

# What asyncmy writes to its log may hold values of rows.
logging.getLogger("asyncmy").setLevel(logging.CRITICAL)


class GuardedConnection(Connection):
    """One connection. `requires_tls` refuses a server that offers none; else such a server is used without."""

    def __init__(self, *, requires_tls: bool, **how: Any) -> None:
        super().__init__(**how)
        self._requires_tls = requires_tls
        self._client_flag &= ~CLIENT.MULTI_STATEMENTS

    async def _get_server_information(self) -> None:
        await super()._get_server_information()
        if self._ssl_context is None or self.server_capabilities & CLIENT.SSL:
            return
        if self._requires_tls:
            raise errors.OperationalError(_TLS_NOT_OFFERED, "the server offers no TLS")
        self._ssl_context = None
        self._client_flag &= ~CLIENT.SSL

    async def _process_auth(self, plugin_name: bytes, auth_packet: Any) -> Any:
        if plugin_name in _CLEAR_TEXT_PLUGINS and not self._secure:
            raise errors.OperationalError(
                _PLUGIN_NOT_USABLE,
                f"the server wants the password in the clear ({plugin_name.decode()}), which is sent over TLS only",
            )
        return await super()._process_auth(plugin_name, auth_packet)

    def close(self) -> None:
        """At once. asyncmy's own close waits for the peer's end of TLS, with nobody to see that it came."""
        transport = self._transport
        super().close()
        if transport is not None:
            transport.abort()

    async def leave(self) -> None:
        """Say goodbye, so that the server counts no aborted client and logs none, and wait until the socket is shut."""
        try:
            with suppress(TimeoutError, errors.MySQLError, OSError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await self.ensure_closed()
        finally:
            self.close()


class _AsksNoWarnings:
    """asyncmy follows each statement that the server warned about with SHOW WARNINGS, only to write them to its log."""

    async def _show_warnings(self, _connection: Any) -> None:
        return None


class QuietCursor(_AsksNoWarnings, Cursor):
    """All rows at once; `warning_count` is of the last statement."""

    @property
    def warning_count(self) -> int:
        return int(self._result.warning_count)


class QuietStream(_AsksNoWarnings, SSCursor):
    """Row by row."""


@asynccontextmanager
async def open_connection(target: Target, limits: ProbeLimits) -> AsyncIterator[GuardedConnection]:
    """A connection in autocommit mode, closed on leaving. Raises what asyncmy raises, OSError and TimeoutError."""
    mode = target.options.get("ssl-mode", "PREFERRED")
    socket = target.options.get("socket")
    connection = GuardedConnection(
        requires_tls=mode not in ("DISABLED", "PREFERRED"),
        host=target.host,
        port=target.port,
        unix_socket=socket,
        user=target.user,
        password=target.password.get_secret_value().encode() if target.password else b"",
        database=target.database or None,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=limits.connect_timeout_seconds,
        program_name=PROGRAM_NAME,
        ssl=None if socket or mode == "DISABLED" else tls_context(target, mode),
    )
    try:
        await connection.connect()
        yield connection
    finally:
        await connection.leave()


def tls_context(target: Target, mode: str) -> ssl.SSLContext:
    """Raises OSError when a file of the DSN cannot be read."""
    context = ssl.create_default_context(cafile=target.options.get("ssl-ca"))
    context.check_hostname = mode == "VERIFY_IDENTITY"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("VERIFY") else ssl.CERT_NONE
    if "ssl-cert" in target.options:
        context.load_cert_chain(target.options["ssl-cert"], target.options.get("ssl-key"))
    return context
