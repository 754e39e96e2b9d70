"""The HTTP server: the ASGI application over an open installation, and uvicorn around it.

uvicorn runs with h11, since the other parsers refuse the long URLs that the SDKs send (contract, decision 13).
"""

import asyncio
import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from housecall.api.doors import Doors, Gate
from housecall.api.edge import Edge, http_error
from housecall.api.files import PREVIEW_PATH, PreviewDoor
from housecall.api.listening import base_url, listen
from housecall.api.open_doors import openapi_document, sample_code
from housecall.api.operation import RPC_PATH, all_operations
from housecall.api.protocol import HousecallProtocol
from housecall.app import App
from housecall.clock import Clock, utc_now

KEEP_ALIVE_CONNECTION_SECONDS: Final = (
    75  # longer than clients keep idle connections, so that theirs is the first to close
)
STOP_SECONDS: Final = 5
GARBAGE_THRESHOLDS: Final = (5_000, 20, 20)
"""Requests free what they use by counting and leave few cycles; by default Python looks 7 times as often."""


def create_server(app: App, *, clock: Clock = utc_now) -> Starlette:
    """The ASGI application over an open installation."""
    doors = Doors(app, clock)
    routes = [Route("/", doors.rpc, methods=["GET", "POST", "OPTIONS"])]
    for operation in all_operations():
        routes.append(Route(RPC_PATH + operation.name, doors.named(operation), methods=["POST", "OPTIONS"]))
        if operation.route is not None:
            methods = [operation.route.method, "OPTIONS"]
            routes.append(Route(operation.route.path, doors.rest(operation), methods=methods))
    for route in routes:
        assert route.methods is not None
        route.methods.discard("HEAD")  # Starlette adds it to GET; an operation has an answer and no mere head of one
    routes.append(Route(PREVIEW_PATH, PreviewDoor(app), methods=["GET"]))
    routes.append(Route("/health", doors.health, methods=["GET", "OPTIONS"]))
    routes.append(Route("/openapi.json", openapi_document, methods=["GET", "OPTIONS"]))
    routes.append(Route("/samples/{Operation}", sample_code, methods=["GET", "OPTIONS"]))
    server = Starlette(
        routes=routes,
        middleware=[Middleware(Edge)],
        exception_handlers={HTTPException: http_error},
    )
    server.router.redirect_slashes = False
    server.state.gate = doors.gate
    return server


class _Server(uvicorn.Server):
    """uvicorn's server, with two changes: who waits is told when it stops, and a signal that stopped it is not raised
    again, since that would end the process before the installation is closed."""

    def __init__(self, config: uvicorn.Config, gate: Gate) -> None:
        super().__init__(config)
        self._gate = gate

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gate.closing.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


async def serve(
    app: App, host: str, port: int, ready: Callable[[str], None] | None = None, *, clock: Clock = utc_now
) -> None:
    """Serve until SIGINT, SIGTERM or cancellation, then return with every answer ended.

    `ready` is called once with the base URL (`http://127.0.0.1:7432`) when connections are taken.

    Raises:
        SetupError: the port cannot be had.
    """
    await serve_on(listen(host, port), app, ready, clock=clock)


async def serve_on(
    listener: socket.socket, app: App, ready: Callable[[str], None] | None = None, *, clock: Clock = utc_now
) -> None:
    """As `serve`, on a socket that listens already and may be shared with other processes. Closes it here."""
    application = create_server(app, clock=clock)
    config = uvicorn.Config(
        application,
        http=HousecallProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=app.settings.trusted_proxies is not None,  # headers are not signed: anybody may write them
        forwarded_allow_ips=app.settings.trusted_proxies,
        h11_max_incomplete_event_size=app.settings.max_request_bytes,
        timeout_keep_alive=KEEP_ALIVE_CONNECTION_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = _Server(config, application.state.gate)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        with _settled_memory():
            if ready is not None:
                ready(base_url(listener))  # the socket listens already; the first connections wait in its backlog
            await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
        listener.close()


@contextlib.contextmanager
def _settled_memory() -> Iterator[None]:
    """Keep the garbage collector away from what is loaded by now: going through these hundreds of thousands of objects
    stops every stream for a good part of a second."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
