"""An OpenAI-compatible endpoint on this machine that does what a test says: answers, errors, silence."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class Endpoint:
    """`script` is what to do with each request in turn, the last one for all that follow.

    A text is streamed in two deltas; `cut:` before it leaves the stream without its end; a number is an error status;
    `hang` never answers; `thinking:` before a text gives reasoning first; `redirect:` before a URL leads there.
    """

    script: list[str | int]
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request) -> Response:
        self.bodies.append(await request.json())
        self.keys.append(request.headers.get("authorization", ""))
        step = self.script[min(len(self.bodies), len(self.script)) - 1]
        if isinstance(step, int):
            return JSONResponse({"error": {"message": "no, because of sk-abcdef123456"}}, step)
        if step == "hang":
            await self.closing.wait()
        if step.startswith("redirect:"):
            return RedirectResponse(step.removeprefix("redirect:"), 307)
        return StreamingResponse(_stream(step), media_type="text/event-stream")


async def _stream(step: str) -> AsyncIterator[str]:
    cut, text = step.startswith("cut:"), step.removeprefix("cut:")
    if text.startswith("thinking:"):
        text = text.removeprefix("thinking:")
        yield _chunk({"reasoning_content": "Let me think."})
    half = len(text) // 2
    for piece in (text[:half], text[half:]):
        yield _chunk({"content": piece})
    if not cut:
        yield _chunk({}, "stop")
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        yield _data({"choices": [], "usage": usage})
        yield "data: [DONE]\n\n"


def _chunk(delta: dict[str, str], finish: str | None = None) -> str:
    return _data({"choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}]})


def _data(more: dict[str, Any]) -> str:
    return f"data: {json.dumps({'id': 'x', 'object': 'chat.completion.chunk', 'created': 1, 'model': 'm', **more})}\n\n"


@contextlib.contextmanager
def endpoint(*script: str | int) -> Iterator[Endpoint]:
    """An endpoint of the test's own, on a free port of 127.0.0.1."""
    made = Endpoint(list(script))
    app = Starlette(routes=[Route("/v1/chat/completions", made.answer, methods=["POST"])])
    box: dict[str, Any] = {}

    async def main() -> None:
        box["loop"], made.closing = asyncio.get_running_loop(), asyncio.Event()
        await server.serve([listener])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        made.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: asyncio.run(main()), name="endpoint")
        thread.start()
        try:
            yield made
        finally:
            server.should_exit = True
            box["loop"].call_soon_threadsafe(made.closing.set)
            thread.join(30)
