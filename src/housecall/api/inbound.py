"""A request as it arrived: bounded, and taken apart into what is signed and what is asked.

Promises: nothing larger than the limit is kept in memory, and a request that is too large gets to read its answer
(what it still sends is thrown away for a while, since closing at once would lose the answer on its way).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from housecall.api.signing import Pairs, SignedRequest, decode_pairs
from housecall.api.wire import parse_json
from housecall.errors import LimitReached, RequestError

BODY_SECONDS: Final = 30.0
DISCARD_SECONDS: Final = 5.0
DISCARD_BYTES: Final = 64 * 1024 * 1024

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


class ClientGone(Exception):
    """The client closed the connection before its request was whole; nobody is there to be answered."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A whole request. `form` and `json` are what the body holds, by its content type."""

    signed: SignedRequest
    json: Mapping[str, Any] = field(default_factory=dict)


def too_large(part: str, size_text: str, limit: int) -> LimitReached:
    """The error for a request whose largest part is its `url`, its `headers` or its `body`."""
    code, status = {
        "url": ("RequestURITooLarge", 414),
        "headers": ("RequestHeaderTooLarge", 431),
        "body": ("RequestEntityTooLarge", 413),
    }[part]
    return LimitReached(
        f"The request is too large: its {part} has {size_text} bytes; URL, headers and body together may have {limit}.",
        code=code,
        status=status,
    )


async def read_inbound(scope: Scope, receive: Receive, limit: int) -> Inbound:
    """The request, its body read.

    Raises:
        LimitReached: 413, 414 or 431, by the part that is largest.
        RequestError: the body is not what its Content-Type says, or did not arrive in time.
        ClientGone: the connection closed first.
    """
    headers = tuple((_text(name).lower(), _text(value)) for name, value in scope["headers"])
    head_size = _check_head(scope, limit)
    body = await _read_body(scope, receive, limit, head_size)
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    signed = SignedRequest(
        method=scope["method"],
        path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
        query=decode_pairs(scope["query_string"].decode("latin-1")),
        headers=headers,
        body=body,
        form=_form(body, kind),
    )
    return Inbound(signed, _json_object(body, kind))


def read_head(scope: Scope, limit: int) -> Inbound:
    """A request whose body is read later: what its body is announced to be stands for the body.

    Raises LimitReached: URL or headers are too long.
    """
    _check_head(scope, limit)
    headers = tuple((_text(name).lower(), _text(value)) for name, value in scope["headers"])
    signed = SignedRequest(
        method=scope["method"],
        path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
        query=decode_pairs(scope["query_string"].decode("latin-1")),
        headers=headers,
        body_hash=next((value for name, value in headers if name == "x-acs-content-sha256"), ""),
    )
    return Inbound(signed)


def _text(raw: bytes) -> str:
    """Header bytes as the client's text: UTF-8 where it is, else Latin-1, which some clients write."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _check_head(scope: Scope, limit: int) -> int:
    url = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    headers = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if url + headers > limit:
        raise too_large("url", str(url), limit) if url >= headers else too_large("headers", str(headers), limit)
    return url + headers


async def _read_body(scope: Scope, receive: Receive, limit: int, head_size: int) -> bytes:
    headers = Headers(scope=scope)
    announced = headers.get("content-length", "0")
    if announced.isdigit() and len(announced) < 19 and head_size + int(announced) > limit:
        await _discard(receive, headers)
        raise too_large("body", announced, limit)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in _parts(receive):
                body += part
                if head_size + len(body) > limit:
                    break
    except TimeoutError:
        raise RequestError(
            f"The body did not arrive within {BODY_SECONDS:.0f} seconds; {len(body)} bytes came.",
            code="RequestTimeout",
            status=408,
        ) from None
    if head_size + len(body) > limit:
        await _discard(receive, headers)
        raise too_large("body", f"more than {limit - head_size}", limit)
    return bytes(body)


async def _parts(receive: Receive) -> Any:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def _discard(receive: Receive, headers: Headers) -> None:
    """Take what the client still sends, within limits, so that it comes to read the answer."""
    if headers.get("expect", "").lower() == "100-continue":
        return  # it asks before it sends
    left = DISCARD_BYTES
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            async for part in _parts(receive):
                left -= len(part)
                if left < 0:
                    return
    except TimeoutError:
        return


def _form(body: bytes, kind: str) -> Pairs:
    if not body or kind != _FORM:
        return ()
    return decode_pairs(body.decode("utf-8", "surrogateescape"))


def _json_object(body: bytes, kind: str) -> Mapping[str, Any]:
    if not body or kind == _FORM:
        return {}
    if kind != _JSON:
        raise RequestError(
            f"The body is {kind[:60] or 'of no declared type'!r}; send {_JSON} or {_FORM}, or parameters in the query.",
            code="UnsupportedMediaType",
            status=415,
        )
    try:
        parsed = parse_json(body)
    except ValueError as error:
        raise RequestError(f"The provided parameter is invalid. The body is not JSON ({error}).") from None
    if not isinstance(parsed, dict):
        raise RequestError("The provided parameter is invalid. The body must be one JSON object of parameters.")
    return parsed
