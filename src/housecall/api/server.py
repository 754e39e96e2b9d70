"""The doors: from HTTP to an operation and back.

`POST|GET /` finds the operation by name (`x-acs-action`, else the parameter `Action`); an operation with a route has a
door of its own; `GET /health` needs no credential. Every answer has a request id, every failure the one error shape.
Requests are logged with id, operation, caller, status and time, never with parameters or credentials, since a question
may hold secrets and a query may hold signatures.
"""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housecall.api.answers import (
    INTERNAL_MESSAGE,
    StreamAnswer,
    close_events,
    error_answer,
    json_answer,
    until_gone,
)
from housecall.api.authentication import find_caller
from housecall.api.inbound import ClientGone, Inbound, read_inbound
from housecall.api.operation import API_VERSION, Call, EventStream, Operation, find_operation, operations
from housecall.api.protocol import HousecallProtocol, new_request_id
from housecall.api.wire import WireResponse, assemble
from housecall.app import App
from housecall.clock import Clock, utc_now
from housecall.errors import HousecallError, NotFound, RequestError, SetupError, StoreError
from housecall.events import Event

log = logging.getLogger("housecall.api")
T = TypeVar("T")

KEEP_ALIVE_CONNECTION_SECONDS = 75
STOP_SECONDS = 5
HEALTH_SECONDS = 5.0
_HTTP_CODES = {404: "InvalidAction.NotFound", 405: "UnsupportedHTTPMethod"}


class Gate:
    """Opens when the server begins to stop, so that those who wait for a run can tell their callers."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()


def create_server(app: App, *, clock: Clock = utc_now) -> Starlette:
    """The ASGI application over an open installation."""
    doors = Doors(app, clock)
    routes = [StarletteRoute("/", doors.rpc, methods=["GET", "POST", "OPTIONS"])]
    for operation in operations().values():
        if operation.route is not None:
            methods = [operation.route.method, "OPTIONS"]
            routes.append(StarletteRoute(operation.route.path, doors.rest(operation), methods=methods))
    routes.append(StarletteRoute("/health", doors.health, methods=["GET", "OPTIONS"]))
    server = Starlette(
        routes=routes,
        middleware=[Middleware(Edge)],
        exception_handlers={HTTPException: _http_error},
    )
    server.router.redirect_slashes = False
    server.state.gate = doors.gate
    return server


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


async def _http_error(request: Request, error: Exception) -> Response:
    """What routing itself refuses: an unknown path, or a method that a path does not take."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        message = (
            f"This http method is not supported. {request.url.path} takes {(error.headers or {}).get('Allow', '')}."
        )
    else:
        message = "Specified api is not found, please check your url and method."
    code = _HTTP_CODES.get(error.status_code, "InvalidRequest")
    known = RequestError(message, code=code, status=error.status_code)
    return error_answer(request.state.request_id, _host(request.scope), known, headers=error.headers)


class Edge:
    """Around everything: the request id, the error shape, the log line. The one place where any exception ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = _Told(send, new_request_id())
        scope.setdefault("state", {})["request_id"] = told.request_id
        started = time.monotonic()
        try:
            await self._app(scope, receive, told.send)
        except ClientGone:
            told.status = 499  # nobody reads it; the log line says it
        except HousecallError as error:
            if error.http_status >= 500:
                log.error("request %s: %s", told.request_id, error.message, exc_info=error)
            await told.fail(error, scope, receive)
        except Exception as error:  # noqa: BLE001 - the request handler: an unknown failure becomes InternalError
            log.error("request %s failed", told.request_id, exc_info=error)
            await told.fail(HousecallError(INTERNAL_MESSAGE), scope, receive)
        finally:
            state = scope["state"]
            log.log(
                logging.DEBUG if scope["path"] == "/health" else logging.INFO,
                "request %s %s %s %s %.0f ms",
                told.request_id,
                state.get("action") or f"{scope['method']} {scope['path'][:100]!r}",
                state.get("account") or "-",
                told.status or "-",
                (time.monotonic() - started) * 1000,
            )


class _Told:
    """What was sent of one answer, with the request id put on it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header = (b"x-acs-request-id", self.request_id.encode())
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await self._send(message)

    async def fail(self, error: HousecallError, scope: Scope, receive: Receive) -> None:
        if self.status:
            raise error  # half an answer is out; uvicorn cuts the connection, which the client notices
        await error_answer(self.request_id, _host(scope), error)(scope, receive, self.send)


