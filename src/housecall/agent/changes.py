"""A write call of the model on its way: proposed to the desk, and carried out when it may be.

Both are durable steps of their own. The proposal is silent while it waits: the stream tells of it as `tool_approval`,
and of `tool_call` only what is refused or carried out.
"""

import json
import time
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from pydantic_ai import RunContext as PydanticRunContext
from pydantic_ai.exceptions import ApprovalRequired
from pydantic_core import to_jsonable_python

from housecall.agent.context import RunContext, Stopped, UnclearInstance
from housecall.agent.durable import as_step
from housecall.agent.permissions import begin_use
from housecall.agent.tools.bounded import RESULT_TOKENS, bounded
from housecall.engines.desk import CallCard, WantedCall
from housecall.errors import HousecallError
from housecall.events import Happening

NO_DESK = {
    "refused": "Nothing can be changed here: a server that is named by its address is only read.",
    "code": "ReadOnly",
    "next": "Register it (housecall instance add) and ask again with the approval mode manual.",
}


async def request_change(
    ctx: PydanticRunContext[RunContext], name: str, arguments: Mapping[str, Any], asked: Mapping[str, Any]
) -> Any:
    """The result of a write call, for the model. `arguments` are those of the change, `asked` all that the model gave.

    Raises:
        ApprovalRequired: it waits for a person.
        Stopped: the run was stopped; what had begun goes on to its record.
    """
    run, tool_call_id = ctx.deps, ctx.tool_call_id or name
    if ctx.tool_call_approved and run.desk is not None:
        card = await run.desk.find(run.turn, tool_call_id)
        return await _carried_out(run, name, card.call_id, card.instance_id, card.arguments)
    wanted = WantedCall(name, tool_call_id, dict(arguments), bool(asked.get("wants_person")))
    proposed = await as_step(f"propose.{name}", partial(_proposed, run, wanted, asked))
    match proposed["outcome"]:
        case "waiting":
            raise ApprovalRequired({"call_id": proposed["call_id"], "round_id": proposed["round_id"]})
        case "allowed":
            return await _carried_out(run, name, proposed["call_id"], proposed["instance_id"], arguments)
        case "stopped":
            raise Stopped
    return proposed["content"]


async def _proposed(run: RunContext, wanted: WantedCall, asked: Mapping[str, Any]) -> dict[str, Any]:
    begin_use(wanted.tool_name, wanted.arguments)
    told = _told(wanted.tool_call_id, wanted.tool_name, asked)
    try:
        if run.desk is None:
            return await _refused(run, told, NO_DESK)
        instance = await run.instance(asked.get("instance_id"))
        proposal = await run.unless_stopped(run.desk.propose(run.turn, wanted, instance, run.language))
    except Stopped:
        return {"outcome": "stopped"}
    except HousecallError as error:
        content: dict[str, Any] = {"error": f"{wanted.tool_name}: {error.message}", "code": error.wire_code}
        if isinstance(error, UnclearInstance):
            content["instances"] = list(error.ids[:50])
        return await _refused(run, told, content)
    if proposal.verdict == "refused":
        return await _refused(run, told, proposal.content)
    return {
        "outcome": proposal.verdict,
        "call_id": proposal.call_id,
        "round_id": proposal.round_id,
        "instance_id": instance.id,
    }


async def _refused(run: RunContext, told: dict[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    small = bounded(to_jsonable_python(dict(content)), RESULT_TOKENS)
    await _report(run, told | {"status": "start"})
    await _report(run, told | {"status": "error", "response": small, "elapsed_ms": 0})
    await run.sink.flush()
    return {"outcome": "refused", "content": small}


async def _carried_out(run: RunContext, name: str, call_id: str, instance_id: str, arguments: Mapping[str, Any]) -> Any:
    recorded = await as_step(f"write.{name}", partial(_write, run, name, call_id, instance_id, arguments))
    if recorded["outcome"] == "stopped":
        raise Stopped
    return recorded["content"]


async def _write(
    run: RunContext, name: str, call_id: str, instance_id: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    assert run.desk is not None
    begin_use(name, arguments)
    told = _told(call_id, name, arguments)
    await _report(run, told | {"status": "start"})
    started, outcome = time.monotonic(), "ok"
    try:
        instance = await run.instance(instance_id)  # the right to it may have gone while the call waited
        with _watching(run) as watch:
            work = run.desk.carry_out(run.turn, call_id, instance, watch)
            content = dict(await run.unless_stopped(work, bounded=False))
    except Stopped:
        outcome, content = "stopped", {"error": "stopped by the user; housecall approval show tells what became of it"}
    except HousecallError as error:
        content = {"error": f"{name}: {error.message}", "code": error.wire_code}
    elapsed = time.monotonic() - started
    run.deadline += elapsed  # a build of an hour is no fault of the model
    small = bounded(to_jsonable_python(content), RESULT_TOKENS)
    status = "error" if "error" in content else "end"
    await _report(run, told | {"status": status, "response": small, "elapsed_ms": round(elapsed * 1000)})
    await run.sink.flush()  # before the step is recorded and not told again
    return {"outcome": outcome, "content": small}


@contextmanager
def _watching(run: RunContext) -> Any:
    """What the desk opens can be cancelled with the run's probes, as long as the block runs."""
    before = set(run.probes)
    try:
        yield run.probes.add
    finally:
        run.probes.intersection_update(before)


def approval_happening(card: CallCard) -> Happening:
    """A call that waits, or what was decided on it, as the stream and history tell it."""
    fields: dict[str, Any] = {
        "call_id": card.call_id,
        "round_id": card.round_id,
        "tool_name": card.tool_name,
        "arguments": dict(card.arguments) | {"instance_id": card.instance_id},
        "description": card.description,
        "approval_status": card.status,
    }
    return Happening("tool_approval", json.dumps(fields, ensure_ascii=False, default=str), fields)


def _told(call_id: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in arguments.items() if value is not None}
    return {"call_id": call_id, "tool_name": name, "arguments": to_jsonable_python(given)}


async def _report(run: RunContext, fields: dict[str, Any]) -> None:
    await run.sink.report(Happening("tool_call", json.dumps(fields, ensure_ascii=False, default=str), fields))
