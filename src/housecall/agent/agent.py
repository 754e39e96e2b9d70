"""The agent behind the seam `Answerer`: pydantic-ai's loop with our models, tools, reports and limits.

One agent serves every turn of the process. Inside a DBOS workflow each model request and each tool call is a recorded
step (pydantic-ai's `DBOSDurability` and `RecordedToolset`); outside one the same agent runs plainly.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from pydantic_ai import Agent, UsageLimits, capture_run_messages
from pydantic_ai import RunContext as PydanticRunContext
from pydantic_ai.durable_exec.dbos import DBOSDurability
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model

from housecall.agent.context import RunContext, Stopped, language_of_turn, running
from housecall.agent.history import history_of, interrupted_transcript, since_the_question, transcript_of
from housecall.agent.models import build_model, model_error
from housecall.agent.prompt import system_prompt
from housecall.agent.recorded import RecordedToolset
from housecall.agent.streaming import ReportingModel
from housecall.agent.tools.registry import tools_for, toolset_of
from housecall.clock import Clock, utc_now
from housecall.engines.instance import Engines, InstanceDirectory
from housecall.errors import HousecallError, ModelError
from housecall.events import EventSink, Happening
from housecall.settings import Settings
from housecall.turn import Answerer, Outcome, Stop, Turn

AGENT_NAME = "housecall"
MAX_MODEL_REQUESTS = 20
"""A diagnosis takes 2 to 6; a model that has not answered after 20 is going round in circles."""

MAX_TOOL_CALLS = 40
MAX_TURN_SECONDS = 10 * 60.0


def build_agent(
    settings: Settings,
    engines: Engines,
    instances: InstanceDirectory,
    *,
    model: Model[Any] | None = None,
    clock: Clock = utc_now,
) -> Answerer:
    """The agent of this installation. To be built once, before DBOS is launched, since it registers its steps.

    Raises SetupError when the settings name a model that cannot be built.
    """
    chosen = model or build_model(settings)
    reporting = ReportingModel(chosen)
    agent = Agent(
        reporting,
        name=AGENT_NAME,
        deps_type=RunContext,
        output_type=str,
        instructions=_instructions,
        toolsets=[RecordedToolset(toolset_of(tools_for("read_only")))],
        capabilities=[DBOSDurability(parallel_execution_mode="sequential")],
        retries=3,
    )
    return HousecallAgent(agent, chosen.model_name, settings, engines, instances, clock)


def _instructions(ctx: PydanticRunContext[RunContext]) -> str:
    return system_prompt(ctx.deps)


@dataclass(frozen=True)
class HousecallAgent:
    """Implements `Answerer`."""

    agent: Agent[RunContext, str]
    model_name: str
    settings: Settings
    engines: Engines
    instances: InstanceDirectory
    clock: Clock

    async def answer(self, turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
        run = RunContext(
            turn=turn,
            language=language_of_turn(turn, self.settings.language),
            engines=self.engines,
            instances=self.instances,
            sink=sink,
            stop=stop,
            clock=self.clock,
            deadline=time.monotonic() + MAX_TURN_SECONDS,
        )
        with capture_run_messages() as messages:
            try:
                async with running(run):
                    return await self._loop(run)
            except Stopped:
                return await self._ended(run, messages, "stopped")
            except (AgentRunError, UserError) as error:
                failure: HousecallError = model_error(self.model_name, error)
            except HousecallError as error:
                failure = error
            except asyncio.CancelledError:
                raise
        code = failure.wire_code if not isinstance(failure, ModelError) else ModelError.code
        await sink.report(Happening("error", failure.message, {"code": code}))
        return await self._ended(run, messages, "failed")

    async def _loop(self, run: RunContext) -> Outcome:
        history = history_of(run.turn.history)
        result = await self.agent.run(
            run.turn.query,
            deps=run,
            message_history=history,
            usage_limits=UsageLimits(request_limit=MAX_MODEL_REQUESTS, tool_calls_limit=MAX_TOOL_CALLS),
        )
        usage = result.usage
        outcome = Outcome("succeeded", transcript_of(result.new_messages()), usage.input_tokens, usage.output_tokens)
        await self._report_end(run, outcome)
        return outcome

    async def _ended(self, run: RunContext, messages: list[ModelMessage], status: Any) -> Outcome:
        """The record of a turn that did not come to its end: what was said and found so far."""
        new = since_the_question(messages)
        responses = [message for message in new if isinstance(message, ModelResponse)]
        outcome = Outcome(
            status,
            interrupted_transcript(new, run.texts, run.turn.query),
            sum(each.usage.input_tokens for each in responses),
            sum(each.usage.output_tokens for each in responses),
        )
        await self._report_end(run, outcome)
        return outcome

    async def _report_end(self, run: RunContext, outcome: Outcome) -> None:
        fields = {
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
            "model": self.model_name,
        }
        await run.sink.report(Happening("message_end", "", fields))
        await run.sink.flush()
