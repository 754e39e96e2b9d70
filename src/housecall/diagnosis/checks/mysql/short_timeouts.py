"""Time limits so short that statements or sessions are ended in the middle of ordinary work.

Why it matters: the application sees errors (3024, 1969, 1205, "gone away") that no load and no fault explains.
How to fix: a limit somewhat above the slowest statement that people accept; a wait_timeout above the idle time of the
pool. Cannot see: limits that an application sets for its own sessions; which statements were ended.
Source: MySQL manual, max_execution_time, innodb_lock_wait_timeout, wait_timeout; MariaDB manual, max_statement_time.
What counts is harm: a limit is told only with the errors that it made.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._innodb import metric
from housecall.diagnosis.checks.mysql._measured import counter, measured, number, uptime_seconds
from housecall.diagnosis.checks.mysql._refused import Refused, refused
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import StatementError, StatusCounter, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.short_timeouts",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Time limits that are too short", "超时设置过短"),
    thresholds=[
        Threshold("min_count", 10, "fewer are the runaways that the limit is there for"),
        Threshold("warning_per_hour", 60.0, "once a minute, over at least an hour: ordinary work is hit"),
        Threshold("min_aborted_share", 0.03, "of all connections, for limits that cut sessions"),
    ],
    needs_window=True,
)
_SHORT = Say(
    "{name} is {limit:duration}: {count:count} time{count:|s} since the server started it ended what was under way,"
    " {window:count} while we looked.",
    "{name} 为 {limit:duration}：启动以来已有 {count:count} 次因此被中断，检查期间 {window:count} 次。",
)
_HOUR = 3600.0
RECENT_SECONDS = 15 * 60.0
"""What the server wrote down so lately goes on."""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """`short_seconds`: from there on the limit does its work. `counted_by`: what grows when it strikes."""

    name: str
    seconds_each: float
    short_seconds: float
    counted_by: str
    cuts_sessions: bool = False
    default: str = "0"
    error: int | None = None
    """What the server itself writes down when the limit strikes (MySQL 8.0.24 and later)."""


LIMITS = (
    TimeLimit("max_execution_time", 0.001, 10.0, "Max_execution_time_exceeded"),
    TimeLimit("max_statement_time", 1.0, 10.0, "Max_statement_time_exceeded"),
    TimeLimit("innodb_lock_wait_timeout", 1.0, 5.0, "lock_timeouts", default="50"),
    TimeLimit("wait_timeout", 1.0, 60.0, "Aborted_clients", cuts_sessions=True, default="28800", error=4031),
    TimeLimit("net_read_timeout", 1.0, 10.0, "Aborted_clients", cuts_sessions=True, default="30"),
    TimeLimit("net_write_timeout", 1.0, 10.0, "Aborted_clients", cuts_sessions=True, default="60"),
    TimeLimit("connect_timeout", 1.0, 5.0, "Aborted_connects", cuts_sessions=True, default="10"),
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for limit in LIMITS:
        value = number(now, limit.name)
        if value is None or not 0 < value * limit.seconds_each < limit.short_seconds:
            continue
        count = _count(now, limit) or 0.0
        before = _count(earlier, limit) if earlier else None
        window = max(0.0, count - before) if before is not None else 0.0
        struck = _struck(now, limit)
        if struck is not None:
            count = float(struck.times)
            window = window if struck.is_recent(RECENT_SECONDS) else 0.0
        if count >= limits["min_count"] and _harms(now, limit, count, limits):
            yield _finding(now, limit, value, count, window, limits, struck)


def _struck(now: Snapshot, limit: TimeLimit) -> Refused | None:
    """How often the server says that it was this limit; None where it does not tell."""
    is_told = now.facts.version.flavour == "mysql" and not isinstance(now.get(StatementError), Unavailable)
    if limit.error is None or not is_told or now.facts.version.number < 80024:
        return None
    return refused(now, (limit.error,)) or Refused(0, None, ())


def _count(now: Snapshot, limit: TimeLimit) -> float | None:
    counted = counter(now, limit.counted_by)
    return counted if counted is not None else metric(now, limit.counted_by)


def _harms(now: Snapshot, limit: TimeLimit, count: float, limits: Limits) -> bool:
    connections = counter(now, "Connections") or 0.0
    return not limit.cuts_sessions or count >= limits["min_aborted_share"] * connections


def _finding(
    now: Snapshot, limit: TimeLimit, value: float, count: float, window: float, limits: Limits,
    struck: Refused | None,
) -> Finding:  # fmt: skip
    rate = count / max(1.0, uptime_seconds(now) / _HOUR)
    goes_on = struck is not None and struck.is_recent(RECENT_SECONDS)
    is_often = window > 0 or rate >= limits["warning_per_hour"] or goes_on
    seconds = value * limit.seconds_each
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_often else Severity.NOTICE, limit.name, "setting",
        _SHORT(name=limit.name, limit=seconds, count=count, window=window),
        measured(Variable, limit=(seconds, "seconds"))
        + measured(
            StatusCounter,
            ended=(count, "count"),
            ended_per_hour=(round(rate, 1), "per hour"),
            in_the_window=(window, "count"),
        ),
        details={
            "name": limit.name, "seconds": seconds, "value": value, "count": count, "window": window, "rate": rate,
            "counted_by": limit.counted_by, "default": limit.default, "cuts_sessions": limit.cuts_sessions,
            "is_certain": struck is not None or not limit.cuts_sessions, "uptime": uptime_seconds(now),
        },
    )  # fmt: skip
