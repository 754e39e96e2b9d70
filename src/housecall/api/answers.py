"""What goes back: JSON answers, the one error shape, and the event stream.

Errors have one shape for every status, since both SDKs turn a body that is not JSON into an opaque parse error. Streams
begin at once, never fall silent for longer than two seconds, and end when the run ends, the client leaves or the server
stops; only the first of these says `workflow_finished`.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from housecall.api.error_codes import recommendation
from housecall.api.operation import EventStream
from housecall.api.sse import KEEP_ALIVE, KEEP_ALIVE_SECONDS, frames
from housecall.errors import HousecallError, NotAllowed
from housecall.events import Event, Happening

log = logging.getLogger("housecall.api")

JSON_TYPE = "application/json;charset=utf-8"
STREAM_TYPE = "text/event-stream;charset=utf-8"
INTERNAL_MESSAGE = "The request processing has failed due to some unknown error."


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """JSON as UTF-8. A lone surrogate, which UTF-8 cannot carry, becomes its JSON escape."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def error_body(request_id: str, host: str, code: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "RequestId": request_id,
        "HostId": host,
        "Code": code,
        "Message": message,
        "Recommend": recommendation(code),
    } | more


def json_answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_bytes(body), status, {"content-type": JSON_TYPE, **(headers or {})})


def error_answer(
    request_id: str, host: str, error: HousecallError, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    body = error_body(request_id, host, error.wire_code, error.message, **more)
    if isinstance(error, NotAllowed) and error.detail is not None:
        body["AccessDeniedDetail"] = dict(error.detail)
    return json_answer(body, error.http_status, headers)


async def until_gone(receive: Receive) -> None:
    """Return when the client has closed the connection. For use after the body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def close_events(events: AsyncIterator[Event]) -> None:
    """Leave a subscription, which the run does not notice."""
    aclose = getattr(events, "aclose", None)
    if aclose is not None:
        await aclose()


class StreamAnswer:
    """A run told as server-sent events. The caller leaving ends the telling, not the run."""

    def __init__(self, stream: EventStream, *, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._stream = stream
        self._keep_alive_seconds = keep_alive_seconds * 0.9  # so that the pause on the wire stays within it
        self._last_sent = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the form of ASGI
        headers = {"content-type": STREAM_TYPE, "cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        telling = asyncio.ensure_future(self._tell(send))
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            await self._keep_alive_until(telling, gone, send)
        finally:
            gone.cancel()
            telling.cancel()
            await asyncio.wait({telling, gone})
        if not telling.cancelled():
            telling.result()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _keep_alive_until(
        self, telling: "asyncio.Future[None]", gone: "asyncio.Future[None]", send: Send
    ) -> None:
        clock = asyncio.get_running_loop().time
        self._last_sent = clock()
        while True:
            wait = self._last_sent + self._keep_alive_seconds - clock()
            done, _ = await asyncio.wait({telling, gone}, timeout=max(wait, 0), return_when=asyncio.FIRST_COMPLETED)
            if done:
                return
            if clock() - self._last_sent >= self._keep_alive_seconds:
                await self._send(send, KEEP_ALIVE)

    async def _send(self, send: Send, block: bytes) -> None:
        self._last_sent = asyncio.get_running_loop().time()
        await send({"type": "http.response.body", "body": block, "more_body": True})

    async def _tell(self, send: Send) -> None:
        stream, skip, number = self._stream, self._stream.skip_parts, 0
        try:
            async for event in stream.events:
                for block in frames(event, stream.envelope, stream.mode)[skip:]:
                    await self._send(send, block)
                skip, number = 0, event.number
        except Exception as error:  # noqa: BLE001 - the stream is the request's handler; its failure is told in the stream
            await self._send(send, self._broken(error, number))
        finally:
            await close_events(stream.events)

    def _broken(self, error: Exception, number: int) -> bytes:
        """An `error` event outside the run's numbering: the run is not over, only this telling of it."""
        envelope = self._stream.envelope
        if isinstance(error, HousecallError):
            code, why = error.wire_code, error.message
        else:
            code, why = "InternalError", INTERNAL_MESSAGE
        log.error("request %s: stream of run %s broke", envelope.request_id, envelope.run_id, exc_info=error)
        text = f"{why} The run goes on; take up its stream again after event {number}."
        happening = Happening("error", text, {"code": code})
        whole = frames(Event(envelope.run_id, number, envelope.created_at, happening), envelope, "separate")[-1]
        return whole.partition(b"\n")[2]
