"""`doctor`: is this set-up sound? One line a fact: well, to be looked at, or not working, with what to do."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import typer

from housecall.cli.failures import CLEAN, FOUND
from housecall.cli.loading import run_in_loop, settings_for_command
from housecall.cli.options import DsnOption, JsonOption
from housecall.cli.output import console, print_json
from housecall.cli.targets import Choice, choose

if TYPE_CHECKING:
    from housecall.cli.symptoms import Line
    from housecall.settings import Settings

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(dsn: DsnOption = None, as_json: JsonOption = False) -> None:
    """Check this set-up: versions, home, state store, grants and extensions of every instance, model.

    With --dsn that server is checked in place of state store and instances.

    Exit code: 0 when all works, 1 when a line says fail.
    """
    lines = run_in_loop(_examine_all(settings_for_command(), choose(None, dsn), quiet=as_json))
    if as_json:
        print_json({"lines": [{"level": line.level, "what": line.what, "remedy": line.remedy} for line in lines]})
    raise typer.Exit(FOUND if any(line.level == "fail" for line in lines) else CLEAN)


async def _examine_all(settings: "Settings", choice: Choice, *, quiet: bool) -> "list[Line]":
    lines = []
    async for line in _lines(settings, choice):
        lines.append(line)
        if not quiet:
            _print(line)
    return lines


async def _lines(settings: "Settings", choice: Choice) -> "AsyncIterator[Line]":
    from housecall.cli import symptoms

    for line in symptoms.of_programs():
        yield line
    if choice.dsn is not None:
        async for line in symptoms.of_dsn(settings, choice.dsn):
            yield line
    else:
        for line in symptoms.of_home(settings):
            yield line
        async for line in symptoms.of_installation(settings):
            yield line
    yield await symptoms.of_model(settings)


def _print(line: "Line") -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=4, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(line.level, style=STYLES[line.level]), Text(line.what))
    if line.remedy:
        grid.add_row("", Text(f"→ {line.remedy}", style="dim"))
    console().print(grid)
