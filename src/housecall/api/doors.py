"""The doors: from a request to an operation and back.

`POST|GET /` finds the operation by name (`x-acs-action`, else the parameter `Action`); `POST /rpc/<Operation>` is the
same door with the name in the path; an operation with a route has a door of its own; `GET /health` needs no credential.
"""

import asyncio
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from housecall.api.access_enforcement import Watch
from housecall.api.answers import StreamAnswer, close_events, error_answer, json_answer, until_gone
from housecall.api.authentication import find_caller
from housecall.api.edge import host_of
from housecall.api.inbound import ClientGone, Inbound, read_head, read_inbound
from housecall.api.operation import API_VERSION, Call, Door, EventStream, Operation, find_operation
from housecall.api.uploads import Upload
from housecall.api.wire import WireResponse, assemble
from housecall.app import App
from housecall.clock import Clock
from housecall.errors import HousecallError, NotFound, RequestError, StoreError
from housecall.events import Event

HEALTH_SECONDS: Final = 5.0


class Gate:
    """Told when the server begins to stop, so that those who wait for a run can tell their callers."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()


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

    def named(self, operation: Operation) -> ASGIApp:
        """The RPC door of one operation at a path of its own: what a description by paths can name."""

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send, operation, ("POST", "OPTIONS"), kind="rpc")

        return _Endpoint(door)

    @property
    def rpc(self) -> ASGIApp:
        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send, None, ("GET", "POST", "OPTIONS"), kind="rpc")

        return _Endpoint(door)

    @property
    def health(self) -> ASGIApp:
        return _Endpoint(self._health)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        bound: Operation | None,
        methods: tuple[str, ...],
        kind: Door = "rest",
        upload: Upload | None = None,
    ) -> None:
        if scope["method"] not in methods:  # Starlette lets HEAD through wherever GET may pass
            raise HTTPException(405, headers={"Allow": ", ".join(methods)})
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"allow": ", ".join(methods)})(scope, receive, send)
            return
        if bound is not None and bound.takes_file and upload is None:
            await self._receive_file(scope, receive, send, bound, methods, kind)
            return
        limit = self._app.settings.max_request_bytes
        inbound = read_head(scope, limit) if upload else await read_inbound(scope, receive, limit)
        operation = _operation(inbound, bound)
        scope["state"]["action"] = operation.name
        _check_version(inbound)
        async with Watch(self._app, operation, inbound.signed, scope) as watch:
            caller = await find_caller(self._app.keys, inbound.signed, self._clock())
            scope["state"]["account"] = caller.account_id
            await watch.admit(caller)
            call = Call(
                app=self._app,
                caller=caller,
                request_id=scope["state"]["request_id"],
                door=kind,
                accepts_stream="text/event-stream" in inbound.signed.header("accept").lower(),
                last_event_id=inbound.signed.header("last-event-id"),
                conditions=watch.conditions,
                upload=upload,
                subject=watch.subject,
            )
            parameters = _parameters(inbound, scope)
            watch.about(parameters)
            answer = await operation.run(call, parameters)
        await self._answer(answer, call, scope, receive, send)

    async def _receive_file(
        self, scope: Scope, receive: Receive, send: Send, bound: Operation, methods: tuple[str, ...], kind: Door
    ) -> None:
        """As `_serve`, with a body that the operation reads; who is refused before that gets to read why."""
        upload = Upload(scope, receive, self._app.settings.file_max_bytes)
        try:
            await self._serve(scope, receive, send, bound, methods, kind, upload)
        except HousecallError:
            await upload.discard()
            raise

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
            answer = error_answer(request_id, host_of(scope), error, Status="not ready", Missing=missing)
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
        return list(health.missing)


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


def _parameters(inbound: Inbound, scope: Scope) -> dict[str, Any]:
    return assemble(inbound.signed.query, inbound.signed.form, inbound.json | scope.get("path_params", {}))


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
