"""XA transactions that were prepared and then neither committed nor rolled back.

Why it matters: they have no session, survive a restart, and keep their row locks and old row versions until somebody
finishes them.
How to fix: ask the transaction manager that owns them which way each must go, then XA COMMIT or XA ROLLBACK.
Cannot see: the owner; which of several names has which age. Commits under way look alike, so youth is no fault.
Source: MySQL manual, "XA Transaction States"; MariaDB manual, "XA Transactions".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.checks.mysql._xa import XaTransaction, transactions
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import DetachedTransaction, PreparedTransaction
from housecall.wording import Say

CHECK = Check(
    id="mysql.prepared_transactions",
    item="connection_session_management",
    severity=Severity.CRITICAL,
    title=Say("Prepared XA transactions", "悬挂的 XA 事务"),
    thresholds=[
        Threshold("notice_seconds", 60.0, "a coordinator needs milliseconds between prepare and commit"),
        Threshold("warning_seconds", 600.0, "ten minutes: the coordinator has lost it"),
        Threshold("critical_seconds", 3600.0, "an hour of locks that nobody will free by himself"),
        Threshold("max_transactions", 5, "the first of XA RECOVER; the total is told"),
    ],
)
_MESSAGE = Say(
    "XA transaction '{name}' is prepared and without a session, for up to {age:duration}; {total:count} such in all.",
    "XA 事务 '{name}' 处于已准备状态且没有会话，最长已 {age:duration}；共 {total:count} 个。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    found = transactions(now)
    for each in found[: int(limits["max_transactions"])]:
        severity = _severity(each, limits)
        if severity is not None:
            yield Finding(
                CHECK.id, CHECK.item, severity, each.name, "prepared_transaction",
                _MESSAGE(name=each.name, age=each.seconds, total=len(found)),
                measured(PreparedTransaction, name=(each.name, "text"), prepared_in_all=(len(found), "count"))
                + measured(
                    DetachedTransaction,
                    oldest_without_session=(each.seconds, "seconds"),
                    rows_locked=(each.rows_locked, "count"),
                ),
                details={**each.details(), "total": len(found)},
            )  # fmt: skip


def _severity(each: XaTransaction, limits: Limits) -> Severity | None:
    if each.seconds is None or each.seconds < limits["notice_seconds"]:
        return None
    if each.seconds >= limits["critical_seconds"]:
        return Severity.CRITICAL
    return Severity.WARNING if each.seconds >= limits["warning_seconds"] else Severity.NOTICE
