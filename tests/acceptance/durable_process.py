"""A housecall process for the durability tests: opens the installation of HOUSECALL_HOME and does as it is told.

`python durable_process.py ask QUERY`: starts a run, prints its id, and serves until it is killed or told to end.
`python durable_process.py race COUNT`: waits for a line on stdin, then starts COUNT runs at once and prints how many
were accepted. Tells what it did as JSON lines on stdout.
"""

import asyncio
import json
import sys

from dbos import DBOS

from housecall.app import open_app
from housecall.chat.runs import NewQuestion
from housecall.errors import LimitReached
from housecall.events import EventSink, Happening
from housecall.settings import load_settings
from housecall.turn import Outcome, Stop, Turn


class TwoSteps:
    """Answers in two durable steps, as an agent with two model requests does. `hangs`: never finishes the second."""

    def __init__(self, *, hangs: bool) -> None:
        self.hangs = hangs

    async def answer(self, turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
        if turn.query == "outside steps":
            return await self._outside(sink)

        async def first() -> str:
            await sink.report(Happening("message", "First. "))
            await sink.report(Happening("tool_call", "{}", {"call_id": "c1", "status": "start"}))
            await sink.flush()
            return "done"

        async def second() -> str:
            await sink.report(Happening("message", "Sec"))
            await sink.flush()
            await self._maybe_hang()
            await sink.report(Happening("message", "ond."))
            await sink.flush()
            return "done"

        await DBOS.run_step_async({"name": "first"}, first)
        await sink.report(Happening("tool_call", "{}", {"call_id": "c1", "status": "end"}))
        await DBOS.run_step_async({"name": "second"}, second)
        return Outcome("succeeded", None)

    async def _outside(self, sink: EventSink) -> Outcome:
        await sink.report(Happening("message", "Half"))
        await sink.flush()
        await self._maybe_hang()
        await sink.report(Happening("message", " and whole."))
        return Outcome("succeeded", None)

    async def _maybe_hang(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


def tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def main() -> None:
    async with open_app(load_settings(), answerer=TwoSteps(hangs=True)) as app:
        match sys.argv[1:]:
            case ["ask", query]:
                started = await app.runs.start(NewQuestion(app.root.account_id, app.root.user_id, query))
                tell(run_id=started.run_id, process_id=app.runs.process_id)
                await asyncio.to_thread(sys.stdin.readline)
            case ["race", count]:
                tell(ready=True)
                await asyncio.to_thread(sys.stdin.readline)
                question = NewQuestion(app.root.account_id, app.root.user_id, "hello")
                starts = (app.runs.start(question) for _ in range(int(count)))
                results = await asyncio.gather(*starts, return_exceptions=True)
                refused = [result for result in results if isinstance(result, LimitReached)]
                tell(accepted=len(results) - len(refused), refused=len(refused))
                await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main())
