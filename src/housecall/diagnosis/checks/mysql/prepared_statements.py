"""Prepared statements that clients never give back, up to the server's limit.

Why it matters: at the limit every PREPARE fails (error 1461), for all clients; a driver that prepares each statement
then cannot run anything.
How to fix: close statements in the application, or bound the statement cache of its driver or pool; the limit only
buys time.
Cannot see: which session keeps them (performance_schema.prepared_statements_instances names them).
Source: MySQL manual, max_prepared_stmt_count (16382 by default) and Prepared_stmt_count.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, measured, number
from housecall.diagnosis.checks.mysql._refused import refused
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatementError, StatusCounter, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.prepared_statements",
    item="connection_session_management",
    severity=Severity.CRITICAL,
    title=Say("Prepared statements used up", "预处理语句耗尽"),
    thresholds=[
        Threshold("warning_share", 0.8, "of the limit: what grows so far does not stop by itself"),
        Threshold("critical_share", 0.98, "the next statements cannot be prepared"),
        Threshold("recent_seconds", 15 * 60.0, "an error as new as this goes on"),
    ],
)
_MESSAGE = Say(
    "{open:count} prepared statements are open, of {limit:count} that max_prepared_stmt_count allows.",
    "已打开 {open:count} 个预处理语句，max_prepared_stmt_count 允许 {limit:count} 个。",
)
_ERROR = (1461,)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    limit, opened = number(now, "max_prepared_stmt_count"), counter(now, "Prepared_stmt_count")
    if not limit or opened is None:
        return
    failed = refused(now, _ERROR)
    share = opened / limit
    goes_on = failed is not None and failed.is_recent(limits["recent_seconds"])
    if share < limits["warning_share"]:
        return
    severity = Severity.CRITICAL if share >= limits["critical_share"] or goes_on else Severity.WARNING
    times = failed.times if failed else 0
    yield Finding(
        CHECK.id, CHECK.item, severity, "max_prepared_stmt_count", "setting",
        _MESSAGE(open=opened, limit=limit),
        measured(StatusCounter, open_statements=(opened, "count"))
        + measured(Variable, max_prepared_stmt_count=(limit, "count"))
        + measured(StatementError, could_not_be_prepared=(times or None, "count")),
        details={"open": opened, "limit": limit, "failed": times},
    )  # fmt: skip
