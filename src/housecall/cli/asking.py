"""Asking: with a DSN the agent runs here and keeps nothing; otherwise the question becomes a run of this installation.

This process executes and follows the run. Ctrl-C stops it, and what was written so far stays.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from housecall.cli.answers import AnswerView, show, view_for
from housecall.cli.failures import STOPPED
from housecall.cli.targets import SingleInstance, instance_of_dsn
from housecall.events import Happening

if TYPE_CHECKING:
    from housecall.settings import Settings
    from housecall.turn import ApprovalMode, Stop

__all__ = ["Asked", "Told", "ask_app", "ask_dsn", "view_for"]

LOCAL = "cli"
"""Account and user of a question that is asked of a DSN: there is no store that could know others."""


class Told:
    """What an answer said, collected while it is shown; `view` None collects only."""

    def __init__(self, view: AnswerView | None) -> None:
        self.view: AnswerView = view or Silent()
        self.answer, self.status = "", "failed"
        self.conversation_id = self.message_id = self.run_id = ""
        self.error: str | None = None
        self.calls: list[dict[str, Any]] = []
        self.usage: dict[str, Any] = {}
        self.waiting: list[str] = []

    def take(self, happening: Happening) -> None:
        show(self.view, happening)
        if happening.name == "message":
            self.answer += happening.answer
        elif happening.name == "message_replace":
            self.answer = happening.answer
        elif happening.name == "error":
            self.error = happening.answer
        elif happening.name == "message_end":
            self.usage = dict(happening.fields)
        elif happening.name == "tool_approval" and happening.fields.get("approval_status") == "pending":
            self.waiting.append(str(happening.fields["call_id"]))
        elif happening.name == "workflow_finished":
            self.status = str(happening.fields.get("status"))
        elif happening.name == "tool_call" and happening.fields.get("status") != "start":
            self.calls.append(
                {name: happening.fields.get(name) for name in ("tool_name", "status", "arguments", "elapsed_ms")}
            )

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "answer": self.answer,
            "error": self.error,
            "conversation_id": self.conversation_id or None,
            "message_id": self.message_id or None,
            "task_id": self.run_id or None,
            "tool_calls": self.calls,
            "waiting_calls": self.waiting,
            "usage": self.usage,
        }


class Silent:
    """An AnswerView that shows nothing."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def text(self, delta: str) -> None:
        pass

    def note(self, words: str, *, lasting: bool = True) -> None:
        pass

    def start_again(self) -> None:
        pass


class ToldSink:
    """An EventSink that tells at once; there is no store to flush to."""

    def __init__(self, told: Told) -> None:
        self._told = told

    async def report(self, happening: Happening) -> None:
        self._told.take(happening)

    async def flush(self) -> None:
        pass


async def ask_dsn(settings: "Settings", dsn: str, question: str, language: str | None, told: Told) -> None:
    from uuid import uuid4

    from housecall.agent.agent import build_agent
    from housecall.app import build_engines
    from housecall.turn import Stop, Turn

    engines = build_engines(settings)
    instance = instance_of_dsn(engines, dsn)
    agent = build_agent(settings, engines, SingleInstance(instance))
    run_id = f"{LOCAL}-{uuid4().hex}"
    turn = Turn(
        run_id=run_id, conversation_id=run_id, message_id=run_id, account_id=LOCAL, user_id=LOCAL,
        query=question, language=language, instance_id=instance.id,
    )  # fmt: skip
    stop = Stop()
    with told.view, _on_interrupt(_set(stop)):
        outcome = await agent.answer(turn, ToldSink(told), stop)
        told.take(Happening("workflow_finished", fields={"status": outcome.status}))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the installation, as the options give it. `resume` is the call whose round it goes on with."""

    question: str
    instance_id: str | None = None
    conversation_id: str | None = None
    language: str | None = None
    approval_mode: "ApprovalMode | None" = None
    resume: str | None = None


async def ask_app(settings: "Settings", asked: Asked, told: Told) -> None:
    from housecall.app import open_app
    from housecall.chat.runs import NewQuestion

    async with open_app(settings) as app:
        caller = app.root
        if asked.instance_id is not None:
            await app.instances.get_instance(caller.account_id, asked.instance_id)
        started = await app.runs.start(
            NewQuestion(
                caller.account_id,
                caller.user_id,
                asked.question,
                conversation_id=asked.conversation_id,
                language=asked.language,
                instance_id=asked.instance_id,
                approval_mode=asked.approval_mode,
                inputs={"resume_call_id": asked.resume} if asked.resume else {},
            )
        )
        told.conversation_id, told.message_id, told.run_id = started.conversation_id, started.message_id, started.run_id
        with told.view, _on_interrupt(lambda: app.runs.stop(caller.account_id, started.run_id)):
            async with contextlib.aclosing(app.runs.subscribe(started.run_id)) as events:
                async for event in events:
                    told.take(event.happening)


def _set(stop: "Stop") -> Callable[[], Coroutine[Any, Any, None]]:
    async def set_it() -> None:
        stop.set()

    return set_it


@contextlib.contextmanager
def _on_interrupt(stop: Callable[[], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """Ctrl-C asks the run to stop, and its last words are awaited; a second Ctrl-C ends this process at once."""
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []
    task = asyncio.current_task()
    assert task is not None

    def interrupted() -> None:
        if stopping:
            task.cancel()
        else:
            stopping.append(asyncio.create_task(stop()))

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, interrupted)
    try:
        yield
    except asyncio.CancelledError:
        raise typer.Exit(STOPPED) from None
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
