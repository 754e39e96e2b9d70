"""An answerer that does what its script says, for everything that must hold whoever answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from housecall.events import EventSink, Happening
from housecall.turn import Outcome, Stop, Turn

Script = Callable[[Turn, EventSink, Stop], Awaitable[Outcome]]


@dataclass
class ScriptedAnswerer:
    """Answers by the query: a script of that name, else the default one. Keeps the turns it was asked."""

    scripts: dict[str, Script] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)

    async def answer(self, turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
        self.turns.append(turn)
        return await self.scripts.get(turn.query, say_hello)(turn, sink, stop)


async def say_hello(turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
    for word in ("Hello", ", ", "shop"):
        await sink.report(Happening("message", word))
    await sink.report(Happening("message_end", "", {"input_tokens": 3, "output_tokens": 2, "model": "script"}))
    return Outcome("succeeded", {"said": "hello"}, 3, 2)


async def wait_for_stop(turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
    await sink.report(Happening("message", "Working"))
    await stop.stopped()
    return Outcome("stopped", None)


async def ignore_stop(turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
    await sink.report(Happening("message", "Working"))
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def break_down(turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
    await sink.report(Happening("message", "So far"))
    raise ZeroDivisionError("a bug")
