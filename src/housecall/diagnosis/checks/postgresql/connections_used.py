"""How much of the connections that ordinary roles may use is in use: on the server, by role, and by database.

Why it matters: when they are used up every new client gets an error, administrators last.
How to fix: find what holds them (a blocked queue, idle sessions, a pool that is too large) before raising any limit.
Cannot see: application, client and state of other roles' sessions without pg_read_all_stats; pools in front of the
server.
Source: the practice of postgresqltuner and the inspection of ApsaraDB RDS (70 and 90 %); reserved connections:
PostgreSQL manual, "Connections and Authentication".
"""

from collections.abc import Iterator, Sequence
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.connections import SessionGroup, UpkeepSettings
from housecall.wording import Say

CHECK = Check(
    id="postgresql.connections_used",
    item="connection_session_management",
    severity=Severity.CRITICAL,
    title=Say("Connections used", "连接使用率"),
    thresholds=[
        Threshold("notice_share", 0.7, "common practice"),
        Threshold("warning_share", 0.85, "at 85 % one burst of a usual pool is refused"),
        Threshold("critical_share", 0.95, "the next clients are refused"),
    ],
)

_SERVER = Say(
    "{used:count} of {usable:count} connections are in use ({share:percent}): {active:count} active, {idle:count} idle,"
    " {in_transaction:count} idle in a transaction.",
    "{usable:count} 个可用连接已使用 {used:count} 个（{share:percent}）：活动 {active:count}，空闲 {idle:count}，"
    "事务中空闲 {in_transaction:count}。",
)
_LIMITED = Say(
    "{used:count} of the {usable:count} connections that {name} may have are in use ({share:percent}).",
    "{name} 的连接上限 {usable:count} 已使用 {used:count}（{share:percent}）。",
)
_READING = "session_groups"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    settings, groups = now.row(UpkeepSettings), now.rows(SessionGroup)
    if not groups:
        return
    usable = settings.max_connections - settings.superuser_reserved_connections - settings.reserved_connections
    used = groups[0].session_total
    severity = _severity(used / max(1, usable), limits)
    if severity:
        yield _server(groups, settings, used, usable, severity)
    yield from _limited(groups, limits)


def _server(
    groups: Sequence[SessionGroup], settings: UpkeepSettings, used: int, usable: int, severity: Severity
) -> Finding:
    counts = {
        "active": _in_state(groups, "active"),
        "idle": _in_state(groups, "idle"),
        "in_transaction": _in_state(groups, "idle in transaction", "idle in transaction (aborted)"),
    }
    largest = groups[0]
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=severity,
        object="server",
        object_kind="server",
        message=_SERVER(used=used, usable=usable, share=used / max(1, usable), **counts),
        evidence=(
            Evidence("used", used, "connections", _READING),
            Evidence("usable", usable, "connections", "upkeep_settings"),
            Evidence("max_connections", settings.max_connections, "connections", "upkeep_settings"),
            *(Evidence(name, count, "connections", _READING) for name, count in counts.items()),
            Evidence("largest_group", _group_name(largest), "text", _READING),
            Evidence("largest_group_sessions", largest.sessions, "connections", _READING),
        ),
        details={
            "used": used,
            "usable": usable,
            "max_connections": settings.max_connections,
            **counts,
            "groups": [_group(each) for each in groups[:10]],
        },
    )


def _limited(groups: Sequence[SessionGroup], limits: Limits) -> Iterator[Finding]:
    """Roles and databases near a limit of their own."""
    seen: set[tuple[str, str]] = set()
    for group in groups:
        scopes: tuple[tuple[ObjectKind, str | None, int, int | None], ...] = (
            ("role", group.user_name, group.user_total, group.user_limit),
            ("database", group.database, group.database_total, group.database_limit),
        )
        for kind, name, used, limit in scopes:
            if name is None or not limit or (kind, name) in seen:
                continue
            seen.add((kind, name))
            severity = _severity(used / limit, limits)
            if severity:
                yield Finding(
                    check=CHECK.id,
                    item=CHECK.item,
                    severity=severity,
                    object=name,
                    object_kind=kind,
                    message=_LIMITED(used=used, usable=limit, name=name, share=used / limit),
                    evidence=(
                        Evidence("used", used, "connections", _READING),
                        Evidence("limit", limit, "connections", _READING),
                    ),
                    details={"used": used, "usable": limit, "groups": [_group(each) for each in groups[:10]]},
                    identity=f"{kind} {name}",
                )


def _severity(share: float, limits: Limits) -> Severity | None:
    if share >= limits["critical_share"]:
        return Severity.CRITICAL
    if share >= limits["warning_share"]:
        return Severity.WARNING
    return Severity.NOTICE if share >= limits["notice_share"] else None


def _in_state(groups: Sequence[SessionGroup], *states: str) -> int:
    return sum(group.sessions for group in groups if group.state in states)


def _group(group: SessionGroup) -> dict[str, Any]:
    return {
        "user": group.user_name,
        "application": group.application,
        "client": group.client,
        "database": group.database,
        "state": group.state,
        "sessions": group.sessions,
        "median_state_seconds": group.median_state_seconds,
    }


def _group_name(group: SessionGroup) -> str:
    return f"{group.user_name}@{group.database} {group.application or '-'} {group.client or '-'} {group.state or '-'}"
