"""Many sessions of one user and client that have slept for a long time, or that fill most of the server asleep.

Why it matters: connections that are opened and never given back add up until nobody gets one; each keeps its buffers.
How to fix: close them in the application (a pool with a maximum and a maximum idle time), and a wait_timeout shorter
than the default of eight hours.
Cannot see: whether a pool keeps them on purpose: a pool that is merely large looks alike, so it takes both number and
age.
Source: MySQL manual, wait_timeout; our proposal: a fifth of the connections, asleep for ten minutes.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, number
from housecall.diagnosis.checks.mysql.connections_used import group_details
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.engines.mysql.rows.sessions import SessionGroup
from housecall.wording import Say

CHECK = Check(
    id="mysql.connection_leak",
    item="connection_session_management",
    severity=Severity.NOTICE,
    title=Say("Connections left asleep", "长期空闲的连接"),
    thresholds=[
        Threshold("min_share", 0.2, "fewer do not endanger the limit"),
        Threshold("min_sessions", 10, "a small pool is not a leak"),
        Threshold("crowding_share", 0.5, "half of the connections asleep in one hand leave others too few"),
        Threshold("crowded_share", 0.7, "of all connections in use: where connections_used begins"),
    ],
)
_MESSAGE = Say(
    "{asleep:count} sessions of {user} from {client} sleep, {sessions:count} of them for ten minutes and more, one for"
    " {longest:duration}; wait_timeout is {timeout:duration}.",
    "来自 {client} 的 {user} 有 {asleep:count} 个会话处于空闲，其中 {sessions:count} 个在十分钟以上，最长"
    " {longest:duration}；wait_timeout 为 {timeout:duration}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    usable, timeout = number(now, "max_connections") or 0.0, number(now, "wait_timeout")
    least = max(limits["min_sessions"], limits["min_share"] * usable)
    for group in now.rows(SessionGroup):
        is_long = group.sleeping_long >= least
        if not is_long and not _crowds(group, usable, limits):
            continue
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, f"user {group.user_name}", "role",
            _MESSAGE(
                asleep=group.sleeping, sessions=group.sleeping_long, user=group.user_name, client=group.client,
                longest=group.longest_sleep_seconds, timeout=timeout,
            ),
            measured(
                SessionGroup,
                asleep_for_ten_minutes=(group.sleeping_long, "connections"),
                asleep=(group.sleeping, "connections"),
                longest_sleep=(group.longest_sleep_seconds, "seconds"),
            )
            + measured(Variable, max_connections=(usable, "connections"), wait_timeout=(timeout, "seconds")),
            details={**group_details(group), "usable": usable, "timeout": timeout, "is_long": is_long},
            identity=f"{group.user_name}@{group.client}|{group.database_name}",
        )  # fmt: skip


def _crowds(group: SessionGroup, usable: float, limits: Limits) -> bool:
    """Whether these sleeping sessions alone bring the server near its limit."""
    is_most = group.sleeping >= max(limits["min_sessions"], limits["crowding_share"] * usable)
    return is_most and group.session_total >= limits["crowded_share"] * usable
