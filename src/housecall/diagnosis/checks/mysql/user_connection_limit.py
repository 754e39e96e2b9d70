"""Logins that are refused because their account has as many connections as it may have.

Why it matters: the application gets error 1203 or 1226 while the server itself has connections free, so that a look at
max_connections misleads.
How to fix: find why the account needs more (a leak, a pool that is too large for all its instances together); then set
its own limit.
Cannot see: limits of single accounts, and on MariaDB how many logins were refused.
Source: MySQL manual, max_user_connections and "Setting Account Resource Limits".
"""

from collections import Counter
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, number
from housecall.diagnosis.checks.mysql._refused import refused
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatementError, Variable
from housecall.engines.mysql.rows.sessions import SessionGroup
from housecall.wording import Say

CHECK = Check(
    id="mysql.user_connection_limit",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Connections of an account used up", "账号连接数达到上限"),
    thresholds=[
        Threshold("recent_seconds", 15 * 60.0, "a refusal as new as this goes on"),
        Threshold("min_refused", 3, "fewer are one retry of one client"),
    ],
)
_AT_LIMIT = Say(
    "{user} holds {sessions:count} connections, as many as max_user_connections ({limit:count}) allows an account.",
    "{user} 已有 {sessions:count} 个连接，达到 max_user_connections（{limit:count}）允许的上限。",
)
_OWN_LIMIT = Say(
    "{refused:count} logins were refused since the start, because an account had as many connections as it may have.",
    "启动以来有 {refused:count} 次登录因账号连接数达到上限而被拒绝。",
)
_ERRORS = (1203, 1226)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    limit = number(now, "max_user_connections") or 0.0
    sessions: Counter[str] = Counter()
    for group in now.rows(SessionGroup):
        sessions[group.user_name] += group.sessions
    user, most = sessions.most_common(1)[0] if sessions else ("", 0)
    failed = refused(now, _ERRORS)
    times = failed.times if failed else 0
    is_full = 0 < limit <= most
    goes_on = failed is not None and failed.is_recent(limits["recent_seconds"]) and times >= limits["min_refused"]
    if not is_full and not goes_on:
        return
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if goes_on else Severity.NOTICE,
        "max_user_connections" if is_full else "server", "setting" if is_full else "server",
        _AT_LIMIT(user=user, sessions=most, limit=limit) if is_full else _OWN_LIMIT(refused=times),
        measured(Variable, max_user_connections=(limit, "connections"))
        + measured(SessionGroup, most_of_one_user=(most, "connections"), user=(user or None, "name"))
        + measured(StatementError, refused_since_start=(times or None, "count")),
        details={"user": user, "sessions": most, "limit": limit, "refused": times, "is_full": is_full},
    )  # fmt: skip
