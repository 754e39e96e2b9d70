"""Statements and lists of names as findings show them, on every engine."""

from collections.abc import Sequence

MOST_NAMES = 5
"""Names in one sentence; more are counted and not read."""


def one_line(text: str | None, max_letters: int = 160) -> str | None:
    """A statement on one line, cut with an ellipsis; None stays None."""
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= max_letters else line[: max_letters - 1] + "…"


def listed(names: Sequence[str]) -> str:
    """`: a, b` behind a count, the first few of them; nothing for none."""
    more = ", …" if len(names) > MOST_NAMES else ""
    return f": {', '.join(names[:MOST_NAMES])}{more}" if names else ""
