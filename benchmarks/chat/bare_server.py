"""The least that could stream the same text: Starlette and uvicorn. `python -m benchmarks.chat.bare_server PORT`."""

import json
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from benchmarks.chat.scripted import deltas


async def frames(question: str) -> AsyncIterator[str]:
    number = 0
    async for delta in deltas(question):
        number += 1
        body = json.dumps({"Event": "message", "Answer": delta, "Id": "x" * 36, "TaskId": "x" * 36, "CreatedAt": 1})
        yield f"id: {number}\nevent: message\ndata: {body}\n\n"
    yield "id: 0\nevent: workflow_finished\ndata: {}\n\n"


async def chat(request: Request) -> StreamingResponse:
    return StreamingResponse(frames(request.query_params["Query"]), media_type="text/event-stream")


if __name__ == "__main__":
    routes = [Route("/", chat, methods=["GET", "POST"])]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[1]), http="h11", log_level="error")
