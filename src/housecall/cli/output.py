"""Where commands print: tables and text for people, JSON for machines."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


NO_WIDTH = 100_000
MARKDOWN_STYLES = {"markdown.code": "cyan", "markdown.h1": "bold", "markdown.h2": "bold", "markdown.h3": "bold"}
"""Colours without a ground of their own, readable on dark and light terminals."""


def console() -> "Console":
    """Standard output. Names and numbers are not coloured by guess, and what is not a terminal has no width."""
    from rich.console import Console
    from rich.theme import Theme

    width = None if sys.stdout.isatty() else NO_WIDTH
    return Console(highlight=False, width=width, theme=Theme(MARKDOWN_STYLES))


def print_json(value: Any) -> None:
    """One JSON document on standard output, nothing else beside it."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table without lines, so that what is copied from it is what was shown. The first column is never broken."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(table)


def indented(content: "RenderableType", columns: int) -> "RenderableType":
    """The content moved to the right, every line of it."""
    from rich.padding import Padding

    return Padding(content, (0, 0, 0, columns), expand=False)
