"""Reads an attachment of any supported kind: looks at its beginning, chooses the parser, gives one digest."""

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from housecall.advisor.plan import Plan
from housecall.attachments.digest import ContentKind, Digest, LogSums
from housecall.attachments.lines import Lines
from housecall.attachments.mysql_logs import ERROR_LINE, ErrorLog, SlowLog
from housecall.attachments.mysql_plan_text import holds_mysql_plan, read_mysql_plan
from housecall.attachments.mysql_tree_text import is_tree_line, read_mysql_tree
from housecall.attachments.plan_text import MAX_PLAN_CHARACTERS, read_plan
from housecall.attachments.postgresql_logs import LINE, CsvLog, JsonLog, PlainLog
from housecall.errors import RequestError
from housecall.turn import Attachment

HEAD_LINES = 200
EXCERPT_CHARACTERS = 24_000

_PLAN_LINE = re.compile(r"\(cost=\d+\.\d+\.\.\d+\.\d+ rows=\d+ width=\d+\)|\(actual time=\d+\.\d+\.\.")
_CSV_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^,]{1,40},(?:\"[^\"]*\")?,(?:\"[^\"]*\")?,\d*,")
_SLOW_LINE = re.compile(r"# (?:Query_time: |User@Host: |Time: )")
_READERS: Mapping[str, Callable[[str], Plan]] = {
    "EXPLAIN in JSON": read_plan,
    "EXPLAIN in text": read_plan,
    "EXPLAIN in JSON of MySQL or MariaDB": read_mysql_plan,
    "EXPLAIN as a tree of MySQL": read_mysql_tree,
}


class LogParser(Protocol):
    """A parser of one way of writing a log."""

    unread: int

    def feed(self, lines: list[str]) -> None: ...

    def finish(self) -> None: ...


class AttachmentReader:
    """Takes the content piece by piece, in order; `finish` gives what was found. Its name tells SQL and CSV apart."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines = Lines()
        self._head: list[str] = []
        self._sums: LogSums | None = None
        self._parser: LogParser | None = None
        self._kind: ContentKind | None = None
        self._form = ""
        self._kept: list[str] = []
        self._kept_characters = 0
        self._count = 0

    def feed(self, piece: bytes) -> None:
        self._take(list(self._lines.feed(piece)))

    def finish(self) -> Digest:
        self._take(list(self._lines.finish()))
        if self._kind is None:
            self._choose()
        if self._parser is not None and self._sums is not None:
            self._parser.finish()
            return self._digest(log=self._sums)
        return self._digest()

    def _take(self, lines: list[str]) -> None:
        self._count += len(lines)
        if self._kind is None:
            self._head.extend(lines)
            if len(self._head) < HEAD_LINES and sum(map(len, self._head)) < 1_000_000:
                return
            self._choose()
            return
        self._pass_on(lines)

    def _pass_on(self, lines: list[str]) -> None:
        if self._parser is not None:
            self._parser.feed(lines)
            return
        most = MAX_PLAN_CHARACTERS if self._kind == "plan" else EXCERPT_CHARACTERS
        for line in lines:
            if self._kept_characters > most:
                return
            self._kept.append(line)
            self._kept_characters += len(line) + 1

    def _choose(self) -> None:
        self._kind, self._form = kind_of_lines(self._head, self._name)
        if self._kind in ("postgresql_log", "mysql_slow_log", "mysql_error_log"):
            self._sums = LogSums("postgresql" if self._kind == "postgresql_log" else "mysql")
            parsers: dict[str, type[LogParser]] = {
                "PostgreSQL csvlog": CsvLog, "PostgreSQL jsonlog": JsonLog, "PostgreSQL log": PlainLog,
                "slow log": SlowLog, "error log": ErrorLog,
            }  # fmt: skip
            self._parser = parsers[self._form](self._sums)  # type: ignore[call-arg]
        head, self._head = self._head, []
        self._pass_on(head)

    def _digest(self, log: LogSums | None = None) -> Digest:
        assert self._kind is not None
        kind, plan, trouble = self._kind, None, None
        if kind == "plan":
            try:
                plan = _READERS[self._form]("\n".join(self._kept))
            except RequestError as error:
                kind, trouble = "text", error.message
        return Digest(
            kind=kind,
            form=self._form,
            size_bytes=self._lines.bytes_read,
            lines=self._count,
            lines_cut=self._lines.lines_cut,
            unread_lines=self._parser.unread if self._parser is not None else 0,
            log=log.facts() if log is not None else None,
            plan=plan,
            excerpt="\n".join(self._kept)[:EXCERPT_CHARACTERS],
            trouble=trouble,
        )


def kind_of_lines(lines: list[str], name: str) -> tuple[ContentKind, str]:
    """What a text is by its first lines, and the name of its form."""
    counts = {
        "json": sum(line.startswith("{") and '"error_severity"' in line for line in lines),
        "csv": sum(_CSV_LINE.match(line) is not None for line in lines),
        "slow": sum(_SLOW_LINE.match(line) is not None for line in lines),
        "error": sum(ERROR_LINE.match(line) is not None for line in lines),
        "plain": sum(_is_plain(line) for line in lines),
    }
    if counts["json"]:
        return "postgresql_log", "PostgreSQL jsonlog"
    if counts["csv"]:
        return "postgresql_log", "PostgreSQL csvlog"
    if counts["slow"]:
        return "mysql_slow_log", "slow log"
    if counts["error"] and counts["error"] >= counts["plain"]:
        return "mysql_error_log", "error log"
    if counts["plain"]:
        return "postgresql_log", "PostgreSQL log"
    return _plan_or_text(lines, name)


def _is_plain(line: str) -> bool:
    """A line of a PostgreSQL log begins with more than its severity, or it could be any text."""
    found = LINE.match(line)
    return found is not None and any(letter.isdigit() for letter in found["prefix"])


def _plan_or_text(lines: list[str], name: str) -> tuple[ContentKind, str]:
    head = "\n".join(lines)
    if '"Plan"' in head and '"Node Type"' in head:
        return "plan", "EXPLAIN in JSON"
    if holds_mysql_plan(head):
        return "plan", "EXPLAIN in JSON of MySQL or MariaDB"
    if any(is_tree_line(line) for line in lines):
        return "plan", "EXPLAIN as a tree of MySQL"
    if any(_PLAN_LINE.search(line) for line in lines):
        return "plan", "EXPLAIN in text"
    extension = name.rpartition(".")[2].lower()
    if extension == "sql":
        return "sql", "SQL"
    if extension == "csv":
        return "csv", "CSV"
    return (
        ("json", "JSON")
        if extension == "json" or (head.startswith(("{", "[")) and head.rstrip().endswith(("}", "]")))
        else ("text", "text")
    )


async def read_attachment(attachment: Attachment) -> Digest:
    """The digest of an attachment. Parsing runs beside the loop, a piece at a time. Raises NotFound when it is gone."""
    import asyncio

    assert attachment.chunks is not None
    reader = AttachmentReader(attachment.name)
    async for piece in attachment.chunks():
        await asyncio.to_thread(reader.feed, piece)
    return await asyncio.to_thread(reader.finish)
