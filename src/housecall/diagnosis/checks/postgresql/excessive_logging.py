"""Log settings that write every statement, or more.

Why it matters: each statement waits for its log line; the log fills the disk and keeps passwords and personal data.
How to fix: log only what is slow (log_min_duration_statement), and sample the rest. Where a database or a role has the
setting, take it back there; that of a person whose every statement is kept for an audit is right.
Cannot see: how much is written without reading the log directory.
Source: PostgreSQL manual, "Error Reporting and Logging".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._durations import seconds_of
from housecall.diagnosis.checks.postgresql._measured import measured, statistics_seconds
from housecall.diagnosis.checks.postgresql._settings import is_off, stored_for_roles
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting
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
_EVERY_OF = Say(
    en="{name} is {value} for {scope}: each of its statements writes to the log.",
    zh="{scope} 的 {name} 设为 {value}：它的每条语句都会写日志。",
)
_STATISTICS = {"log_statement_stats", "log_parser_stats", "log_planner_stats", "log_executor_stats"}
_TREES = {"debug_print_parse", "debug_print_plan", "debug_print_rewritten"}


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    counters = now.get(DatabaseCounters)
    age = statistics_seconds(now)
    commits = counters[0].commits / age if counters and not isinstance(counters, Unavailable) and age > 0 else None
    stored = stored_for_roles(now)
    for row in now.rows(ServerSetting):
        seconds = row.number if row.name == "log_min_duration_statement" else None
        is_stored = any(each.name == row.name and _same(each.value, row.value, seconds) for each in stored)
        if is_excessive(row.name, row.value or "", seconds, limits) and not is_stored:
            value = f"{row.value} {row.unit}" if row.unit else row.value
            yield Finding(
                CHECK.id, CHECK.item, Severity.WARNING, row.name, "setting",
                _EVERY(name=row.name, value=value, commits=commits),
                measured(ServerSetting, value=(value, "text"))
                + measured(DatabaseCounters, commits_per_second=(commits and round(commits, 1), "number")),
                details={
                    "name": row.name, "value": row.value, "default": row.default_value, "scope": None,
                    "database": None, "role": None,
                },
            )  # fmt: skip
    for each in stored:
        if is_excessive(each.name, each.value, seconds_of(each.value), limits):
            yield _of_role(each, now)


def _same(stored: str, value: str | None, seconds: float | None) -> bool:
    """Whether the probe's own session has its value from there."""
    return stored == value if seconds is None else seconds_of(stored) == seconds


def _of_role(row: RoleSetting, now: Snapshot) -> Finding:
    """A role without tables of its own is mostly a person's, and one that is not connected that of migrations."""
    scope = scope_of(row)
    is_application = row.role_name is None or (row.owns_tables and _is_connected(row.role_name, now))
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_application else Severity.NOTICE, row.name, "setting",
        _EVERY_OF(name=row.name, value=row.value, scope=scope),
        measured(RoleSetting, value=(row.value, "text"), set_for=(scope, "text")),
        details={
            "name": row.name, "value": row.value, "default": None, "scope": scope, "database": row.database_name,
            "role": row.role_name,
        },
        identity=f"{row.name}|{scope}",
    )  # fmt: skip


def _is_connected(role: str, now: Snapshot) -> bool:
    """Whether the role has a session; taken for granted where sessions could not be read."""
    sessions = now.get(Session)
    if isinstance(sessions, Unavailable):
        return True
    sampled = (each for sample in now.samples for each in sample.rows(Session))
    return any(each.user_name == role for each in (*sessions, *sampled))


def is_excessive(name: str, value: str, seconds: float | None, limits: Limits) -> bool:
    if name == "log_statement":
        return value.lower() == "all"
    if name == "log_min_duration_statement":
        return seconds is not None and 0 <= seconds < limits["fast_seconds"]
    if name == "log_min_messages":
        return value.lower().startswith("debug")
    return name in {"log_duration"} | _STATISTICS | _TREES and not is_off(value)
