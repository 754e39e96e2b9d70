"""Statements that gave up waiting for a row (error 1205).

Why it matters: the application got an error, and unless innodb_rollback_on_timeout is on its transaction is still open
with half of its work.
How to fix: find who holds rows for so long; roll back and retry on 1205; a longer innodb_lock_wait_timeout
only hides it.
Cannot see: who held the row then; who holds one now is reported by its queue.
Source: MySQL manual, "InnoDB Error Handling", innodb_lock_wait_timeout.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._innodb import metric, needed_metric
from housecall.diagnosis.checks.mysql._measured import measured, number, uptime_seconds
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import InnodbMetric, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.lock_wait_timeouts",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Lock wait timeouts", "锁等待超时"),
    thresholds=[
        Threshold("warning_per_hour", 10.0, "people see these errors every few minutes"),
        Threshold("notice_per_hour", 1 / 24, "one a day; rarer ones are accidents"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{timeouts:count} statement{timeouts:|s} gave up waiting for a row after {limit:duration} within"
    " {seconds:duration}, {window:count} while we looked.",
    "{seconds:duration} 内有 {timeouts:count} 条语句等待行锁超过 {limit:duration} 后放弃，检查期间 {window:count} 条。",
)
_HOUR = 3600.0


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    counted, seconds = needed_metric(now, "lock_timeouts"), uptime_seconds(now)
    rate = counted / max(1.0, seconds / _HOUR)
    before = metric(earlier, "lock_timeouts") if earlier else None
    window = max(0.0, counted - before) if before is not None else 0.0
    if rate < limits["notice_per_hour"]:
        return
    limit = number(now, "innodb_lock_wait_timeout")
    severity = Severity.WARNING if rate >= limits["warning_per_hour"] and window else Severity.NOTICE
    yield Finding(
        CHECK.id, CHECK.item, severity, "server", "server",
        _MESSAGE(timeouts=counted, limit=limit, seconds=seconds, window=window),
        measured(
            InnodbMetric,
            timeouts=(counted, "count"),
            timeouts_per_hour=(round(rate, 2), "per hour"),
            in_the_window=(window, "count"),
        )
        + measured(Variable, innodb_lock_wait_timeout=(limit, "seconds")),
        details={"timeouts": counted, "rate": rate, "window": window, "limit": limit},
    )  # fmt: skip
