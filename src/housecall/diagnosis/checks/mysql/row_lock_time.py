"""How long statements wait for row locks on average.

Why it matters: time in the queue for a row is time that no index and no memory makes shorter.
How to fix: shorter transactions, an index for the condition of each update, the change of a much wanted row last.
Cannot see: which rows; the sessions that wait at the moment are reported by their queue.
Source: MySQL manual, Innodb_row_lock_time and Innodb_row_lock_waits; 50 ms is MySQLTuner's users' practice.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, measured, uptime_seconds
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.row_lock_time",
    item="lock_wait_deadlock_analysis",
    severity=Severity.NOTICE,
    title=Say("Time in row lock waits", "行锁等待时间"),
    thresholds=[
        Threshold("average_seconds", 0.05, "longer than a usual transaction: somebody holds rows for too long"),
        Threshold("min_waits", 100, "an average of a few waits is one accident"),
        Threshold("min_share", 0.01, "of one session's time since the start; less is noise"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{waits:count} row lock waits took {average:duration} on average, {window:count} of them while we looked.",
    "共 {waits:count} 次行锁等待，平均 {average:duration}，其中检查期间 {window:count} 次。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    waits, total_ms = counter(now, "Innodb_row_lock_waits") or 0.0, counter(now, "Innodb_row_lock_time") or 0.0
    if waits < limits["min_waits"]:
        return
    average, share = total_ms / 1000 / waits, total_ms / 1000 / max(1.0, uptime_seconds(now))
    if average < limits["average_seconds"] or share < limits["min_share"]:
        return
    window = in_window(now, earlier, "Innodb_row_lock_waits") or 0.0
    yield Finding(
        CHECK.id, CHECK.item, Severity.NOTICE if window else Severity.INFO, "server", "server",
        _MESSAGE(waits=waits, average=average, window=window),
        measured(
            StatusCounter,
            waits=(waits, "count"),
            average_wait=(average, "seconds"),
            longest_wait=((counter(now, "Innodb_row_lock_time_max") or 0.0) / 1000, "seconds"),
            in_the_window=(window, "count"),
        ),
        details={"waits": waits, "average": average, "window": window},
    )  # fmt: skip
