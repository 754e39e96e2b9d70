"""New connections per second.

Why it matters: each connection starts a process and warms its caches anew, a few milliseconds of CPU that a pool
saves.
How to fix: a connection pool in the application, or PgBouncer in front of the server.
Cannot see: anything before version 14, which does not count sessions.
Source: the practice of postgresqltuner; PostgreSQL manual, pg_stat_database.sessions. Starting a backend costs some 2
to 5 ms of CPU.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.wording import Say

CHECK = Check(
    id="postgresql.connection_churn",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Connection churn", "频繁新建连接"),
    thresholds=[
        Threshold(
            "look_again_per_second", 2.0, "average since the reset from which the present is worth a second look"
        ),
        Threshold("notice_per_second", 10.0, "some 3 % of a core goes into starting processes"),
        Threshold("warning_per_second", 40.0, "some 15 % of a core goes into starting processes"),
        Threshold("min_sessions", 100, "a few connections after a reset are no rate"),
    ],
    needs_window=True,
)

_NOW = Say(
    "{rate:number} new connections a second to database {database}, each open for {length:duration} on average.",
    "数据库 {database} 每秒新建 {rate:number} 个连接，平均每个只存活 {length:duration}。",
)
_READING = "transaction_counters"

_TOO_OLD = Say("PostgreSQL counts new sessions from version 14 on", "PostgreSQL 从 14 版起才统计新建会话数")


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    before = {row.database: row for row in earlier.rows(TransactionCounters)} if earlier else {}
    for row in now.rows(TransactionCounters):
        if row.sessions is None:
            yield NotEvaluated(CHECK.id, _TOO_OLD())
            return
        average = row.sessions / max(1.0, row.statistics_seconds)
        earlier_row = before.get(row.database)
        rate, seconds = average, row.statistics_seconds
        if earlier and earlier_row and earlier_row.sessions is not None:
            seconds = now.seconds_since(earlier)
            rate = (row.sessions - earlier_row.sessions) / max(0.001, seconds)
        least = limits["notice_per_second"] if earlier_row else limits["look_again_per_second"]
        if row.sessions >= limits["min_sessions"] and rate >= least:
            yield _finding(row, rate, average, seconds, measured=earlier_row is not None, limits=limits)


def _finding(
    row: TransactionCounters, rate: float, average: float, seconds: float, *, measured: bool, limits: Limits
) -> Finding:
    length = (row.session_seconds or 0.0) / max(1, row.sessions or 1)
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=_severity(rate, limits),
        object=row.database,
        object_kind="database",
        message=_NOW(rate=rate, database=row.database, length=length),
        evidence=(
            Evidence("new_connections_per_second", round(rate, 1), "per second", _READING),
            Evidence("measured_over", round(seconds, 1), "seconds", _READING),
            Evidence("average_since_reset", round(average, 2), "per second", _READING),
            Evidence("average_session", round(length, 3), "seconds", _READING),
        ),
        details={"rate": rate, "average": average, "session_seconds": length, "measured": measured},
    )


def _severity(rate: float, limits: Limits) -> Severity:
    if rate >= limits["warning_per_second"]:
        return Severity.WARNING
    return Severity.NOTICE if rate >= limits["notice_per_second"] else Severity.INFO
