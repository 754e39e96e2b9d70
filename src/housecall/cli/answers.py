"""An answer on its way to a person: Markdown that grows on a terminal, plain text elsewhere.

Both take the happenings of a run one by one. On a terminal, finished blocks are printed for good and the unfinished one
is shown below them, so that nothing that was read moves.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from housecall.cli.markdown import Blocks
from housecall.events import Happening

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

CODE_THEME = "ansi_dark"
"""Pygments' theme in the terminal's own colours, readable on dark and light grounds."""


class AnswerView(Protocol):
    """Where an answer is shown. Used in a `with` block, whose end shows what is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def text(self, delta: str) -> None:
        """More of the answer."""

    def note(self, words: str, *, lasting: bool = True) -> None:
        """Something beside the answer; one that is not lasting is gone when anything follows."""

    def start_again(self) -> None:
        """The text so far is void."""


def show(view: AnswerView, happening: Happening) -> None:
    """Show one happening. Usage, documents and thinking are not shown."""
    if happening.name == "message":
        view.text(happening.answer)
    elif happening.name == "message_replace":
        view.start_again()
        view.text(happening.answer)
    elif happening.name == "tool_call":
        _show_call(view, happening)


def _show_call(view: AnswerView, happening: Happening) -> None:
    fields = happening.fields
    name = str(fields.get("tool_name") or "tool")
    if fields.get("status") == "start":
        view.note(f"{name} ...", lasting=False)
    else:
        milliseconds = fields.get("elapsed_ms")
        took = f" ({float(milliseconds) / 1000:.1f} s)" if milliseconds is not None else ""
        view.note(f"{name} {'failed' if fields.get('status') == 'error' else 'done'}{took}")


def view_for(console: "Console") -> AnswerView:
    return TerminalAnswer(console) if console.is_terminal else PlainAnswer()


class PlainAnswer:
    """The text as it is, at once; notes are left out, so that a pipe gets the answer and nothing else."""

    def __enter__(self) -> Self:
        self._at_line_start = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._at_line_start:
            print(flush=True)

    def text(self, delta: str) -> None:
        if delta:
            print(delta, end="", flush=True)
            self._at_line_start = delta.endswith("\n")

    def note(self, words: str, *, lasting: bool = True) -> None:
        pass

    def start_again(self) -> None:
        print("\n[The text so far is void. The answer starts again.]\n", flush=True)


class TerminalAnswer:
    """Markdown with highlighted SQL."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._console = console
        self._blocks = Blocks()
        self._live = Live(console=console, transient=True, refresh_per_second=12)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._print(self._blocks.end())
        self._live.stop()

    def text(self, delta: str) -> None:
        self._print(self._blocks.feed(delta))
        self._live.update(_markdown(self._blocks.rest))

    def note(self, words: str, *, lasting: bool = True) -> None:
        from rich.text import Text

        if lasting:
            self._print(self._blocks.end())
            self._console.print(Text(f"· {words}", style="dim"))
        self._live.update(Text("" if lasting else f"· {words}", style="dim"))

    def start_again(self) -> None:
        self._print(self._blocks.end())
        self.note("The text so far is void. The answer starts again.")

    def _print(self, finished: str) -> None:
        if finished.strip():
            self._live.update("")
            self._console.print(_markdown(finished))
            self._console.print()


def _markdown(text: str) -> "RenderableType":
    from rich.markdown import Markdown

    return Markdown(text, code_theme=CODE_THEME)
