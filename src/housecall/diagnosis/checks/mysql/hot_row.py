"""One row that many sessions want to change at the same time.

Why it matters: changes of one row run one after the other, so adding clients only makes the queue longer.
How to fix: shorten the transaction around the change, spread the row over several, or collect changes and apply them
in batches.
Cannot see: queues that form and vanish between the looks; without performance_schema on MySQL which row it is.
Source: MySQL manual, "InnoDB Locking"; the count of waiters is our proposal.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._hot_rows import MAX_WAIT_SECONDS, MIN_WAITERS, hot_rows
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import LockWait, Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.hot_row",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Hot row", "热点行"),
    thresholds=[
        Threshold("min_waiters", MIN_WAITERS, "average over the looks; fewer is ordinary concurrency"),
        Threshold(
            "max_wait_seconds", MAX_WAIT_SECONDS, "who waits longer waits for one holder, which is to blame then"
        ),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "On average {waiters:number} sessions wait to change the same row of {table}; its holders change all the time.",
    "平均有 {waiters:number} 个会话在等待修改 {table} 的同一行，持锁者不断更替。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(Session)
    for row in hot_rows(now, earlier):
        if row.waiters >= limits["min_waiters"] and row.longest_seconds < limits["max_wait_seconds"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.WARNING, row.table, "table",
                _MESSAGE(waiters=row.waiters, table=row.table),
                measured(
                    LockWait if row.row is not None else Session,
                    average_waiters=(round(row.waiters, 1), "count"),
                    most_waiters=(row.most_waiters, "count"),
                    different_holders=(row.holders, "count"),
                    longest_wait=(row.longest_seconds, "seconds"),
                    key_of_the_row=(row.row, "text"),
                    statement=(row.statement, "text"),
                ),
                details={
                    "waiters": row.waiters, "holders": row.holders, "row": row.row, "statement": row.statement,
                    "looks": len(now.samples), "longest_seconds": row.longest_seconds,
                },
            )  # fmt: skip
