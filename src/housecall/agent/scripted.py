"""Models that follow a script, for tests and benchmarks: no network, no chance, and every kind of bad behaviour.

A script is a list of replies, one for each model request: a text, a list of texts and Calls, an exception to raise, or
an async function of the messages that gives one of these. The last reply is repeated.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import RunContext as PydanticRunContext
from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponseStreamEvent, TextPart, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from housecall.agent.builtin.conversation import Call

Reply = str | Sequence[str | Call] | Exception
Script = Sequence[Reply | Callable[[list[ModelMessage]], Awaitable[Reply]]]


class ScriptedModel(Model[Any]):
    """Plays its script. Texts stream in pieces of `delta_characters`, `deltas_per_second` of them (0: at full speed).

    `requests` keeps the messages of each request, `tools` the names of the tools that were offered last, and
    `definitions` all that the model was told of them.
    """

    def __init__(self, script: Script, *, delta_characters: int = 20, deltas_per_second: float = 0.0) -> None:
        super().__init__()
        self._script = list(script)
        self.delta_characters = delta_characters
        self.deltas_per_second = deltas_per_second
        self.requests: list[list[ModelMessage]] = []
        self.tools: tuple[str, ...] = ()
        self.definitions: tuple[ToolDefinition, ...] = ()

    @property
    def model_name(self) -> str:
        return "scripted"

    @property
    def system(self) -> str:
        return "scripted"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,  # noqa: ARG002
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        self.definitions = tuple(model_request_parameters.function_tools)
        self.tools = tuple(tool.name for tool in self.definitions)
        self.requests.append(list(messages))
        step = self._script[min(len(self.requests), len(self._script)) - 1]
        reply = await step(messages) if callable(step) else step
        if isinstance(reply, Exception):
            raise reply
        usage = RequestUsage(input_tokens=10, output_tokens=5)
        pieces = [reply] if isinstance(reply, str) else reply
        parts = [self._part(piece, place) for place, piece in enumerate(pieces)]
        return ModelResponse(parts=parts, model_name="scripted", usage=usage)

    def _part(self, piece: str | Call, place: int) -> TextPart | ToolCallPart:
        if isinstance(piece, str):
            return TextPart(piece)
        return ToolCallPart(piece.tool, piece.arguments, tool_call_id=f"scripted-{len(self.requests)}-{place}")

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: PydanticRunContext[Any] | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[StreamedResponse]:
        response = await self.request(messages, model_settings, model_request_parameters)
        yield _ScriptedStream(model_request_parameters=model_request_parameters, response=response, model=self)


@dataclass
class _ScriptedStream(StreamedResponse):
    response: ModelResponse = field(default_factory=lambda: ModelResponse(parts=[]))
    model: ScriptedModel = field(default_factory=lambda: ScriptedModel([]))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        size = self.model.delta_characters
        pause = 1 / self.model.deltas_per_second if self.model.deltas_per_second else 0.0
        for number, part in enumerate(self.response.parts):
            if isinstance(part, TextPart):
                for start in range(0, len(part.content), size):
                    delta = part.content[start : start + size]
                    for event in self._parts_manager.handle_text_delta(vendor_part_id=number, content=delta):
                        yield event
                    await asyncio.sleep(pause)
            else:
                yield self._parts_manager.handle_part(vendor_part_id=number, part=part)
        self._usage = self.response.usage

    async def close_stream(self) -> None:
        """There is no connection to close."""

    @property
    def model_name(self) -> str:
        return "scripted"

    @property
    def provider_name(self) -> str:
        return "scripted"

    @property
    def provider_url(self) -> None:
        return None

    @property
    def timestamp(self) -> datetime:
        return datetime.now(UTC)
