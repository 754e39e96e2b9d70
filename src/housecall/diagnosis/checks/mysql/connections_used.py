"""How many of the connections are in use, and whether clients were turned away.

Why it matters: when they are used up every new client gets error 1040, and administrators have one connection left.
How to fix: find what holds them (a blocked queue, idle sessions, a pool that is too large) before raising any limit.
Cannot see: pools in front of the server; which clients were turned away.
Source: MySQL manual, max_connections, Connection_errors_max_connections; checks of MySQLTuner (85 % of the peak).
"""

from collections.abc import Iterator
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, measured, number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter, Variable
from housecall.engines.mysql.rows.sessions import SessionGroup
from housecall.wording import Say

CHECK = Check(
    id="mysql.connections_used",
    item="connection_session_management",
    severity=Severity.CRITICAL,
    title=Say("Connections used", "连接使用率"),
    thresholds=[
        Threshold("notice_share", 0.7, "one burst from the limit"),
        Threshold("warning_share", 0.85, "at 85 % one burst of a usual pool is refused"),
        Threshold("critical_share", 0.95, "the next clients are refused"),
    ],
    needs_window=True,
)
_NOW = Say(
    "{used:count} of {usable:count} connections are in use ({share:percent}); {sleeping:count} of them sleep.",
    "{usable:count} 个连接已使用 {used:count} 个（{share:percent}），其中 {sleeping:count} 个处于空闲。",
)
_PAST = Say(
    "{refused:count} client{refused:|s} {refused:was|were} refused since the server started, when all {usable:count}"
    " connections were in use; {used:count} are now.",
    "服务器启动以来，在 {usable:count} 个连接用尽时有 {refused:count} 个客户端被拒绝；目前使用 {used:count} 个。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    usable, used = number(now, "max_connections") or 0.0, counter(now, "Threads_connected") or 0.0
    groups = now.rows(SessionGroup)
    refused = counter(now, "Connection_errors_max_connections") or 0.0
    window = in_window(now, earlier, "Connection_errors_max_connections") or 0.0
    share = used / max(1.0, usable)
    severity = Severity.CRITICAL if window else _severity(share, limits)
    if severity is None and not refused:
        return
    sleeping = sum(group.sleeping for group in groups)
    message = (
        _NOW(used=used, usable=usable, share=share, sleeping=sleeping)
        if severity
        else _PAST(refused=refused, usable=usable, used=used)
    )
    yield Finding(
        CHECK.id, CHECK.item, severity or Severity.NOTICE, "server", "server", message,
        measured(
            StatusCounter,
            used=(used, "connections"),
            most_used=(counter(now, "Max_used_connections"), "connections"),
            refused_since_start=(refused, "count"),
            refused_in_the_window=(window, "count"),
        )
        + measured(Variable, max_connections=(usable, "connections"))
        + measured(SessionGroup, sleeping=(sleeping, "connections")),
        details={
            "used": used, "usable": usable, "refused": refused, "window": window, "sleeping": sleeping,
            "past": severity is None, "groups": [group_details(each) for each in groups[:5]],
        },
    )  # fmt: skip


def group_details(group: SessionGroup) -> dict[str, Any]:
    return {
        "user": group.user_name, "client": group.client, "database": group.database_name, "sessions": group.sessions,
        "sleeping": group.sleeping, "sleeping_long": group.sleeping_long, "longest": group.longest_sleep_seconds,
    }  # fmt: skip


def _severity(share: float, limits: Limits) -> Severity | None:
    if share >= limits["critical_share"]:
        return Severity.CRITICAL
    if share >= limits["warning_share"]:
        return Severity.WARNING
    return Severity.NOTICE if share >= limits["notice_share"] else None
