"""Parsers of PostgreSQL's three ways of writing a log: csvlog, jsonlog and plain text (stderr, any log_line_prefix).

Each takes lines and gives entries to `take`. In plain text an entry is several lines: DETAIL, HINT, CONTEXT and
STATEMENT follow under the same prefix, perhaps between those of other processes, so entries wait until their process
says something else; how many wait is bounded.
Source: PostgreSQL manual, "Error Reporting and Logging".
"""

import csv
import json
import re
from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from housecall.attachments.digest import LogSums
from housecall.attachments.postgresql_entry import MAX_FIELD, Entry, take

MAX_WAITING = 500
MAX_RECORD = 512 * 1024
CSV_LEAST_COLUMNS = 22

_TIME = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[A-Z][A-Za-z_/+\-\d]*| ?[+-]\d\d(?::?\d\d)?)?"
_SEVERITIES = "DEBUG[1-5]|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC"
_PARTS = "DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION|BACKTRACE"
LINE = re.compile(rf"(?P<prefix>[^\t].{{0,400}}?|)\b(?P<word>{_SEVERITIES}|{_PARTS}):  ?(?P<text>.*)", re.S)
_AT = re.compile(_TIME)
_EPOCH = re.compile(r"(?<!\d)(1\d{9}\.\d{3})(?!\d)")
_PID = re.compile(r"\[(\d+)(?:-\d+)?\]|\bpid[=:] ?(\d+)|(?<=[ :(])(\d{2,7})(?=[ :)\]]|$)")
_DATABASE = re.compile(r"\bdb=([^,\s]*)|\bdatabase=([^,\s]*)|(?<![\w.])[\w$-]+@([\w$-]+)(?=[\s:,/]|$)")
_SQLSTATE = re.compile(r"(?<![\w.:-])(?=[0-9A-Z]*\d)([0-9A-Z]{5})(?![\w.:-])")
_WORDS = frozenset({*_SEVERITIES.split("|"), *_PARTS.split("|"), "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5"})
_PART_FIELDS = {"DETAIL": "detail", "HINT": "hint", "CONTEXT": "context", "STATEMENT": "statement", "QUERY": "context"}


class PlainLog:
    """The text that a server writes to stderr or syslog. `unread` counts lines that belong to nothing."""

    def __init__(self, sums: LogSums) -> None:
        self._sums = sums
        self._waiting: OrderedDict[str, Entry] = OrderedDict()
        self._last: tuple[Entry, str] | None = None
        self.unread = 0

    def feed(self, lines: Iterable[str]) -> None:
        for line in lines:
            found = None if line[:1] == "\t" else _taken_apart(line)
            if found is None:
                self._continue(line)
            else:
                self._begin(*found)

    def finish(self) -> None:
        for entry in self._waiting.values():
            take(entry, self._sums)
        self._waiting.clear()

    def _continue(self, line: str) -> None:
        if self._last is None:
            self.unread += bool(line.strip())
            return
        entry, field = self._last
        text = getattr(entry, field)
        if len(text) < MAX_FIELD:
            setattr(entry, field, f"{text}\n{line[1:] if line[:1] == chr(9) else line}")

    def _begin(self, prefix: str, word: str, text: str) -> None:
        found = _AT.match(prefix) or _AT.search(prefix)
        at = found[0] if found else None
        key, database, sqlstate = _session(prefix if found is None else prefix[: found.start()] + prefix[found.end() :])
        if word in _PART_FIELDS or word in ("LOCATION", "BACKTRACE"):
            entry = self._waiting.get(key)
            field = _PART_FIELDS.get(word)
            if entry is None or field is None:
                self._last = None
                return
            before = getattr(entry, field)
            setattr(entry, field, f"{before}\n{text}" if before else text)
            self._last = (entry, field)
            return
        earlier = self._waiting.pop(key, None)
        if earlier is not None:
            take(earlier, self._sums)
        elif len(self._waiting) >= MAX_WAITING:
            take(self._waiting.popitem(last=False)[1], self._sums)
        entry = Entry(word, text, at or _epoch(prefix), key, database, sqlstate)
        self._waiting[key] = entry
        self._last = (entry, "message")


