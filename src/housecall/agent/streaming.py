"""The model as the run uses it: its stream becomes happenings while it flows.

A model request is one step of the durable workflow. Its text is reported from inside the step, so a recorded step is
never told twice; a step that a crash cut off is made again, and then `message_replace` voids what it had told.
"""

from collections.abc import Sequence
from typing import Any

from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from housecall.agent.context import RunContext, current_run
from housecall.agent.durable import was_interrupted
from housecall.events import Happening


class ReportingModel(WrapperModel):
    """Streams the wrapped model and reports text and thinking to the current run."""

    def __init__(self, wrapped: Model[Any]) -> None:
        super().__init__(wrapped)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        run = current_run()
        if run is None:
            return await self.wrapped.request(messages, model_settings, model_request_parameters)
        await _begin(run, messages)
        return await run.unless_stopped(self._streamed(run, messages, model_settings, model_request_parameters))

    async def _streamed(
        self,
        run: RunContext,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> ModelResponse:
        async with self.wrapped.request_stream(messages, model_settings, parameters) as stream:
            async for event in stream:
                await _report(run, event)
            response = stream.get()
        # Before the step is recorded: a recorded step is not told again, so its text must be stored by then.
        await run.sink.flush()
        if not response.parts:
            raise UnexpectedModelBehavior("the model sent an empty answer")
        return response


def texts_of_this_turn(messages: Sequence[ModelMessage]) -> list[str]:
    """The text of each finished model response since the last question."""
    texts: list[str] = []
    for message in messages:
        if isinstance(message, ModelRequest) and any(isinstance(part, UserPromptPart) for part in message.parts):
            texts = []
        elif isinstance(message, ModelResponse):
            texts.append("".join(part.content for part in message.parts if isinstance(part, TextPart)))
    return texts


async def _begin(run: RunContext, messages: list[ModelMessage]) -> None:
    first = run.requests == 0
    run.requests += 1
    run.texts = [*texts_of_this_turn(messages), ""]
    if first and await was_interrupted():
        await run.sink.report(Happening("message_replace", run.text))


async def _report(run: RunContext, event: ModelResponseStreamEvent) -> None:
    match event:
        case PartStartEvent(part=TextPart(content=text)) | PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            await run.report_text(text)
        case (
            PartStartEvent(part=ThinkingPart(content=thought))
            | PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str(thought)))
        ) if thought:
            await run.sink.report(Happening("thinking", thought))
        case _:
            pass
