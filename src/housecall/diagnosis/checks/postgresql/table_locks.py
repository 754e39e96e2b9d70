"""Whole tables that a session keeps locked by LOCK TABLE.

Why it matters: every writer of the table waits until the transaction ends, with ACCESS EXCLUSIVE every reader too;
row locks would have made only the rows wait.
How to fix: end the transaction that holds it; in the application lock rows (SELECT ... FOR UPDATE) or use an advisory
lock, and keep what must lock a table short.
Cannot see: which statement took an ACCESS EXCLUSIVE lock when the session has run others since: DDL and TRUNCATE take
it too.
Source: PostgreSQL manual, "Table-Level Locks".
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import one_line
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.sessions import TableLock
from housecall.wording import Say

CHECK = Check(
    id="postgresql.table_locks",
    item="lock_wait_deadlock_analysis",
    severity=Severity.NOTICE,
    title=Say("Tables locked as a whole", "整表被锁"),
    thresholds=[
        Threshold("notice_seconds", 5.0, "an open transaction with such a lock; a batch that needs it is done sooner"),
    ],
)
_HELD = Say(
    "Session pid {pid} holds {mode} on all of {table} for {seconds:duration}; {waiting:count} session{waiting:|s}"
    " {waiting:waits|wait} for the table.",
    "会话 pid {pid} 对整张表 {table} 持有 {mode} 已 {seconds:duration}；有 {waiting:count} 个会话在等待该表。",
)
_LOCK = re.compile(r"\block\s+(?:table\s+)?(?!timeout)", re.I)
_ONLY_BY_LOCK = {"ExclusiveLock", "ShareRowExclusiveLock"}
"""Modes that statements of an application take by LOCK TABLE alone; triggers and refreshes of materialized views
take them for a moment."""
_SCHEMA_CHANGE = re.compile(r"^\s*(?:create|alter|drop|truncate|reindex|cluster|vacuum|refresh|comment)\b", re.I)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(TableLock):
        if not is_explicit(row):
            continue
        name, seconds = table_name(row.schema_name, row.table_name), row.transaction_seconds or 0.0
        lasts = row.waiting > 0 or seconds >= limits["notice_seconds"]
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE if lasts else Severity.INFO, name, "table",
            _HELD(pid=row.pid, mode=row.mode, table=name, seconds=seconds, waiting=row.waiting),
            measured(
                TableLock,
                pid=(row.pid, "pid"),
                mode=(row.mode, "text"),
                waiting_sessions=(row.waiting, "sessions"),
                transaction_open=(round(seconds, 1), "seconds"),
                statement=(one_line(row.statement), "text"),
            ),
            details={
                "pid": row.pid, "table": name, "mode": row.mode, "waiting": row.waiting, "state": row.state,
                "user": row.user_name, "statement": one_line(row.statement), "transaction_seconds": seconds,
            },
            identity=f"{name} {row.mode} {row.user_name}",
        )  # fmt: skip


def is_explicit(row: TableLock) -> bool:
    """Whether LOCK TABLE took it: by the session's statement, or by a mode that nothing else keeps."""
    statement = row.statement or ""
    if _SCHEMA_CHANGE.match(statement):
        return False
    return row.mode in _ONLY_BY_LOCK or _LOCK.search(statement) is not None
