"""One row that many sessions want to change at the same time, or one advisory lock that all of them take.

Why it matters: changes of one row, and work under one lock, run one after the other, so adding clients only makes
the queue longer.
How to fix: shorten the transaction around the change, spread the row over several, or collect changes and apply them
in batches.
Cannot see: queues that form and vanish between the samples.
Source: PostgreSQL manual, "Explicit Locking" (row-level locks); the count of waiters is our proposal.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import HOT_ROW_MIN_WAITERS, hot_rows
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.hot_row",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Hot row", "热点行"),
    thresholds=[
        Threshold("min_waiters", HOT_ROW_MIN_WAITERS, "average over the samples; fewer is ordinary concurrency"),
    ],
    needs_window=True,
)

_MESSAGE = Say(
    "On average {waiters:number} sessions wait to change the same row of {table}; its holders change all the time.",
    "平均有 {waiters:number} 个会话在等待修改 {table} 的同一行，持锁者不断更替。",
)
_ADVISORY = Say(
    "On average {waiters:number} sessions wait for advisory lock {key}; its holders change all the time.",
    "平均有 {waiters:number} 个会话在等待 advisory 锁 {key}，持锁者不断更替。",
)
_READING = "sessions"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    for row in hot_rows(now):
        if row.waiters < limits["min_waiters"]:
            continue
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=Severity.WARNING,
            object=row.relation or f"advisory lock {row.row}",
            object_kind="table" if row.relation else "server",
            message=_MESSAGE(waiters=row.waiters, table=row.relation)
            if row.relation
            else _ADVISORY(waiters=row.waiters, key=row.row),
            evidence=(
                Evidence("average_waiters", round(row.waiters, 1), "sessions", _READING),
                Evidence("most_waiters", row.most_waiters, "sessions", _READING),
                Evidence("different_holders", row.holders, "sessions", _READING),
                Evidence("longest_wait", round(row.longest_seconds, 3), "seconds", _READING),
                Evidence("row_version", row.row, "text", _READING),
                Evidence("statement", row.statement, "text", _READING),
            ),
            details={
                "advisory_key": None if row.relation else row.row,
                "waiters": row.waiters,
                "holders": row.holders,
                "longest_seconds": row.longest_seconds,
                "statement": row.statement,
                "samples": len(now.samples),
            },
        )
