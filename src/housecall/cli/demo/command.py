"""The `demo` command: its options, and the signals that end it."""

import contextlib
import signal
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from housecall.cli.failures import FAILED, STOPPED
from housecall.cli.loading import ending_signals, language_for, settings_for_command
from housecall.cli.output import console


class DemoEngine(StrEnum):
    """The servers that a demo can be shown on."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    MARIADB = "mariadb"


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the answer.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep the built shop, so that the next start takes seconds.")
    ] = True,
    engine: Annotated[
        DemoEngine, typer.Option("--engine", help="What the shop runs on: postgresql, mysql or mariadb.")
    ] = DemoEngine.POSTGRESQL,
    language: Annotated[
        str | None, typer.Option("--language", metavar="TAG", help="Ask and answer in: en, zh-CN.")
    ] = None,
) -> None:
    """Show Housecall on a shop whose database is ill in six ways. Needs nothing and touches nothing of yours.

    The PostgreSQL comes with Housecall; MySQL and MariaDB must be on this machine.

    Exit code: 0 when the answer came.
    """
    from housecall.cli.demo.show import Demo

    settings = settings_for_command()
    course = Demo(
        settings, console(), once=once, keep=keep, language=language_for(settings, language), engine=engine.value
    )
    with _ended_by_signals():
        try:
            course.run()
        except KeyboardInterrupt:
            raise typer.Exit(STOPPED) from None
    raise typer.Exit(0 if course.answered else FAILED)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Every signal that ends a process ends this one as Ctrl-C does, so that it cleans up behind itself."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in ending_signals()}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
