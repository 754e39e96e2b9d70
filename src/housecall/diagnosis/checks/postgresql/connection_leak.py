"""Many sessions of one application that are idle: for a long time, or most of a server that is filling up.

Why it matters: connections that are opened and never given back add up until nobody gets one.
How to fix: close them in the application (a pool with a maximum and a maximum idle time); idle_session_timeout from
version 14 on.
Cannot see: whether a pool keeps them on purpose: a pool that is merely large looks alike, so it takes both number and
age; or so many that the next clients are in danger, whatever their age.
Source: our proposal: a fifth of the connections, idle for ten minutes at the median; or half of the connections, on a
server where connections_used already takes notice.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import hidden_sessions
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.connections import SessionGroup, UpkeepSettings
from housecall.wording import Say

CHECK = Check(
    id="postgresql.connection_leak",
    item="connection_session_management",
    severity=Severity.NOTICE,
    title=Say("Connections left idle", "长期空闲的连接"),
    thresholds=[
        Threshold("min_share", 0.2, "fewer do not endanger the limit"),
        Threshold("min_sessions", 10, "a small pool is not a leak"),
        Threshold("min_median_idle_seconds", 600.0, "pools close or reuse idle connections within ten minutes"),
        Threshold("crowding_share", 0.5, "half of the connections idle in one hand leave others too few"),
        Threshold("crowded_share", 0.7, "of all connections in use: where connections_used begins, common practice"),
    ],
)

_MESSAGE = Say(
    "{sessions:count} sessions of {user} ({application}, {client}) are idle, half of them for over {idle:duration}.",
    "{user}（{application}，{client}）有 {sessions:count} 个空闲会话，其中一半空闲超过 {idle:duration}。",
)
_READING = "session_groups"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    settings = now.row(UpkeepSettings)
    least = max(limits["min_sessions"], limits["min_share"] * settings.max_connections)
    if any(group.state is None and group.sessions >= least for group in now.rows(SessionGroup)):
        yield from hidden_sessions(now, CHECK.id)
    for group in now.rows(SessionGroup):
        idle = group.median_state_seconds or 0.0
        is_long = group.sessions >= least and idle >= limits["min_median_idle_seconds"]
        if group.state != "idle" or not (is_long or _crowds(group, settings, limits)):
            continue
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=Severity.NOTICE,
            object=f"role {group.user_name}",
            object_kind="role",
            message=_MESSAGE(
                sessions=group.sessions,
                user=group.user_name,
                application=group.application or "-",
                client=group.client or "-",
                idle=idle,
            ),
            evidence=(
                Evidence("idle_sessions", group.sessions, "connections", _READING),
                Evidence("median_idle", round(idle), "seconds", _READING),
                Evidence("longest_idle", round(group.oldest_state_seconds or 0.0), "seconds", _READING),
                Evidence("max_connections", settings.max_connections, "connections", "upkeep_settings"),
            ),
            details={
                "user": group.user_name,
                "application": group.application,
                "client": group.client,
                "database": group.database,
                "sessions": group.sessions,
                "median_idle_seconds": idle,
                "max_connections": settings.max_connections,
                "is_long": is_long,
            },
            identity=f"{group.user_name}|{group.application}|{group.client}|{group.database}",
        )


def _crowds(group: SessionGroup, settings: UpkeepSettings, limits: Limits) -> bool:
    """Whether these idle sessions alone bring the server near its limit."""
    usable = max(1, settings.max_connections - settings.superuser_reserved_connections - settings.reserved_connections)
    is_most = group.sessions >= max(limits["min_sessions"], limits["crowding_share"] * usable)
    return is_most and group.session_total >= limits["crowded_share"] * usable
