"""What most commands begin with: settings, the language of the text, and an event loop."""

import signal
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from housecall.cli.failures import FAILED
from housecall.errors import RequestError, SetupError

if TYPE_CHECKING:
    from housecall.settings import Settings
    from housecall.wording import Language

ResultT = TypeVar("ResultT")

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LOG_LEVELS = ("debug", "info", "warning", "error")


def settings_for_command(*, serves: bool = False, **overrides: Any) -> "Settings":
    """The settings, and logging to stderr: of a command warnings and errors, of a server what its setting says.

    Raises SetupError for a setting that cannot be read.
    """
    import logging
    import os

    from housecall.settings import load_settings

    settings = load_settings(**overrides)
    level = settings.log_level.lower()
    if level not in LOG_LEVELS:
        raise SetupError(f"HOUSECALL_LOG_LEVEL={settings.log_level!r} is not one of {', '.join(LOG_LEVELS)}")
    logging.basicConfig(level=(level if serves or level != "info" else "warning").upper(), format=LOG_FORMAT)
    if level != "debug":
        logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells each of its plugins at every start
    os.environ.setdefault("PYDANTIC_AI_NO_BANNER", "1")  # it would stand in the middle of the first answer
    return settings


def language_for(settings: "Settings", tag: str | None) -> "Language":
    """The language that an option or the settings name, else English. Raises RequestError for one not spoken."""
    from housecall.wording import DEFAULT_LANGUAGE, LANGUAGES, language_of_tag

    if tag and language_of_tag(tag) is None:
        raise RequestError(f"Language '{tag}' is not spoken; choose one of {', '.join(LANGUAGES)}")
    return language_of_tag(tag) or language_of_tag(settings.language) or DEFAULT_LANGUAGE


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals that end a command: Ctrl-C, kill, and a closed terminal unless nohup wants that ignored."""
    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hangup)


def run_in_loop(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run to the end. A signal cancels the work, once, so that what it opened is closed; then the command exits."""
    import asyncio

    received: list[int] = []

    async def until_signalled() -> ResultT:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def cancel(number: int) -> None:
            if not received:
                task.cancel()
            received.append(number)

        for each in ending_signals():
            loop.add_signal_handler(each, cancel, each.value)
        return await work

    try:
        return asyncio.run(until_signalled())
    except asyncio.CancelledError:
        raise typer.Exit(128 + received[0] if received else FAILED) from None
