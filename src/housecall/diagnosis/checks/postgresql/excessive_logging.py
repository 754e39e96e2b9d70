"""Log settings that write every statement, or more.

Why it matters: each statement waits for its log line; the log fills the disk and keeps passwords and personal data.
How to fix: log only what is slow (log_min_duration_statement), and sample the rest.
Cannot see: how much is written without reading the log directory.
Source: PostgreSQL manual, "Error Reporting and Logging".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, statistics_seconds
from housecall.diagnosis.checks.postgresql._settings import is_off
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.excessive_logging",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say(en="Logging of every statement", zh="日志记录过多"),
    thresholds=[
        Threshold("fast_seconds", 0.01, "statements of 10 ms are the normal work of an application, not the slow ones"),
    ],
)
_EVERY = Say(
    en="{name} is {value}: every statement writes to the log, at {commits:number} commits a second now.",
    zh="{name} 设为 {value}：每条语句都会写日志，目前每秒约 {commits:number} 次提交。",
)
_STATISTICS = {"log_statement_stats", "log_parser_stats", "log_planner_stats", "log_executor_stats"}
_TREES = {"debug_print_parse", "debug_print_plan", "debug_print_rewritten"}


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    counters = now.get(DatabaseCounters)
    age = statistics_seconds(now)
    commits = counters[0].commits / age if counters and not isinstance(counters, Unavailable) and age > 0 else None
    for row in now.rows(ServerSetting):
        if is_excessive(row, limits):
            value = f"{row.value} {row.unit}" if row.unit else row.value
            yield Finding(
                CHECK.id, CHECK.item, Severity.WARNING, row.name, "setting",
                _EVERY(name=row.name, value=value, commits=commits),
                measured(ServerSetting, value=(value, "text"))
                + measured(DatabaseCounters, commits_per_second=(commits and round(commits, 1), "number")),
                details={"name": row.name, "value": row.value, "default": row.default_value},
            )  # fmt: skip


def is_excessive(row: ServerSetting, limits: Limits) -> bool:
    if row.name == "log_statement":
        return row.value == "all"
    if row.name == "log_min_duration_statement":
        return row.value == "0" or 0 < row.number < limits["fast_seconds"]
    if row.name == "log_min_messages":
        return (row.value or "").startswith("debug")
    return row.name in {"log_duration"} | _STATISTICS | _TREES and not is_off(row.value)
