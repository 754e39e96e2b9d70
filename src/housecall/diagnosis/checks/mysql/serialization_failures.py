"""Transactions that the server ended because another had changed what they read: certification and snapshot conflicts.

Why it matters: each is an error in the application and work done twice; with a hot row most of the work is thrown away.
How to fix: retry on these errors (1213, 1020, 3101); send the changes of one table to one node; shorten transactions.
Cannot see: on MariaDB without Galera nothing counts them.
Source: Galera manual, wsrep_local_cert_failures and wsrep_local_bf_aborts; MySQL manual, errors 1020 and 3101. Ten an
hour is our line between an accident and a habit.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, measured, uptime_seconds, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import StatementError, StatusCounter, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.serialization_failures",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Serialization failures", "事务冲突回滚"),
    thresholds=[
        Threshold("notice_per_hour", 10.0, "counted over at least one hour"),
        Threshold("warning_per_hour", 120.0, "two a minute: people see these errors"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{failures:count} transaction{failures:|s} {failures:was|were} ended by a conflict with another within"
    " {seconds:duration} ({rate:number} an hour).",
    "{seconds:duration} 内有 {failures:count} 个事务因冲突被终止（每小时 {rate:number} 个）。",
)
_COUNTERS = ("wsrep_local_cert_failures", "wsrep_local_bf_aborts")
_ERRORS = (1020, 3101)
_DEADLOCK = 1213


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    isolation = variable(now, "transaction_isolation") or variable(now, "tx_isolation")
    wanted = (*_ERRORS, _DEADLOCK) if isolation == "SERIALIZABLE" else _ERRORS
    failures = _failures(now, wanted)
    seconds = uptime_seconds(now)
    rate = failures / max(1.0, seconds / 3600.0)
    if rate < limits["notice_per_hour"]:
        return
    window = failures - _failures(earlier, wanted) if earlier else 0.0
    severity = Severity.WARNING if rate >= limits["warning_per_hour"] or window > 0 else Severity.NOTICE
    yield Finding(
        CHECK.id, CHECK.item, severity, "server", "server",
        _MESSAGE(failures=failures, seconds=seconds, rate=rate),
        measured(
            StatusCounter,
            certification_failures=(counter(now, _COUNTERS[0]), "count"),
            aborted_by_another_node=(counter(now, _COUNTERS[1]), "count"),
            certification_failures_in_the_window=(in_window(now, earlier, _COUNTERS[0]), "count"),
        )
        + measured(StatementError, all_conflicts=(failures, "count"), conflicts_per_hour=(round(rate, 1), "per hour"))
        + measured(Variable, isolation=(isolation, "text")),
        details={
            "failures": failures, "rate": rate, "window": window, "isolation": isolation, "seconds": seconds,
            "cluster": counter(now, _COUNTERS[0]) is not None,
        },
    )  # fmt: skip


def _failures(now: Snapshot, wanted: tuple[int, ...]) -> float:
    errors = now.get(StatementError)
    told = () if isinstance(errors, Unavailable) else errors
    raised = sum(row.raised for row in told if row.number in wanted)
    return float(raised + sum(counter(now, name) or 0.0 for name in _COUNTERS))