class Doors:
    """The endpoints over one installation."""

    def __init__(self, app: App, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self.gate = Gate()

    def rest(self, operation: Operation) -> ASGIApp:
        """The door of one operation; a different action asked for here is a mistake."""
        assert operation.route is not None
        route = operation.route

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send, operation, (route.method, "OPTIONS"))

        return _Endpoint(door)

    @property
    def rpc(self) -> ASGIApp:
        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send, None, ("GET", "POST", "OPTIONS"))

        return _Endpoint(door)

    @property
    def health(self) -> ASGIApp:
        return _Endpoint(self._health)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, bound: Operation | None, methods: tuple[str, ...]
    ) -> None:
        if scope["method"] not in methods:  # Starlette lets HEAD through wherever GET may pass
            raise HTTPException(405, headers={"Allow": ", ".join(methods)})
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"allow": ", ".join(methods)})(scope, receive, send)
            return
        inbound = await read_inbound(scope, receive, self._app.settings.max_request_bytes)
        operation = _operation(inbound, bound)
        scope["state"]["action"] = operation.name
        _check_version(inbound)
        caller = await find_caller(self._app.keys, inbound.signed, self._clock())
        scope["state"]["account"] = caller.account_id
        call = Call(
            app=self._app,
            caller=caller,
            request_id=scope["state"]["request_id"],
            door="rpc" if bound is None else "rest",
            accepts_stream="text/event-stream" in inbound.signed.header("accept").lower(),
            last_event_id=inbound.signed.header("last-event-id"),
        )
        parameters = assemble(inbound.signed.query, inbound.signed.form, inbound.json | scope.get("path_params", {}))
        answer = await operation.run(call, parameters)
        await self._answer(answer, call, scope, receive, send)

    async def _answer(
        self, answer: WireResponse | EventStream, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if isinstance(answer, EventStream):
            if answer.gather is None:
                await StreamAnswer(answer)(scope, receive, send)
                return
            answer = answer.gather(await self._gathered(answer, receive))
        await json_answer({"RequestId": call.request_id} | answer.to_wire())(scope, receive, send)

    async def _gathered(self, stream: EventStream, receive: Receive) -> list[Event]:
        """All events of a run, unless the caller leaves or the server stops first; the run goes on either way."""

        async def collect() -> list[Event]:
            try:
                return [event async for event in stream.events]
            finally:
                await close_events(stream.events)

        collecting = asyncio.ensure_future(collect())
        others = [asyncio.ensure_future(until_gone(receive)), asyncio.ensure_future(self.gate.closing.wait())]
        try:
            await asyncio.wait({collecting, *others}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (collecting, *others):
                task.cancel()
            await asyncio.wait({collecting, *others})
        if not collecting.cancelled():
            return collecting.result()
        if self.gate.closing.is_set():
            raise StoreError(
                "The server is stopping. The answer goes on when it runs again: read it with GetMessages,"
                f" ConversationId {stream.envelope.conversation_id}."
            )
        raise ClientGone

    async def _health(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ready, or 503 and what is missing, in bounded time: whoever asks must learn that the store hangs."""
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"allow": "GET, HEAD, OPTIONS"})(scope, receive, send)
            return
        missing = await self._missing()
        request_id = scope["state"]["request_id"]
        if missing:
            error = StoreError(f"Not ready: {' '.join(missing)}")
            answer = error_answer(request_id, _host(scope), error, Status="not ready", Missing=missing)
        else:
            answer = json_answer({"RequestId": request_id, "Status": "ready"})
        await answer(scope, receive, send)

    async def _missing(self) -> list[str]:
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                health = await self._app.health()
        except TimeoutError:
            return [f"The state store did not answer within {HEALTH_SECONDS:.0f} seconds."]
        except HousecallError as error:
            return [error.message]
        return [] if health.ready else list(health.missing) or ["The installation says that it is not ready."]


class _Endpoint:
    """An ASGI endpoint that Starlette does not take for a function of a request."""

    def __init__(self, door: ASGIApp) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)


def _operation(inbound: Inbound, bound: Operation | None) -> Operation:
    """The operation that header and parameters agree on.

    The old signature does not cover headers, so a header must not turn a signed action into another.
    """
    names = {name for name in (_given(inbound, "x-acs-action", "Action")) if name}
    if len(names) > 1:
        raise RequestError("The provided parameter is invalid. x-acs-action and Action name different operations.")
    if bound is None:
        return find_operation(names.pop() if names else "")
    if names and names != {bound.name}:
        raise NotFound(
            f"Specified api is not found, please check your url and method. This path serves {bound.name} alone.",
            code="InvalidAction.NotFound",
        )
    return bound


def _check_version(inbound: Inbound) -> None:
    for version in _given(inbound, "x-acs-version", "Version"):
        if version not in ("", API_VERSION):
            raise RequestError(
                f"Specified parameter Version is not valid. This server has {API_VERSION}, not {version[:40]!r}.",
                code="InvalidVersion",
            )


def _given(inbound: Inbound, header: str, parameter: str) -> tuple[str, str, str]:
    in_body = inbound.json.get(parameter)
    return (
        inbound.signed.header(header),
        inbound.signed.parameter(parameter),
        in_body if isinstance(in_body, str) else "",
    )


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


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        SetupError: the port is in use, or the address is not this machine's, and what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)  # type: ignore[arg-type]
    except socket.gaierror as error:
        raise SetupError(f"Cannot listen on {host!r}: no such address; choose another with --host.") from error
    except (OSError, OverflowError) as error:
        raise SetupError(_why_not(host, port, error)) from error


def _why_not(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use, perhaps by another `housecall serve`;"
            " stop that one, or choose another port with --port (HOUSECALL_PORT)."
        )
    if number == errno.EACCES:
        return f"Port {port} on {host} is reserved for root; choose one above 1023 with --port (HOUSECALL_PORT)."
    return f"Cannot listen on {host} port {port}: {error}; choose others with --host and --port."


async def serve(
    app: App, host: str, port: int, ready: Callable[[str], None] | None = None, *, clock: Clock = utc_now
) -> None:
    """Serve until SIGINT, SIGTERM or cancellation, then return with every answer ended.

    `ready` is called once with the base URL (`http://127.0.0.1:7432`) when connections are taken.

    Raises:
        SetupError: the port cannot be had.
    """
    listener = listen(host, port)
    application = create_server(app, clock=clock)
    config = uvicorn.Config(
        application,
        http=HousecallProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=app.settings.max_request_bytes,
        timeout_keep_alive=KEEP_ALIVE_CONNECTION_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = _Server(config, application.state.gate)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        if ready is not None:
            ready(base_url(listener))  # the socket listens already; the first connections wait in its backlog
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
        listener.close()


def base_url(listener: socket.socket) -> str:
    """`http://host:port` of a listening socket."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
