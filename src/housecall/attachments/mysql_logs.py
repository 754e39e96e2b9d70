"""Parsers of the slow log and the error log of MySQL and MariaDB.

The slow log's header differs by version: times with or without fractions, `Id:` or `# Thread_id:`, extra lines of
MariaDB and Percona Server, no `# Time:` for statements of the same second. What counts is taken from `# Query_time:`.
Sources: MySQL manual, "The Slow Query Log" and "Error Log Output Format"; MariaDB documentation, "Slow Query Log Overview".
"""

# ruff: noqa: E501 - a pattern is read whole

import re
from collections.abc import Iterable

from housecall.attachments.digest import LogSums
from housecall.attachments.statements import MAX_STATEMENT_CHARACTERS, Execution

MAX_PREAMBLE = 300

_TIME_LINE = re.compile(r"# Time: (\S+(?: +\S+)?)")
_NUMBERS = re.compile(r"(Query_time|Lock_time|Rows_sent|Rows_examined): ([\d.]+)")
_SCHEMA = re.compile(r"Schema: (\S*)")
_HEADER = re.compile(
    r"# (?:Time|User@Host|Thread_id|Query_time|Schema|Rows_affected|Bytes_sent|Tmp_tables|Tmp_table_sizes|InnoDB_|Full_scan"
    r"|Filesort|QC_Hit|No InnoDB|Log_slow|Stored[_ ]routine|Priority_queue|Merge_passes|explain|Last_errno|Killed|Tables?_|Pages_"
    r"|administrator command|Start:|Bytes_|Read_)",
)
_BEGINS = ("# Time: ", "# User@Host: ")
_USE = re.compile(r"use\s+[`\"]?([^`\";]+)[`\"]?\s*;\s*$", re.I)
_SET = re.compile(r"SET\s+(?:last_insert_id=\d+,)?(?:insert_id=\d+,)?timestamp=\d+(?:\.\d+)?;\s*$", re.I)
_QUICK = frozenset({"# User@Host:", "# Query_time", "# Thread_id:"})
_ADMINISTRATOR = "# administrator command: "
_START = re.compile(r"\S*(?:mysqld|mariadbd)\S*, Version: |Tcp port: |Time\s+Id\s+Command\s+Argument")


class SlowLog:
    """The slow log: header lines, then a statement of any number of lines."""

    def __init__(self, sums: LogSums) -> None:
        self._sums = sums
        self._at: str | None = None
        self._numbers: dict[str, str] = {}
        self._database: str | None = None
        self._statement: list[str] = []
        self._length = 0
        self.unread = 0

    def feed(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line[:2] == "# " and (line[:12] in _QUICK or _HEADER.match(line)):
                self._header(line)
            elif self._numbers:
                self._text(line)
            elif line and not _START.match(line):
                self.unread += 1

    def finish(self) -> None:
        """The entry that is being read is whole."""
        statement = "\n".join(self._statement).strip().rstrip(";").rstrip()
        if statement and "Query_time" in self._numbers:
            numbers = self._numbers
            self._sums.seen_at(self._at)
            self._sums.statements.add(
                Execution(
                    statement,
                    _number(numbers["Query_time"]),
                    lock_seconds=_number(numbers["Lock_time"]) if "Lock_time" in numbers else None,
                    rows_sent=int(_number(numbers["Rows_sent"])) if "Rows_sent" in numbers else None,
                    rows_examined=int(_number(numbers["Rows_examined"])) if "Rows_examined" in numbers else None,
                    database=self._database,
                )
            )
        self._statement, self._length, self._numbers = [], 0, {}

    def _header(self, line: str) -> None:
        if line.startswith(_ADMINISTRATOR):
            self._text(f"administrator command {line[len(_ADMINISTRATOR) :]}")
            return
        if self._statement and (line.startswith(_BEGINS) or "Query_time" in line):
            self.finish()
        if self._statement:
            return  # a comment of the statement that looks like a header
        if line.startswith("# Time: "):
            at = _TIME_LINE.match(line)
            self._at = at[1] if at else self._at
        elif "Query_time" in line:
            self._numbers.update(_NUMBERS.findall(line))
        elif "Schema: " in line and (schema := _SCHEMA.search(line)) is not None:
            self._database = schema[1] or self._database

    def _text(self, line: str) -> None:
        if not self._statement and len(line) < MAX_PREAMBLE:
            if (used := _USE.match(line)) is not None:
                self._database = used[1].strip()
                return
            if _SET.match(line) or not line.strip():
                return
        if (line[-9:] == " Argument" or "Tcp port: " in line or ", Version: " in line) and _START.match(line):
            return
        if self._length < MAX_STATEMENT_CHARACTERS:
            self._statement.append(line)
            self._length += len(line) + 1


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


ERROR_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d[T ] ?\d{1,2}:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?|\d{6} +\d{1,2}:\d\d:\d\d)"
    r"(?: +(?:0x)?[0-9a-f]+)? +\[(?P<severity>\w+)\](?: \[(?P<code>MY-\d+)\])?(?: \[\w+\])? ?(?P<text>.*)"
)
_SEVERITIES = {"error": "ERROR", "warning": "WARNING", "note": "NOTE", "system": "NOTE", "information": "NOTE"}
_WORTH_NOTE = re.compile(
    r"deadlock|Aborted connection|crash|Access denied|signal|corrupt|recovery|not shutdown normally|semaphore wait",
    re.I,
)


class ErrorLog:
    """The error log. InnoDB's report of a deadlock follows its line without a prefix of its own."""

    def __init__(self, sums: LogSums) -> None:
        self._sums = sums
        self._deadlock: list[str] | None = None
        self._deadlock_at: str | None = None
        self.unread = 0

    def feed(self, lines: Iterable[str]) -> None:
        for line in lines:
            found = ERROR_LINE.match(line)
            if found is not None:
                self._line(found["at"], found["severity"].lower(), found["code"], found["text"])
            elif self._deadlock is not None and len(self._deadlock) < 200:
                self._deadlock.append(line[:500])
            elif "mysqld got signal" in line or "mysqld got exception" in line or "mariadbd got signal" in line:
                self._sums.events.add("ERROR", line, kind="crash")
            elif line.strip():
                self.unread += 1

    def finish(self) -> None:
        """The report of a deadlock that is being read is whole."""
        if self._deadlock is not None:
            kept = [line for line in self._deadlock if line.strip()]
            self._sums.add_deadlock(self._deadlock_at, "\n".join(kept))
            self._deadlock = None

    def _line(self, at: str, severity: str, code: str | None, text: str) -> None:
        of_innodb = "InnoDB: " in text or text.startswith("***")
        if self._deadlock is not None and of_innodb and "eadlock" not in text:
            self._deadlock.append(text.removeprefix("InnoDB: ")[:500])
            return
        self.finish()
        self._sums.seen_at(at)
        level = _SEVERITIES.get(severity, severity.upper())
        is_deadlock = "eadlock" in text and ("detected" in text or "found" in text)
        if is_deadlock:
            self._deadlock, self._deadlock_at = [], at
        if level != "NOTE" or _WORTH_NOTE.search(text):
            self._sums.events.add(
                level,
                text,
                at=at,
                example=f"[{code}] {text}" if code else text,
                kind="deadlock" if is_deadlock else None,
            )
