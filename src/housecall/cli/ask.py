"""`ask`: a question, and its answer as it is written.

With a DSN the agent runs here and keeps nothing. Otherwise the question becomes a run of this installation, which this
process executes and follows. Ctrl-C stops the run, and what was written so far stays.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.answers import AnswerView, show, view_for
from housecall.cli.failures import FAILED, STOPPED
from housecall.cli.loading import language_for, run_in_loop, settings_for_command
from housecall.cli.options import DsnOption, JsonOption
from housecall.cli.output import console, print_json
from housecall.cli.targets import Choice, SingleInstance, choose, instance_of_dsn
from housecall.errors import HousecallError, RequestError
from housecall.events import Happening

if TYPE_CHECKING:
    from housecall.settings import Settings

EXIT_CODES = {"succeeded": 0, "pending_approval": 0, "stopped": STOPPED}
LOCAL = "cli"
"""Account and user of a question that is asked of a DSN: there is no store that could know others."""


def ask(
    question: Annotated[str, typer.Argument(help='The question, such as "Why is the shop slow?"')],
    instance: Annotated[str | None, typer.Option("--instance", "-i", metavar="ID", help="The instance it is about.")] = None,
    dsn: DsnOption = None,
    conversation: Annotated[str | None, typer.Option("--conversation", "-c", metavar="ID", help="Go on with a conversation.")] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="TAG", help="Language of the answer; that of the question by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask about a server; the answer is shown as it is written. With --dsn nothing is registered or kept. Ctrl-C stops it."""
    settings = settings_for_command()
    language_for(settings, language)  # refuse an unknown one before anything is opened
    choice = choose(instance, dsn)
    if not question.strip():
        raise RequestError('The question is empty; ask something, such as: housecall ask "Is anything wrong?"')
    if choice.dsn is not None and conversation:
        raise RequestError("A conversation is kept for registered instances only; register the server with: housecall instance add")
    asking = _ask_dsn if choice.dsn is not None else _ask_app
    told = Told(view_for(console()) if not as_json else None)
    run_in_loop(asking(settings, choice, question, conversation, language, told))
    if as_json:
        print_json(told.to_json())
    elif told.conversation_id and told.status == "succeeded":
        typer.echo(f"Go on with: housecall ask --conversation {told.conversation_id} \"...\"", err=True)
    if told.error is not None and not as_json:
        raise HousecallError(told.error)
    raise typer.Exit(EXIT_CODES.get(told.status, FAILED))


class Told:
    """What an answer said, collected while it is shown; `view` None collects only."""

    def __init__(self, view: AnswerView | None) -> None:
        self.view: AnswerView = view or Silent()
        self.answer, self.status = "", "failed"
        self.conversation_id = self.message_id = self.run_id = ""
        self.error: str | None = None
        self.calls: list[dict[str, Any]] = []
        self.usage: dict[str, Any] = {}

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
        elif happening.name == "workflow_finished":
            self.status = str(happening.fields.get("status"))
        elif happening.name == "tool_call" and happening.fields.get("status") != "start":
            self.calls.append({name: happening.fields.get(name) for name in ("tool_name", "status", "arguments", "elapsed_ms")})

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "answer": self.answer,
            "error": self.error,
            "conversation_id": self.conversation_id or None,
            "message_id": self.message_id or None,
            "task_id": self.run_id or None,
            "tool_calls": self.calls,
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


async def _ask_dsn(
    settings: "Settings", choice: Choice, question: str, conversation: str | None, language: str | None, told: Told
) -> None:
    from uuid import uuid4

    from housecall.agent.agent import build_agent
    from housecall.app import build_engines
    from housecall.turn import Stop, Turn

    assert choice.dsn is not None
    engines = build_engines(settings)
    instance = instance_of_dsn(engines, choice.dsn)
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


async def _ask_app(
    settings: "Settings", choice: Choice, question: str, conversation: str | None, language: str | None, told: Told
) -> None:
    from housecall.app import open_app
    from housecall.chat.runs import NewQuestion

    async with open_app(settings) as app:
        caller = await app.keys.root()
        if choice.instance_id is not None:
            await app.instances.get_instance(caller.account_id, choice.instance_id)
        started = await app.runs.start(
            NewQuestion(
                caller.account_id, caller.user_id, question,
                conversation_id=conversation, language=language, instance_id=choice.instance_id,
            )
        )  # fmt: skip
        told.conversation_id, told.message_id, told.run_id = started.conversation_id, started.message_id, started.run_id
        with told.view, _on_interrupt(lambda: app.runs.stop(caller.account_id, started.run_id)):
            async with contextlib.aclosing(_events(app.runs.subscribe(started.run_id))) as events:
                async for happening in events:
                    told.take(happening)


async def _events(subscription: Any) -> AsyncIterator[Happening]:
    async with contextlib.aclosing(subscription):
        async for event in subscription:
            yield event.happening


def _set(stop: Any) -> Callable[[], Awaitable[None]]:
    async def set_it() -> None:
        stop.set()

    return set_it


@contextlib.contextmanager
def _on_interrupt(stop: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Ctrl-C asks the run to stop, and its last words are awaited; a second Ctrl-C ends this process at once."""
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []
    task = asyncio.current_task()
    assert task is not None

    def interrupted() -> None:
        if stopping:
            task.cancel()
        else:
            stopping.append(asyncio.ensure_future(stop()))  # type: ignore[arg-type]

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, interrupted)
    try:
        yield
    except asyncio.CancelledError:
        raise typer.Exit(STOPPED) from None
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
