"""The agent behind the seam `Answerer`: pydantic-ai's loop with our models, tools, reports and limits.

One agent serves every turn of the process. Inside a DBOS workflow each model request and each tool call is a recorded
step (pydantic-ai's `DBOSDurability` and `RecordedToolset`); outside one the same agent runs plainly.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai import Agent, UsageLimits, capture_run_messages
from pydantic_ai import RunContext as PydanticRunContext
from pydantic_ai.durable_exec.dbos import DBOSDurability
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import ModelMessage, ModelResponse, RetryPromptPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models import Model
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults, ToolDefinition

from housecall.agent.attachments import prompt_of, without_images
from housecall.agent.changes import approval_happening
from housecall.agent.context import RunContext, Stopped, language_of_turn, running
from housecall.agent.entries import ModelRoster, load_roster, only
from housecall.agent.grounding import note_on, sources_of, ungrounded
from housecall.agent.guidance import load_guidance
from housecall.agent.history import (
    HISTORY_TOKENS,
    history_of,
    interrupted_transcript,
    open_calls,
    since_the_question,
    transcript_of,
)
from housecall.agent.models import build_entry, model_error
from housecall.agent.prompt import system_prompt
from housecall.agent.recorded import RecordedToolset
from housecall.agent.resuming import after_calls, decisions
from housecall.agent.streaming import NamedModel, ReportingModel, answered_by
from housecall.agent.tools.registry import all_tools, is_offered, toolset_of
from housecall.agent.unsafe_advice import unsafe_advice
from housecall.clock import Clock, utc_now
from housecall.configuration import BUILTIN
from housecall.engines.desk import ChangeDesk
from housecall.engines.instance import Engines, GrantedInstances, InstanceDirectory
from housecall.errors import HousecallError, ModelError
from housecall.events import EventSink, Happening, RunStatus
from housecall.settings import Settings
from housecall.skills.directory import BuiltinSkills, SkillDirectory
from housecall.turn import AgentProfiles, Answerer, Outcome, Stop, Turn

AGENT_NAME = "housecall"
MAX_MODEL_REQUESTS = 20
"""A diagnosis takes 2 to 6; a model that has not answered after 20 is going round in circles."""

MAX_TOOL_CALLS = 40
MAX_TURN_SECONDS = 10 * 60.0
MAX_CHECKED_CHARACTERS = 50_000


def build_agent(
    settings: Settings,
    engines: Engines,
    instances: InstanceDirectory,
    *,
    skills: SkillDirectory | None = None,
    profiles: AgentProfiles | None = None,
    model: Model[Any] | None = None,
    clock: Clock = utc_now,
    granted: Callable[[Turn], GrantedInstances] | None = None,
    desk: ChangeDesk | None = None,
) -> Answerer:
    """The agent of this installation. To be built once, before DBOS is launched, since it registers its steps.

    Without `skills` there are the built-in ones, without `profiles` no custom agents. `model` takes the place of all
    that are configured. `granted` gives the instances that the asker of a turn may see; without it everybody sees all.
    `desk` takes changes; without it nothing can be changed.

    Raises SetupError when a model cannot be built.
    """
    roster = load_roster(settings) if model is None else only(model.model_name)
    named = {entry.id: NamedModel(entry, model or build_entry(entry)) for entry in roster.entries}
    models = {model_id: ReportingModel([named[each.id] for each in roster.chain(model_id)]) for model_id in roster.ids}
    agent = Agent(
        models[roster.default_id],
        name=AGENT_NAME,
        deps_type=RunContext,
        output_type=[str, DeferredToolRequests],
        instructions=_instructions,
        toolsets=[RecordedToolset(toolset_of(all_tools())).filtered(_is_offered)],
        capabilities=[
            DBOSDurability(
                # A run may choose its model, and a step can be told of it by its name only.
                models={f"model:{model_id}": each for model_id, each in models.items()},
                parallel_execution_mode="sequential",
            )
        ],
        retries=3,
    )
    return HousecallAgent(
        agent, models, roster, settings, engines, instances, skills or BuiltinSkills(), profiles, clock, granted, desk
    )


async def _tell_doubts(run: RunContext, messages: Sequence[ModelMessage]) -> Mapping[str, int]:
    """Mark for the reader what an answer says without a source and what it advises that does harm. How many of each."""
    answer = run.text[:MAX_CHECKED_CHARACTERS]
    sources = sources_of(tool_results(messages), given_texts(messages, run))
    own = {*(tool.name for tool in all_tools()), *(skill.name for skill in run.catalogue)}
    found = ungrounded(answer, sources, own)
    unsafe = unsafe_advice(answer, sources_of(tool_results(messages)), run.language)
    for note in [*([note_on(found, run.language)] if found else []), *unsafe]:
        await run.sink.report(Happening("message", f"\n\n{note}"))
    return {"ungrounded": len(found), "unsafe": len(unsafe)}


def tool_results(messages: Sequence[ModelMessage]) -> list[Any]:
    """What tools returned; of a retry what it says."""
    parts = [part for message in messages for part in message.parts]
    return [part.content for part in parts if isinstance(part, ToolReturnPart | RetryPromptPart)]


def given_texts(messages: Sequence[ModelMessage], run: RunContext) -> list[str]:
    """What people wrote that an answer may repeat: their questions, the skill, the custom agent, the instance."""
    asked = [part.content for message in messages for part in message.parts if isinstance(part, UserPromptPart)]
    texts = [run.turn.query, run.turn.instance_id or ""]
    texts += [
        each if isinstance(each, str) else " ".join(item for item in each if isinstance(item, str)) for each in asked
    ]
    texts += [run.skill.text] if run.skill else []
    texts += [run.profile.system_prompt] if run.profile else []
    return texts


def _is_offered(ctx: PydanticRunContext[RunContext], tool: ToolDefinition) -> bool:
    return is_offered(tool.name, ctx.deps.profile)


def _instructions(ctx: PydanticRunContext[RunContext]) -> str:
    return system_prompt(ctx.deps)


@dataclass(frozen=True)
class HousecallAgent:
    """Implements `Answerer`."""

    agent: Agent[RunContext, str | DeferredToolRequests]
    models: Mapping[str, ReportingModel]
    roster: ModelRoster
    settings: Settings
    engines: Engines
    instances: InstanceDirectory
    skills: SkillDirectory
    profiles: AgentProfiles | None
    clock: Clock
    granted: Callable[[Turn], GrantedInstances] | None = None
    desk: ChangeDesk | None = None

    async def answer(self, turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
        granted = self.granted(turn) if self.granted is not None else None
        run = RunContext(
            turn=turn,
            language=language_of_turn(turn, self.settings.language),
            engines=self.engines,
            instances=self.instances if granted is None else granted,
            granted=granted,
            sink=sink,
            stop=stop,
            clock=self.clock,
            deadline=time.monotonic() + MAX_TURN_SECONDS,
            skills=self.skills,
            desk=self.desk,
        )
        model_id = turn.inputs.get("model_id") or self.roster.default_id
        with capture_run_messages() as messages:
            try:
                async with running(run):
                    await load_guidance(run, self.profiles)
                    return await self._loop(run, model_id)
            except Stopped:
                return await self._ended(run, messages, model_id, "stopped")
            except (AgentRunError, UserError) as error:
                failure: HousecallError = model_error(model_id, error)
            except HousecallError as error:
                failure = error
            except asyncio.CancelledError:
                raise
        code = failure.wire_code if not isinstance(failure, ModelError) else ModelError.code
        await sink.report(Happening("error", failure.message, {"code": code}))
        return await self._ended(run, messages, model_id, "failed")

    async def _loop(self, run: RunContext, model_id: str) -> Outcome:
        """Raises RequestError for a model that is not configured any more."""
        window = self.roster.find(model_id).context_window or 2 * HISTORY_TOKENS
        resumes = bool(run.turn.inputs.get("resume_call_id")) and self.desk is not None
        history = history_of(run.turn.history, min(HISTORY_TOKENS, window // 2), resumes=resumes)
        decided = await self._decided(run, history) if resumes else None
        result = await self.agent.run(
            None if decided else await prompt_of(run, sees="vision" in self.roster.find(model_id).features),
            model=self.models[model_id],
            deps=run,
            message_history=history,
            deferred_tool_results=decided,
            usage_limits=UsageLimits(request_limit=MAX_MODEL_REQUESTS, tool_calls_limit=MAX_TOOL_CALLS),
        )
        usage = result.usage
        new = result.new_messages()
        waits = isinstance(result.output, DeferredToolRequests)
        if waits and self.desk is not None:
            for card in await self.desk.waiting(run.turn):
                await run.sink.report(approval_happening(card))
        status: RunStatus = "pending_approval" if waits else "succeeded"
        outcome = Outcome(status, transcript_of(without_images(new)), usage.input_tokens, usage.output_tokens)
        answered = answered_by(new) or model_id
        doubts = {} if waits or answered == BUILTIN else await _tell_doubts(run, [*history, *new])
        await self._report_end(run, outcome, answered, **doubts)
        return outcome

    async def _decided(self, run: RunContext, history: list[ModelMessage]) -> DeferredToolResults:
        """What people decided on the round that this turn goes on with; told first, so that history has it."""
        assert self.desk is not None
        cards = await self.desk.resumed(run.turn)
        for card in cards:
            await run.sink.report(approval_happening(card))
        run.resumed = frozenset(open_calls(history))
        return decisions(cards, history)

    async def _ended(self, run: RunContext, messages: list[ModelMessage], model_id: str, status: Any) -> Outcome:
        """The record of a turn that did not come to its end: what was said and found so far."""
        new = after_calls(messages, run.resumed) if run.resumed else since_the_question(messages)
        responses = [message for message in new if isinstance(message, ModelResponse)]
        outcome = Outcome(
            status,
            interrupted_transcript(without_images(new), run.texts, run.turn.query),
            sum(each.usage.input_tokens for each in responses),
            sum(each.usage.output_tokens for each in responses),
        )
        await self._report_end(run, outcome, answered_by(new) or model_id)
        return outcome

    async def _report_end(self, run: RunContext, outcome: Outcome, model_id: str, **doubts: int) -> None:
        tokens = {"input_tokens": outcome.input_tokens, "output_tokens": outcome.output_tokens}
        fields = tokens | {"model": model_id} | doubts
        await run.sink.report(Happening("message_end", "", fields))
        await run.sink.flush()
