"""The model as the run uses it: its stream becomes happenings while it flows, and another goes on where it fails.

A model request is one step of the durable workflow. Its text is reported from inside the step, so a recorded step is
never told twice; a step that a crash cut off is made again, and then `message_replace` voids what it had told.

A model that fails is told in an `error` event, its text of this request is void, and the next of its chain answers.
Whoever answered once goes on to the end of the turn: each response says in its metadata which model made it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior, UserError
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
from pydantic_ai.settings import ModelSettings, merge_model_settings

from housecall.agent.context import RunContext, current_run
from housecall.agent.models import model_error, settings_for
from housecall.agent.resuming import after_calls
from housecall.agent.tools.registry import without_writes
from housecall.configuration import ModelEntry
from housecall.errors import ModelError
from housecall.events import Happening

ANSWERED_BY = "housecall_model"
"""The name in a response's metadata under which the id of its model stands."""

FAILURES = (ModelAPIError, UnexpectedModelBehavior, UserError)


@dataclass(frozen=True)
class NamedModel:
    """A model with the entry it was built from."""

    entry: ModelEntry
    model: Model[Any]


class ReportingModel(WrapperModel):
    """Streams the first model of a chain that works, and reports text and thinking to the current run."""

    def __init__(self, chain: Sequence[NamedModel]) -> None:
        super().__init__(chain[0].model)
        self.chain = tuple(chain)

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
        if run.turn.approval_mode == "read_only" or run.desk is None:
            # They exist for a model that calls one all the same: it is told why not, and what a person can do.
            model_request_parameters = without_writes(model_request_parameters)
        return await run.unless_stopped(self._answered(run, messages, model_settings, model_request_parameters))

    async def _answered(
        self,
        run: RunContext,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The response of the first model that gives one.

        Raises:
            ModelError: the last of the chain failed too; those before it were told.
        """
        chain = self._from(answered_by(messages))
        for place, each in enumerate(chain):
            settings = merge_model_settings(model_settings, settings_for(each.entry, run.turn.inputs))
            try:
                response = await _streamed(run, each.model, messages, settings, parameters)
            except FAILURES as error:
                failure = model_error(each.entry.id, error)
                if place + 1 == len(chain):
                    raise failure from error
                await _go_on_with(run, chain[place + 1], failure)
            else:
                response.metadata = {**(response.metadata or {}), ANSWERED_BY: each.entry.id}
                return response
        raise AssertionError("a chain has a model")

    def _from(self, model_id: str | None) -> tuple[NamedModel, ...]:
        """The chain from the model on that answered before in this turn."""
        ids = [each.entry.id for each in self.chain]
        return self.chain[ids.index(model_id) :] if model_id in ids else self.chain


async def _streamed(
    run: RunContext,
    model: Model[Any],
    messages: list[ModelMessage],
    settings: ModelSettings | None,
    parameters: ModelRequestParameters,
) -> ModelResponse:
    # Entered for each request: whoever leaves last closes the connections, and nothing is left open at the end.
    async with model, model.request_stream(messages, settings, parameters) as stream:
        async for event in stream:
            await _report(run, event)
        response = stream.get()
    # Before the step is recorded: a recorded step is not told again, so its text must be stored by then.
    await run.sink.flush()
    if not response.parts:
        raise UnexpectedModelBehavior("the model sent an empty answer")
    return response


async def _go_on_with(run: RunContext, following: NamedModel, failure: ModelError) -> None:
    """Void what the failed model had begun to say, and tell who answers in its place."""
    if run.texts[-1]:
        run.texts[-1] = ""
        await run.sink.report(Happening("message_replace", run.text))
    told = f"{failure.message} The model '{following.entry.id}' answers instead."
    await run.sink.report(Happening("error", told, {"code": ModelError.code, "fallback": following.entry.id}))


def answered_by(messages: Sequence[ModelMessage]) -> str | None:
    """The id of the model that made the last response since the last question; None before the first."""
    for message in reversed(messages):
        if isinstance(message, ModelResponse):
            return (message.metadata or {}).get(ANSWERED_BY)
        if any(isinstance(part, UserPromptPart) for part in message.parts):
            return None
    return None


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
    now = after_calls(messages, run.resumed) if run.resumed else messages
    run.texts = [*texts_of_this_turn(now), ""]
    if first and run.turn.attempt > 1:
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
