"""The doors that need no credential, since they tell nothing about anybody: the description and the sample code."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from housecall.api.answers import JSON_TYPE, json_answer, json_bytes
from housecall.api.edge import host_of
from housecall.api.inbound import read_inbound
from housecall.api.openapi import describe
from housecall.api.operation import find_operation
from housecall.api.samples import LANGUAGES, Language, Target, samples
from housecall.api.wire import OptionalText, WireRequest, assemble, choice, json_object

CACHE_CONTROL = "public, max-age=300"
METHODS = ("GET", "HEAD", "OPTIONS")
MAX_BYTES = 1024 * 1024


class OpenDoor:
    """An endpoint for reading that Starlette does not take for a function of a request."""

    def __init__(self, door: ASGIApp) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in METHODS:
            raise HTTPException(405, headers={"Allow": ", ".join(METHODS)})
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"allow": ", ".join(METHODS)})(scope, receive, send)
            return
        await self._door(scope, receive, send)


@cache
def _description() -> bytes:
    return json_bytes(describe())


async def _tell_description(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"content-type": JSON_TYPE, "cache-control": CACHE_CONTROL}
    await Response(_description(), 200, headers)(scope, receive, send)


class SampleRequest(WireRequest):
    """What the door of sample code takes beside the operation's name."""

    parameters: Annotated[Mapping[str, Any] | None, json_object] = None
    """Parameters of the call to write, as one JSON object; the operation's example by default."""
    language: Annotated[Language | None, choice(*LANGUAGES)] = None
    """One language; all of them by default."""
    endpoint: OptionalText = None
    """Host and port to call, with http:// or https:// before it when it matters; this server by default."""


async def _tell_samples(scope: Scope, receive: Receive, send: Send) -> None:
    inbound = await read_inbound(scope, receive, MAX_BYTES)
    operation = find_operation(scope["path_params"]["Operation"])
    request = SampleRequest.read(assemble(inbound.signed.query, (), {}))
    target = Target.read(request.endpoint or f"{scope['scheme']}://{host_of(scope) or 'localhost'}")
    texts = samples(operation, request.parameters, target)
    wanted = {each: text for each, text in texts.items() if request.language in (None, each)}
    body = {"RequestId": scope["state"]["request_id"], "Operation": operation.name, "Samples": wanted}
    await json_answer(body)(scope, receive, send)


openapi_document = OpenDoor(_tell_description)
sample_code = OpenDoor(_tell_samples)
