"""Transactions that the server ended because another had changed what they read: certification and snapshot conflicts.

Why it matters: each is an error in the application and work done twice; with a hot row most of the work is thrown away.
How to fix: retry on these errors (1213, 1020, 3101); send the changes of one table to one node; shorten transactions.
Cannot see: on MariaDB without Galera nothing counts them; there the latest statements of the connected sessions are
looked through where performance_schema keeps them (not by default), else the errors of UPDATE and DELETE beyond
deadlocks and lock timeouts are taken for them. From MariaDB 11.6.2 on innodb_snapshot_isolation is on by default, and
error 1020 ends what REPEATABLE READ let pass before.
Source: Galera manual, wsrep_local_cert_failures and wsrep_local_bf_aborts; MySQL manual, errors 1020 and 3101; MariaDB
documentation, innodb_snapshot_isolation. Ten an hour is our line between an accident and a habit.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._innodb import metric
from housecall.diagnosis.checks.mysql._measured import counter, in_window, is_on, measured, uptime_seconds, variable
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import not_evaluated
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import FailedStatement, StatementError, StatusCounter, Variable
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Message, Say

CHECK = Check(
    id="mysql.serialization_failures",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Serialization failures", "事务冲突回滚"),
    thresholds=[
        Threshold("notice_per_hour", 10.0, "counted over at least one hour"),
        Threshold("warning_per_hour", 120.0, "two a minute: people see these errors"),
        Threshold(
            "warning_share", 0.01, "of the runs of the statement that fails most: one in a hundred is no accident"
        ),
        Threshold("notice_seen", 3, "of the latest ten statements of each session, where nothing counts: no accident"),
        Threshold("warning_seen", 5, "a session that tried again has pushed its failure out: they go on failing"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{failures:count} transaction{failures:|s} {failures:was|were} ended by a conflict with another within"
    " {seconds:duration} ({rate:number} an hour).",
    "{seconds:duration} 内有 {failures:count} 个事务因冲突被终止（每小时 {rate:number} 个）。",
)
_SEEN = Say(
    "{seen:count} of the latest statements of the connected sessions {seen:was|were} refused, since another transaction"
    " had changed the row that they were to change (error 1020).",
    "当前会话最近执行的语句中有 {seen:count} 条因要修改的行已被其他事务改动而失败（错误 1020）。",
)
_PROBABLY = Say(
    "{failures:count} UPDATE and DELETE statements failed beyond deadlocks and lock timeouts ({rate:number} an hour),"
    " most of them {statement:code}.",
    "除死锁和锁等待超时外，另有 {failures:count} 条 UPDATE 和 DELETE 语句失败（每小时 {rate:number} 条），"
    "最多的是 {statement:code}。",
)
_COUNTERS = ("wsrep_local_cert_failures", "wsrep_local_bf_aborts")
_CHANGE = re.compile(r"(?:UPDATE|DELETE)\b", re.IGNORECASE)
_CHANGED_SINCE_READ = 1020
_ERRORS = (_CHANGED_SINCE_READ, 3101)
_DEADLOCK = 1213


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    counted = list(_counted(now, earlier, limits))
    yield from counted
    if not counted and is_on(now, "innodb_snapshot_isolation"):
        yield from _by_snapshot(now, limits)


def _by_snapshot(now: Snapshot, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    """MariaDB's own kind of conflict, by the errors of the latest statements."""
    failed = now.get(FailedStatement)
    if isinstance(failed, Unavailable):
        yield not_evaluated(CHECK.id, failed, now)
        return
    seen = sum(row.statements for row in failed if row.number == _CHANGED_SINCE_READ)
    if seen >= limits["notice_seen"]:
        severity = Severity.WARNING if seen >= limits["warning_seen"] else Severity.NOTICE
        evidence = measured(FailedStatement, conflicts_of_late_statements=(seen, "count"))
        yield _snapshot_finding(now, severity, _SEEN(seen=seen), evidence, seen)
    elif not failed:
        yield from _by_errors(now, limits)


def _by_errors(now: Snapshot, limits: Limits) -> Iterator[Finding]:
    """What is left of the errors of changes when those that are counted by their kind are taken away."""
    statements = now.get(TopStatement)
    changes = () if isinstance(statements, Unavailable) else [row for row in statements if _CHANGE.match(row.query)]
    if not changes:
        return
    counted = (counter(now, "Innodb_deadlocks") or 0.0) + (metric(now, "lock_timeouts") or 0.0)
    failures = sum(row.errors for row in changes) - counted
    rate = failures / max(1.0, uptime_seconds(now) / 3600.0)
    if rate < limits["notice_per_hour"]:
        return
    worst = max(changes, key=lambda row: row.errors)
    often = rate >= limits["warning_per_hour"] and worst.errors >= limits["warning_share"] * worst.calls
    evidence = measured(
        TopStatement, failed_changes=(failures, "count"), failed_changes_per_hour=(round(rate, 1), "per hour"),
        runs_of_the_worst=(worst.calls, "count"), failures_of_the_worst=(worst.errors, "count"),
    )  # fmt: skip
    message = _PROBABLY(failures=failures, rate=rate, statement=worst.query)
    yield _snapshot_finding(
        now, Severity.WARNING if often else Severity.NOTICE, message, evidence, failures, probable=True
    )


def _snapshot_finding(
    now: Snapshot, severity: Severity, message: Message, evidence: tuple[Evidence, ...], failures: float,
    *, probable: bool = False,
) -> Finding:  # fmt: skip
    isolation = variable(now, "transaction_isolation") or variable(now, "tx_isolation")
    return Finding(
        CHECK.id, CHECK.item, severity, "server", "server", message,
        evidence + measured(Variable, isolation=(isolation, "text"), innodb_snapshot_isolation=("ON", "text")),
        details={
            "failures": failures, "window": 0.0, "isolation": isolation, "cluster": False, "by_snapshot": True,
            "probable": probable,
        },
    )  # fmt: skip


def _counted(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
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
            "cluster": counter(now, _COUNTERS[0]) is not None, "by_snapshot": False,
            "probable": False,
        },
    )  # fmt: skip


def _failures(now: Snapshot, wanted: tuple[int, ...]) -> float:
    errors = now.get(StatementError)
    told = () if isinstance(errors, Unavailable) else errors
    raised = sum(row.raised for row in told if row.number in wanted)
    return float(raised + sum(counter(now, name) or 0.0 for name in _COUNTERS))
