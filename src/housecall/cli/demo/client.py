"""The demo's client: ChatMessages over HTTP, signed, the answer as a stream of events. Any client does the same."""

import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from housecall.access.keys import NewKey
from housecall.api.signing import AccessKey, SignedRequest, canonical_query, sign_v3
from housecall.errors import HousecallError, SetupError
from housecall.events import Happening

API_VERSION = "2025-05-07"
IDLE_SECONDS = 10.0
"""The server says something every two seconds; five times that is silence."""


async def chat_messages(base_url: str, key: NewKey, parameters: Mapping[str, str]) -> AsyncGenerator[Happening, None]:
    """Ask, and give what happens until the stream ends.

    Raises:
        HousecallError: the server refused, with its code and words.
        SetupError: the server cannot be reached or went silent.
    """
    url = httpx.URL(base_url + "/?" + canonical_query(parameters.items()))
    headers = _signed_headers(urlsplit(base_url).netloc, key, parameters)
    try:
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(IDLE_SECONDS), trust_env=False) as client,
            client.stream("POST", url, headers=headers) as response,
        ):
            if response.status_code != 200:
                raise _refusal(await response.aread())
            async for body in bodies(response.aiter_lines()):
                yield happening_of(body)
    except httpx.HTTPError as error:
        raise SetupError(
            f"The demo's own server at {base_url} did not answer: {type(error).__name__} {error}"
        ) from error


async def bodies(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    """The JSON body of each event of a stream. Comments and the other fields are passed over."""
    async for line in lines:
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


def happening_of(body: Mapping[str, Any]) -> Happening:
    """An event of the wire in our own words."""
    name, answer = body["Event"], body.get("Answer", "")
    if name == "tool_call":
        call = json.loads(answer)
        fields = {"tool_name": call["tool_call_name"], "status": call["status"], "elapsed_ms": call.get("elapsed_ms")}
        return Happening(name, "", fields)
    if name == "workflow_finished":
        return Happening(name, answer, {"status": body.get("Status")})
    return Happening(name, answer)


def _signed_headers(host: str, key: NewKey, parameters: Mapping[str, str]) -> dict[str, str]:
    return sign_v3(
        SignedRequest("POST", "/", tuple(parameters.items()), (("host", host), ("accept", "text/event-stream"))),
        AccessKey(key.access_key_id, key.access_key_secret),
        action="ChatMessages",
        version=API_VERSION,
        at=datetime.now(UTC),
        nonce=secrets.token_hex(16),
    )


def _refusal(raw: bytes) -> HousecallError:
    body = json.loads(raw)
    return HousecallError(f"The demo's own server refused the question: {body['Code']}: {body['Message']}")
