"""The diagnostician as a pydantic-ai model: the same loop, tools and stream as any language model, no tokens."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import RunContext as PydanticRunContext
from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponseStreamEvent, TextPart, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings

from housecall.agent.builtin.attachments import attachment_answer, next_attachment_call
from housecall.agent.builtin.conversation import Call, Conversation, read_conversation
from housecall.agent.builtin.decide import decide
from housecall.agent.context import current_run
from housecall.wording import Language, language_of_text

MODEL_NAME = "builtin"
_CHUNK = re.compile(r".+?(?:[.。！？!?；;:：](?=\s|$|[^\x00-\x7f])|\n)\s*|.+", re.S)


class DiagnosticianModel(Model[Any]):
    """Decides by rules. The same messages always give the same response."""

    @property
    def model_name(self) -> str:
        return MODEL_NAME

    @property
    def system(self) -> str:
        return "housecall"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,  # noqa: ARG002 - nothing to set
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        return respond(messages, {tool.name for tool in model_request_parameters.function_tools})

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: PydanticRunContext[Any] | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[StreamedResponse]:
        response = await self.request(messages, model_settings, model_request_parameters)
        yield _Stream(model_request_parameters=model_request_parameters, response=response)


def respond(messages: list[ModelMessage], tools: set[str]) -> ModelResponse:
    """The next tool call, or the answer. A tool that this agent was not given is not called."""
    conversation = read_conversation(messages)
    language = _language(conversation)
    call = next_attachment_call(conversation)
    if call is not None and call.tool in tools:
        return _response(call, conversation)
    told = attachment_answer(conversation, language)
    return _response(told or decide(conversation, tools, language), conversation)


def _response(decided: Call | str, conversation: Conversation) -> ModelResponse:
    part = TextPart(decided) if isinstance(decided, str) else _call_part(decided, conversation)
    return ModelResponse(parts=[part], model_name=MODEL_NAME)


def _call_part(call: Call, conversation: Conversation) -> ToolCallPart:
    """The id counts calls of the conversation, so a replay after a crash makes the same one."""
    number = sum(len(exchange.done) for exchange in conversation.exchanges) + 1
    return ToolCallPart(call.tool, call.arguments, tool_call_id=f"call-{len(conversation.exchanges)}-{number}")


def _language(conversation: Conversation) -> Language:
    run = current_run()
    return run.language if run else language_of_text(conversation.current.question)


@dataclass
class _Stream(StreamedResponse):
    """Text in sentences and lines, as they are composed; no pause is put on."""

    response: ModelResponse = field(default_factory=lambda: ModelResponse(parts=[]))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        for number, part in enumerate(self.response.parts):
            if isinstance(part, TextPart):
                for chunk in _CHUNK.findall(part.content):
                    for event in self._parts_manager.handle_text_delta(vendor_part_id=number, content=chunk):
                        yield event
                    await asyncio.sleep(0)  # lets a stop, or another run, have its turn
            else:
                yield self._parts_manager.handle_part(vendor_part_id=number, part=part)

    async def close_stream(self) -> None:
        """There is no connection to close."""

    @property
    def model_name(self) -> str:
        return MODEL_NAME

    @property
    def provider_name(self) -> str:
        return "housecall"

    @property
    def provider_url(self) -> None:
        return None

    @property
    def timestamp(self) -> datetime:
        return datetime.now(UTC)
