"""Statements as findings show them, on every engine."""


def one_line(text: str | None, max_letters: int = 160) -> str | None:
    """A statement on one line, cut with an ellipsis; None stays None."""
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= max_letters else line[: max_letters - 1] + "…"
