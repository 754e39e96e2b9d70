"""HTTP/1.1 below the application: uvicorn's h11 protocol, with our error shape where no application has run yet.

What cannot be parsed as HTTP, or is too long to be parsed, never reaches the application; it gets JSON all the same.
When the server stops, streams are cut rather than ended, so that a client cannot take half an answer for a whole one.
"""

import asyncio
import re
import sys
import uuid
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from housecall.api.answers import JSON_TYPE, error_body, json_bytes
from housecall.api.inbound import DISCARD_BYTES, DISCARD_SECONDS, too_large
from housecall.errors import RequestError

HEAD_SECONDS: Final = 30.0
_TOO_LONG: Final = 431  # what h11 hints for a request head over its limit


def new_request_id() -> str:
    """An upper-case UUID, as the cloud writes them."""
    return str(uuid.uuid4()).upper()


_TLS_HANDSHAKE: Final = b"\x16\x03"
_SHOWN_BYTES = re.compile(r":? *(?:bytearray\()?b['\"].*", re.S)


def without_bytes(message: str) -> str:
    """What h11 says is wrong, without the line that it shows: that is Python's way of writing bytes, and the line may
    hold a secret."""
    return _SHOWN_BYTES.sub("", message)[:200]


class _OneLength(h11.Connection):
    """h11, but a request that says its length in two ways is refused.

    h11 believes Transfer-Encoding and keeps the connection open. A proxy that believes Content-Length would take what
    follows the chunks for the body; here it would be a request of its own, which the proxy never saw (RFC 9112, 6.1).
    """

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names:
                raise h11.RemoteProtocolError("Content-Length and Transfer-Encoding together")
        return event


class HousecallProtocol(H11Protocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = self.config.h11_max_incomplete_event_size
        self.conn = _OneLength(h11.SERVER) if limit is None else _OneLength(h11.SERVER, limit)
        self.access_log = False  # its lines hold whole URLs, and those hold questions, signatures and tokens

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._discarding = False
        self._discarded = 0
        self._asked = False
        self._head_timer: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self._give_up_on_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            self._discarded += len(data)
            if self._discarded > DISCARD_BYTES:
                self.transport.close()
            return
        super().data_received(data)
        if self.cycle is not None:
            self._asked = True
            self._stop_head_timer()

    def eof_received(self) -> None:
        if self._discarding:
            self.transport.close()
        super().eof_received()

    def shutdown(self) -> None:
        """Cut a stream that is being told; let a short answer be finished."""
        telling = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        super().shutdown()
        if telling:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Called from the handler of h11's error, so the error itself says what is wrong."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # whoever still works on a request that broke off has nobody to answer
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        error = self._explain(sys.exc_info()[1], msg)
        request_id = new_request_id()
        body = json_bytes(error_body(request_id, "", error.wire_code, error.message))
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", JSON_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-acs-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        status = error.http_status
        events: list[Any] = [
            h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self._close_when_read()

    def _explain(self, error: BaseException | None, msg: str) -> RequestError:
        if isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == _TOO_LONG:
            received = self.conn.trailing_data[0]
            url_end = received.find(b"\n")
            limit = self.config.h11_max_incomplete_event_size or len(received)
            part = "url" if url_end < 0 or url_end > len(received) // 2 else "headers"
            return too_large(part, f"more than {limit}", limit)
        if self.conn.trailing_data[0].startswith(_TLS_HANDSHAKE):
            told = "this port speaks HTTP and not HTTPS; write http://, or put a proxy with TLS before it"
        else:
            told = without_bytes(str(error) if error is not None else msg)
        return RequestError(f"The request is not valid HTTP/1.1: {told}.", code="InvalidRequest")

    def _close_when_read(self) -> None:
        """Say that no more comes, and take what the client still sends: closing at once would make its system drop
        the answer before it is read."""
        self._stop_head_timer()
        self._discarding = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(DISCARD_SECONDS, self.transport.close)

    def _give_up_on_head(self) -> None:
        """A client that opens a connection and never asks does not hold it for ever."""
        if not self._asked:
            self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
