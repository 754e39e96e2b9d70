"""Deadlocks: transactions that waited for each other, of which the server ended one.

Why it matters: each is an error in the application (1213) and work done twice.
How to fix: lock rows in the same order everywhere; retry on error 1213; index the conditions of updates, so that they
lock no more rows than they change.
Cannot see: any but the latest, unless innodb_print_all_deadlocks writes them to the error log.
Source: MySQL manual, "Deadlocks in InnoDB" and "How to Minimize and Handle Deadlocks". One an hour is our line between
an accident and a habit.
"""

from collections.abc import Iterator
from itertools import pairwise

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._innodb import deadlocks
from housecall.diagnosis.checks.mysql._measured import is_on, measured, uptime_seconds
from housecall.diagnosis.checks.mysql._statement_text import one_line
from housecall.diagnosis.finding import Finding, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.innodb import InnodbStatus
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.deadlocks",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Deadlocks", "死锁"),
    thresholds=[
        Threshold("warning_per_hour", 1.0, "counted over at least one hour, so that one yesterday is no alarm"),
        Threshold("min_deadlocks", 2, "one alone is an accident, which a retry mends"),
        Threshold("notice_per_hour", 1 / 24, "one a day; rarer ones are accidents"),
        Threshold("recent_seconds", 3600.0, "the latest one is newer: it goes on"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{deadlocks:count} deadlock{deadlocks:|s} within {seconds:duration}, the latest on {table}.",
    "{seconds:duration} 内发生 {deadlocks:count} 次死锁，最近一次涉及 {table}。",
)
_HOUR = 3600.0


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    counted, seconds = deadlocks(now), uptime_seconds(now)
    if counted <= 0:
        return
    status = now.get(InnodbStatus)
    report = None if isinstance(status, Unavailable) or not status else status[0]
    window = max(0.0, counted - deadlocks(earlier)) if earlier else 0.0
    rate = counted / max(1.0, seconds / _HOUR)
    ago = report.deadlock_seconds_ago if report else None
    tables = report.deadlock_tables if report else []
    table, kind = _named(tables)
    severity = Severity.WARNING if window else _severity(counted, rate, ago, limits)
    yield Finding(
        CHECK.id, CHECK.item, severity, table, kind,
        _MESSAGE(deadlocks=counted, seconds=seconds, table=", ".join(tables) or "?"),
        measured(
            StatusCounter,
            deadlocks=(counted, "count"),
            counted_over=(seconds, "seconds"),
            deadlocks_per_hour=(round(rate, 2), "per hour"),
            in_the_window=(window, "count"),
        )
        + measured(
            InnodbStatus,
            tables=(", ".join(tables) or None, "name"),
            indexes=(", ".join(report.deadlock_indexes) if report else None, "name"),
            latest_ago=(ago, "seconds"),
        ),
        details={
            "deadlocks": counted, "seconds": seconds, "rate": rate, "in_window": window, "ago": ago,
            "tables": tables, "statements": _statements(report.latest_deadlock if report else None),
            "in_gap": _is_in_gap(report.latest_deadlock if report else None),
            "prints_all": is_on(now, "innodb_print_all_deadlocks"),
        },
    )  # fmt: skip


def _named(tables: list[str]) -> tuple[str, ObjectKind]:
    return (", ".join(tables[:3]), "table") if tables else ("server", "server")


def _severity(counted: float, rate: float, ago: float | None, limits: Limits) -> Severity:
    """By the rate, and no more than a notice when there was one alone or the latest is long over."""
    often = rate >= limits["warning_per_hour"] and counted >= limits["min_deadlocks"]
    if often and (ago is None or ago <= limits["recent_seconds"]):
        return Severity.WARNING
    return Severity.NOTICE if rate >= limits["notice_per_hour"] else Severity.INFO


def _is_in_gap(report: str | None) -> bool:
    """Whether both sides wait to insert where the other has locked the gap between two rows."""
    return (report or "").count("insert intention waiting") >= 2


def _statements(report: str | None) -> list[str]:
    """What the two sides ran: in the report the statement follows the line that names the thread."""
    found = []
    lines = (report or "").splitlines()
    for line, following in pairwise(lines):
        if " thread id " in line and following and not following.startswith("***"):
            found.append(one_line(following) or "")
    return found[:4]
