"""What the end of the server's own log tells, and the processes that a crash starts anew."""

import re
from dataclasses import dataclass

from housecall.engines.engine import Row

_ESCAPED = re.compile(r"(?:\\\d{3}|\\\\)+")
_PIECE = re.compile(r"\\(\d{3}|\\)")


def decoded(text: str | None) -> str | None:
    """A text of the log as it was written: the reading gives bytes outside ASCII as octal escapes."""
    if text is None or "\\" not in text:
        return text
    return _ESCAPED.sub(_bytes_as_text, text)


def _bytes_as_text(found: re.Match[str]) -> str:
    codes = (92 if each == "\\" else int(each, 8) & 255 for each in _PIECE.findall(found[0]))
    return bytes(codes).decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class LogMessage(Row, reading="server_log"):
    """Messages of the log's end that differ in numbers only; `message` is the latest of them.

    One row has no severity: its message is the path of the log that was read (None: there is no file to read), its
    `entries` how many messages of any kind that end holds. `recent` counts the last 15 minutes.
    """

    severity: str | None
    sqlstate: str | None
    message: str | None
    statement: str | None
    detail: str | None
    user_name: str | None
    database: str | None
    occurrences: int
    recent: int
    last_seconds_ago: float | None
    first_seconds_ago: float | None
    span_seconds: float | None
    entries: int


@dataclass(frozen=True, slots=True)
class ServerProcess(Row, reading="process_starts"):
    """When the server, and the youngest of the processes that live as long as it does, were started."""

    server_seconds: float
    youngest_seconds: float | None
    youngest_name: str | None
