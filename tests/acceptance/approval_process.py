"""A housecall process for the approval tests: a scripted model asks for an index, a person approves, it goes on.

`python approval_process.py DSN ask`: asks in mode manual, approves, goes on, and dies by its own SIGKILL after the
statement has run on the instance and before that is recorded. With `go-on` instead it serves until the run has ended,
with `propose` it ends when the change waits for a person.
Tells what it did as JSON lines on stdout.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import aclosing

import housecall.agent.agent
from housecall.agent.builtin.conversation import Call
from housecall.agent.scripted import ScriptedModel
from housecall.app import open_app
from housecall.chat.runs import NewQuestion
from housecall.engines.change import Written
from housecall.engines.postgresql.writer import PostgreSQLWriter
from housecall.settings import load_settings

ARGUMENTS = {"table": "orders", "columns": ["customer_id"]}


def tell(**fields: object) -> None:
    print(json.dumps(fields, default=str), flush=True)


def die_after_the_act() -> None:
    """The machine loses power when the server has done its part."""
    run = PostgreSQLWriter.run

    async def run_and_die(self: PostgreSQLWriter, statements: Sequence[str], *, lock_timeout_seconds: float) -> Written:
        await run(self, statements, lock_timeout_seconds=lock_timeout_seconds)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")

    PostgreSQLWriter.run = run_and_die  # type: ignore[method-assign]


async def main() -> None:
    dsn, what = sys.argv[1], sys.argv[2]
    # The first request asks for the change; one that has its result answers.
    reply = "Done." if what == "go-on" else [Call("create_index", ARGUMENTS)]
    housecall.agent.agent.build_entry = lambda _entry: ScriptedModel([reply, "Done."])
    if what == "ask":
        die_after_the_act()
    async with open_app(load_settings()) as app:
        root = app.root
        if what in ("ask", "propose"):
            await app.instances.add(root.account_id, "shop", dsn)
            asked = await app.runs.start(NewQuestion(root.account_id, root.user_id, "do it", approval_mode="manual"))
            await app.runs.wait(asked.run_id)
            ((_, call),), _ = await app.approvals.list_approvals(root)
            if what == "propose":
                tell(call_id=call.card.call_id)
                return
            await app.approvals.submit(root, call.card.call_id, "approve")
            inputs = {"resume_call_id": call.card.call_id}
            resumed = await app.runs.start(NewQuestion(root.account_id, root.user_id, "continue", inputs=inputs))
            tell(run_id=resumed.run_id, call_id=call.card.call_id)
            await asyncio.Event().wait()
        run_id = sys.argv[3]
        async with aclosing(app.runs.subscribe(run_id)) as events:
            statuses = [
                event.happening.fields["status"] async for event in events if event.happening.name == "tool_call"
            ]
        ((_, call),), _ = await app.approvals.list_approvals(root)
        tell(execution=call.execution, result=call.result, statuses=statuses, status=await app.runs.wait(run_id))


if __name__ == "__main__":
    asyncio.run(main())
