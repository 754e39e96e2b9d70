"""Tool calls as the run makes them: reported, bounded in time, and recorded.

Each call that reaches a server is one step of the durable workflow: a recovered run neither asks the server again
nor sees another answer. An error is a result that the model can read: what was attempted, why it failed, what next.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_ai import RunContext as PydanticRunContext
from pydantic_ai.toolsets import ToolsetTool, WrapperToolset
from pydantic_core import to_jsonable_python

from housecall.agent.changes import request_change
from housecall.agent.context import RunContext, Stopped, UnclearInstance
from housecall.agent.durable import as_step
from housecall.agent.permissions import begin_use
from housecall.agent.tools.bounded import RESULT_TOKENS, bounded
from housecall.agent.tools.registry import write_tools
from housecall.errors import HousecallError
from housecall.events import Happening


@dataclass
class RecordedToolset(WrapperToolset[RunContext]):
    """Wraps the tools of the registry."""

    async def call_tool(
        self,
        name: str,
        tool_args: dict[str, Any],
        ctx: PydanticRunContext[RunContext],
        tool: ToolsetTool[RunContext],
    ) -> Any:
        if name in write_tools():
            # The function of such a tool only says what is wanted.
            wanted = await super().call_tool(name, tool_args, ctx, tool)
            return await request_change(ctx, name, wanted, tool_args)
        run, call_id = ctx.deps, ctx.tool_call_id or name

        async def call() -> dict[str, Any]:
            arguments = {key: value for key, value in tool_args.items() if value is not None}
            told = {"call_id": call_id, "tool_name": name, "arguments": to_jsonable_python(arguments)}
            await _report(run, told | {"status": "start"})
            started = time.monotonic()
            outcome = await self._outcome(name, tool_args, ctx, tool)
            elapsed_ms = round((time.monotonic() - started) * 1000)
            status = "end" if outcome["outcome"] == "ok" else "error"
            await _report(run, told | {"status": status, "response": outcome["content"], "elapsed_ms": elapsed_ms})
            await run.sink.flush()  # before the step is recorded and not told again
            return outcome

        recorded = await as_step(f"tool.{name}", call)
        if recorded["outcome"] == "stopped":
            raise Stopped
        return recorded["content"]

    async def _outcome(
        self, name: str, tool_args: dict[str, Any], ctx: PydanticRunContext[RunContext], tool: ToolsetTool[RunContext]
    ) -> dict[str, Any]:
        begin_use(name, tool_args)
        try:
            result = await ctx.deps.unless_stopped(super().call_tool(name, tool_args, ctx, tool))
        except Stopped:
            return {"outcome": "stopped", "content": {"error": "stopped by the user"}}
        except HousecallError as error:
            return {"outcome": "error", "content": readable_error(name, error)}
        content = result.model_dump(mode="json", exclude_none=True) if isinstance(result, BaseModel) else result
        return {"outcome": "ok", "content": bounded(to_jsonable_python(content), RESULT_TOKENS)}


def readable_error(name: str, error: HousecallError) -> dict[str, Any]:
    """An error as a tool result. `instances` lists the ids to choose from when the instance was unclear."""
    content: dict[str, Any] = {"error": f"{name}: {error.message}", "code": error.wire_code}
    if isinstance(error, UnclearInstance):
        content["instances"] = list(error.ids[:50])
    if "SQLSTATE 42501" in error.message:
        content["next"] = (
            "The role of Housecall may not read that object; let its owner run GRANT SELECT ON it, or GRANT"
            " pg_read_all_data, to that role. Examination and table descriptions need no such right."
        )
    elif "command denied to user" in error.message:
        content["next"] = (
            "The account of Housecall may not read it; GRANT SELECT ON it to the account. Examination and table"
            " descriptions need no such right."
        )
    return content


async def _report(run: RunContext, fields: dict[str, Any]) -> None:
    await run.sink.report(Happening("tool_call", json.dumps(fields, ensure_ascii=False, default=str), fields))
