"""One entry of a PostgreSQL log, however it was written, and what it adds to the sums."""

# ruff: noqa: E501 - a pattern is read whole

import re
from dataclasses import dataclass

from housecall.attachments.digest import LogSums
from housecall.attachments.events import kind_of
from housecall.attachments.statements import Execution

MAX_FIELD = 64 * 1024


@dataclass(slots=True)
class Entry:
    """Texts as they stand in the log; empty: not there. `sqlstate` "00000" is what the server writes for success."""

    severity: str
    message: str
    at: str | None = None
    pid: str = ""
    database: str = ""
    sqlstate: str = ""
    detail: str = ""
    hint: str = ""
    context: str = ""
    statement: str = ""


_DURATION = re.compile(r"duration: ([\d.]+) ms(?:  (statement|execute|parse|bind|plan|fetch|fastpath[^:]*)[^:]*:\s?)?")
_LOCK_WAIT = re.compile(r"process \d+ (still waiting for|acquired) .* after ([\d.]+) ms")
_TEMPORARY = re.compile(r"temporary file: path .*, size (\d+)")
_WORTH = frozenset({"WARNING", "ERROR", "FATAL", "PANIC"})
_LOG_WORDS = re.compile(
    r"^(?:process \d+ |temporary file: |checkpoints are|archive command|archiving |server process|could not|database system was"
    r"|invalid |unexpected EOF|sorry|out of memory|terminating|autovacuum: found orphan|using stale statistics"
    r"|database system is ready to accept|requested WAL)"
)
_QUIET = re.compile(r"^database system is ready to accept|^database system was shut down at")


def take(entry: Entry, sums: LogSums) -> None:
    """Add an entry to the sums."""
    sums.seen_at(entry.at)
    message = entry.message
    if message.startswith("duration: "):
        _take_duration(entry, sums)
        return
    if entry.severity in _WORTH or (entry.severity == "LOG" and _LOG_WORDS.match(message)):
        _take_event(entry, sums)


def _take_duration(entry: Entry, sums: LogSums) -> None:
    found = _DURATION.match(entry.message)
    if found is None:
        return
    action, seconds = found[2], float(found[1]) / 1000
    if action in ("parse", "bind"):
        sums.steps += 1
        return
    if action is None:
        sql = entry.statement  # log_duration alone, in a csv or JSON log; a stderr log has no text for it
    elif action in ("plan", "fetch") or action.startswith("fastpath"):
        return  # auto_explain tells a statement's plan, and log_min_duration_statement tells its time
    else:
        sql = entry.message[found.end() :]
    if sql:
        sums.statements.add(Execution(sql, seconds, database=entry.database or None))


def _take_event(entry: Entry, sums: LogSums) -> None:
    message = entry.message
    if _QUIET.match(message):
        return
    kind = kind_of(message, entry.sqlstate)
    amount, shown = 0.0, message
    if kind == "temporary_file" and (found := _TEMPORARY.match(message)):
        amount = float(found[1])
    elif kind == "lock_wait" and (found := _LOCK_WAIT.match(message)):
        if found[1] == "acquired":
            amount = float(found[2]) / 1000
    elif kind == "deadlock":
        sums.add_deadlock(entry.at, "\n".join(each for each in (entry.detail, entry.context, entry.statement) if each))
    elif kind == "autovacuum_cancelled" and entry.context:
        shown = f"{message}: {entry.context}"
    if entry.statement and kind not in ("deadlock", "autovacuum_cancelled"):
        shown = f"{message} | {entry.statement}"
    sqlstate = entry.sqlstate if entry.sqlstate not in ("", "00000") else None
    sums.events.add(entry.severity, message, sqlstate=sqlstate, at=entry.at, example=shown, amount=amount, kind=kind)
