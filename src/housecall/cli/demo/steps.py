"""The demo's progress: one line a step, with the time it took; a step that fails names its remedy."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from housecall.errors import HousecallError, SetupError

if TYPE_CHECKING:
    from rich.console import Console


class Steps:
    """Prints to a console. On a terminal the running step turns; elsewhere its line is printed when it ends."""

    def __init__(self, console: "Console") -> None:
        self._console = console

    @contextmanager
    def step(self, doing: str, remedy: str) -> Iterator[None]:
        """Do one step. An error that does not say what to do next becomes a SetupError with the remedy."""
        import psycopg
        from asyncmy.errors import MySQLError

        started = time.monotonic()
        try:
            with self._console.status(f"{doing} ..."):
                yield
        except HousecallError:
            self._end(doing, "[red]failed[/red]")
            raise
        except (psycopg.Error, MySQLError, OSError) as error:
            self._end(doing, "[red]failed[/red]")
            raise SetupError(f"{doing}: {' '.join(str(error).split())}. {remedy}") from error
        self._end(doing, f"[dim]{time.monotonic() - started:.1f} s[/dim]")

    def say(self, words: str) -> None:
        """A line that belongs to the step before."""
        self._console.print(f"    {words}", markup=False, style="dim")

    def _end(self, doing: str, how: str) -> None:
        self._console.print(f"  {doing:<66} {how}")
