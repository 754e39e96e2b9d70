"""The connections are used up, or nearly, and no single queue explains it.

When most of them wait behind one session, that session is the cause; when they have been idle for long, they were
leaked. Raising max_connections is never the first answer: more sessions than the machine can run make everything
slower.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import FREES_LOCKS, ROLLED_BACK, application_change, limit_role
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="connection_saturation",
    title=Say("Connections used up", "连接耗尽"),
    checks=("postgresql.connections_used",),
)

_SUMMARY = Say(
    "{used:count} of {usable:count} connections of {scope} are in use; {group:count} of them belong to {user}"
    " ({application}, {state}).",
    "{scope} 的 {usable:count} 个连接已使用 {used:count} 个，其中 {group:count} 个属于 {user}（{application}"
    "，{state}）。",
)
_STATES = Say(
    "{active:count} are active, {idle:count} idle, {in_transaction:count} idle in a transaction.",
    "活动 {active:count} 个，空闲 {idle:count} 个，事务中空闲 {in_transaction:count} 个。",
)
_LIMIT = Say("The limit of {scope} is {usable:count}.", "{scope} 的上限是 {usable:count}。")
_END_IDLE = Say(
    "End sessions of {user} ({application}) that have been idle for more than {idle:duration}",
    "终止 {user}（{application}）空闲超过 {idle:duration} 的会话",
)
_ENDED = Say("The number of sessions falls below {share:count}.", "会话数降到 {share:count} 以下。")
_POOL = Say(
    "Put a pooler (PgBouncer, transaction mode) in front, or lower the pool size of {application} so that all its"
    " instances together stay below {target:count}",
    "在前面部署连接池（PgBouncer 事务模式），或调小 {application} 的连接池，使所有实例合计低于 {target:count}",
)
_CAUTION = Say(
    "A pool that meets a closed connection must open another; most do.",
    "连接池遇到被关闭的连接需要重连；多数连接池会自动重连。",
)
_COUNT = "SELECT state, count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' GROUP BY state"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    leaking = {each.details["user"] for each in found.of("postgresql.connection_leak") if each.details["is_long"]}
    for finding in found.of("postgresql.connections_used"):
        group = _largest(finding)
        if finding.severity.rank >= Severity.WARNING.rank and not (
            group["user"] in leaking and group["state"] == "idle"
        ):
            yield _cause(finding, group, now)


def _largest(finding: Finding) -> Mapping[str, Any]:
    groups = finding.details["groups"]
    if finding.object_kind == "role":
        groups = [each for each in groups if each["user"] == finding.object] or groups
    if finding.object_kind == "database":
        groups = [each for each in groups if each["database"] == finding.object] or groups
    largest: Mapping[str, Any] = groups[0]
    return largest


def _cause(finding: Finding, group: Mapping[str, Any], now: Snapshot) -> Cause:
    details = finding.details
    scope = now.instance if finding.object_kind == "server" else finding.object
    because = [_LIMIT(scope=scope, usable=details["usable"])]
    if "active" in details:
        because.insert(0, _STATES(**{name: details[name] for name in ("active", "idle", "in_transaction")}))
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.85,
        summary=_SUMMARY(
            used=details["used"],
            usable=details["usable"],
            scope=scope,
            group=group["sessions"],
            user=group["user"],
            application=group["application"] or "-",
            state=group["state"] or "?",
        ),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=_remedies(group, details["usable"], now),
        rests_on=(finding.fingerprint,),
        impact=min(1.0, details["used"] / max(1, details["usable"])),
    )


def _remedies(group: Mapping[str, Any], usable: int, now: Snapshot) -> tuple[Remedy, ...]:
    application = group["application"] or "-"
    pool = application_change(
        _POOL(application=application, target=int(usable * 0.7)), _ENDED(share=int(usable * 0.7)), _COUNT
    )
    if group["state"] != "idle" or not group["user"]:
        return (pool,)
    timeout = limit_role(group["user"], "idle_session_timeout", "10min") if now.facts.version.major >= 14 else ()
    return (end_idle(group, usable), pool, *timeout)


def end_idle(group: Mapping[str, Any], usable: int) -> Remedy:
    """End sessions of one group idle for a minute, or half their median if that is less; none in a transaction."""
    seconds = int(min(60.0, (group["median_state_seconds"] or 0.0) / 2))
    return Remedy(
        title=_END_IDLE(user=group["user"], application=group["application"] or "-", idle=seconds),
        statements=(
            (
                "SELECT count(pg_catalog.pg_terminate_backend(pid)) AS ended FROM pg_catalog.pg_stat_activity"
                f" WHERE usename = {quote_literal(group['user'])}"
                f" AND application_name = {quote_literal(group['application'] or '')}"
                f" AND state = 'idle' AND state_change < clock_timestamp() - interval '{seconds} seconds'"
            ),
        ),
        lock=FREES_LOCKS(),
        risk="medium",
        when="now",
        rollback=(),
        rollback_note=ROLLED_BACK(),
        verify=_ENDED(share=int(usable * 0.7)),
        verify_statement=_COUNT,
        caution=_CAUTION(),
    )
