"""Deadlocks: transactions that waited for each other, of which the server ended one.

Why it matters: each is an error in the application and work done twice.
How to fix: lock rows and tables in the same order everywhere; retry on SQLSTATE 40P01; shorten transactions.
Cannot see: which statements: only the server's log tells (log_lock_waits helps); deadlocks before the last reset.
Source: PostgreSQL manual, "Deadlocks"; see also check_pgactivity. One an hour is our line between an accident and a
habit.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.wording import Say

CHECK = Check(
    id="postgresql.deadlocks",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Deadlocks", "死锁"),
    thresholds=[
        Threshold("warning_per_hour", 1.0, "counted over at least one hour, so that one yesterday is no alarm"),
        Threshold("notice_per_hour", 1 / 24, "one a day; rarer ones are accidents"),
    ],
)

_MESSAGE = Say(
    "{deadlocks:count} deadlock{deadlocks:|s} in database {database} within {seconds:duration}"
    " ({rate:number} an hour).",
    "数据库 {database} 在 {seconds:duration} 内发生 {deadlocks:count} 次死锁（每小时 {rate:number} 次）。",
)
_READING = "transaction_counters"
_HOUR = 3600.0


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    before = {row.database: row for row in earlier.rows(TransactionCounters)} if earlier else {}
    for row in now.rows(TransactionCounters):
        if row.deadlocks <= 0:
            continue
        known = before.get(row.database)
        in_window = row.deadlocks - known.deadlocks if known and earlier else 0
        rate = row.deadlocks / max(1.0, row.statistics_seconds / _HOUR)
        severity = Severity.WARNING if in_window > 0 else _severity(rate, limits)
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=severity,
            object=row.database,
            object_kind="database",
            message=_MESSAGE(deadlocks=row.deadlocks, database=row.database, seconds=row.statistics_seconds, rate=rate),
            evidence=(
                Evidence("deadlocks", row.deadlocks, "deadlocks", _READING),
                Evidence("counted_over", round(row.statistics_seconds), "seconds", _READING),
                Evidence("deadlocks_per_hour", round(rate, 2), "per hour", _READING),
                Evidence("in_the_window", in_window, "deadlocks", _READING),
                Evidence("reset_known", row.reset_known, "flag", _READING),
            ),
            details={
                "deadlocks": row.deadlocks,
                "seconds": row.statistics_seconds,
                "rate": rate,
                "in_window": in_window,
                "is_current": row.is_current,
            },
        )


def _severity(rate: float, limits: Limits) -> Severity:
    if rate >= limits["warning_per_hour"]:
        return Severity.WARNING
    return Severity.NOTICE if rate >= limits["notice_per_hour"] else Severity.INFO
