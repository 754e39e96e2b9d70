"""Logs that write every statement, or nearly.

Why it matters: each statement waits for its line, the log fills the disk, and it keeps passwords and personal data.
How to fix: general_log off; the slow log for what is slow (long_query_time of a second, or some tenths).
Cannot see: how large the log files are; an audit log may be demanded by law.
Source: MySQL manual, "The General Query Log" and "The Slow Query Log"; MariaDB manual, "MariaDB Audit Plugin".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, is_on, measured, number, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.excessive_logging",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say("Logging of every statement", "日志记录过多"),
    thresholds=[
        Threshold("fast_seconds", 0.01, "statements of 10 ms are the normal work of an application, not the slow ones"),
        Threshold("slow_share", 0.2, "of all statements in the slow log: it is a general log by another name"),
        Threshold("min_slow", 1000, "below that a share says little"),
    ],
)
_EVERY = Say(
    "{name} is {value}: every statement is written to a log ({output}), at {rate:number} statements a second since the"
    " start.",
    "{name} 设为 {value}：每条语句都会写日志（{output}），启动以来平均每秒 {rate:number} 条语句。",
)
_NO_INDEX = Say(
    "{name} is {value}: every statement that uses no index goes into the slow log ({output}), {share:percent} of all"
    " and {rate:number} a second since the start.",
    "{name} 设为 {value}：未使用索引的语句都会写入慢日志（{output}），占全部语句的 {share:percent}，启动以来平均每秒"
    " {rate:number} 条。",
)
NOT_USING_INDEXES = "log_queries_not_using_indexes"


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for name, severity in _excessive(now, limits):
        value = variable(now, name)
        all_of_them, slow = counter(now, "Questions") or 0.0, counter(now, "Slow_queries") or 0.0
        logged = slow if name == NOT_USING_INDEXES else all_of_them
        rate = logged / max(1.0, counter(now, "Uptime") or 1.0)
        output = variable(now, "log_output") if not name.startswith(("server_audit", "audit")) else "audit"
        yield Finding(
            CHECK.id, CHECK.item, severity, name, "setting",
            (_NO_INDEX if name == NOT_USING_INDEXES else _EVERY)(
                name=name, value=value, output=output, rate=rate, share=slow / max(1.0, all_of_them)
            ),
            measured(Variable, value=(value, "text"), log_output=(output, "text"))
            + measured(
                StatusCounter,
                logged_per_second=(round(rate, 1), "per second"),
                slow_statements=(counter(now, "Slow_queries"), "count"),
                statements_in_the_window=(in_window(now, earlier, "Questions"), "count"),
            ),
            details={"name": name, "value": value, "output": output, "rate": rate},
        )  # fmt: skip


def _excessive(now: Snapshot, limits: Limits) -> Iterator[tuple[str, Severity]]:
    if is_on(now, "general_log"):
        yield "general_log", Severity.WARNING
    slow_name = "log_slow_query_time" if variable(now, "long_query_time") is None else "long_query_time"
    threshold = number(now, slow_name)
    if is_on(now, "slow_query_log"):
        if threshold is not None and threshold < limits["fast_seconds"] and not number(now, "min_examined_row_limit"):
            yield slow_name, Severity.WARNING
        elif is_on(now, NOT_USING_INDEXES) and _most_are_slow(now, limits):
            yield NOT_USING_INDEXES, Severity.WARNING
    if is_on(now, "server_audit_logging") and _audits_queries(variable(now, "server_audit_events") or ""):
        yield "server_audit_logging", Severity.NOTICE
    if (variable(now, "audit_log_policy") or "").upper() in ("ALL", "QUERIES"):
        yield "audit_log_policy", Severity.NOTICE


def _most_are_slow(now: Snapshot, limits: Limits) -> bool:
    """Statements without an index count as slow in both servers once they are logged."""
    slow, all_of_them = counter(now, "Slow_queries") or 0.0, counter(now, "Questions") or 1.0
    return slow >= limits["min_slow"] and slow / all_of_them >= limits["slow_share"]


def _audits_queries(events: str) -> bool:
    return not events or "QUERY" in events.upper().split(",")