def _taken_apart(line: str) -> tuple[str, str, str] | None:
    """Prefix, word and text of a line that begins something; None: it goes on with what was begun."""
    place = line.find(":  ")
    if 0 < place < 400:
        word = line[:place].rpartition(" ")[2]
        if word in _WORDS:
            return line[: place - len(word)], word, line[place + 3 :]
    found = LINE.match(line)
    return None if found is None else (found["prefix"], found["word"], found["text"])


@lru_cache(maxsize=10_000)
def _session(prefix: str) -> tuple[str, str, str]:
    """Process id, database and SQLSTATE in a prefix without its time: the same through a whole session."""
    pid, database = _PID.search(prefix), _DATABASE.search(prefix)
    return (
        next((each for each in pid.groups() if each), "") if pid else "",
        next((each for each in database.groups() if each), "") if database else "",
        _sqlstate_of(prefix),
    )


def _epoch(prefix: str) -> str | None:
    found = _EPOCH.search(prefix)
    return found[0] if found else None


def _sqlstate_of(prefix: str) -> str:
    """An SQLSTATE (%e) in the prefix: five capitals and digits that stand alone, which a process id may be as well."""
    for found in _SQLSTATE.finditer(prefix):
        if not found[1].isdigit() or found[1] == "00000" or found[1][:2] in ("22", "23", "40", "42", "53", "57"):
            return found[1]
    return ""


class CsvLog:
    """csvlog: 23 columns or more, texts in quotes with line breaks within."""

    def __init__(self, sums: LogSums) -> None:
        self._sums = sums
        self._record: list[str] = []
        self._length = 0
        self._open = False
        self.unread = 0

    def feed(self, lines: Iterable[str]) -> None:
        for line in lines:
            odd = line.count('"') % 2 == 1
            if not self._open and not odd:
                if line:
                    self._take(line)
                continue
            self._record.append(line)
            self._length += len(line) + 1
            if odd:
                self._open = not self._open
            if not self._open or self._length > MAX_RECORD:
                self.finish()

    def finish(self) -> None:
        if self._record:
            record, self._record, self._length, self._open = "\n".join(self._record), [], 0, False
            self._take(record)

    def _take(self, record: str) -> None:
        try:
            row = next(csv.reader([record]), None)
        except csv.Error:
            row = None
        if row is None or len(row) < CSV_LEAST_COLUMNS:
            self.unread += 1
            return
        entry = Entry(
            severity=row[11], message=row[13], at=row[0] or None, pid=row[3], database=row[2], sqlstate=row[12],
            detail=row[14], hint=row[15], context=row[18], statement=row[19],
        )  # fmt: skip
        take(entry, self._sums)


class JsonLog:
    """jsonlog: one object a line."""

    def __init__(self, sums: LogSums) -> None:
        self._sums = sums
        self.unread = 0

    def feed(self, lines: Iterable[str]) -> None:
        for line in lines:
            if not line:
                continue
            try:
                record: Any = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict) or not isinstance(record.get("error_severity"), str):
                self.unread += 1
                continue
            take(_entry_of(record), self._sums)

    def finish(self) -> None:
        """Nothing waits here."""


def _entry_of(record: dict[str, Any]) -> Entry:
    def text(name: str) -> str:
        value = record.get(name)
        return value if isinstance(value, str) else ""

    return Entry(
        severity=text("error_severity"),
        message=text("message"),
        at=text("timestamp") or None,
        pid=str(record.get("pid", "")),
        database=text("dbname"),
        sqlstate=text("state_code"),
        detail=text("detail"),
        hint=text("hint"),
        context=text("context"),
        statement=text("statement"),
    )
