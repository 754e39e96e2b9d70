"""The connections of MySQL or MariaDB are used up, or nearly, and no single queue explains it.

When most of them wait behind one session, that session is the cause; when they have slept for long, they were leaked.
Raising max_connections is never the first answer: more sessions than the machine can run make everything slower.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import FREES_LOCKS, ROLLED_BACK, application_change, set_global
from housecall.diagnosis.checks.mysql._blocking import optional
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CAUSE = CauseRule(
    id="connection_saturation",
    title=Say("Connections used up", "连接耗尽"),
    checks=("mysql.connections_used",),
)
MAX_ENDED = 20
"""Sessions that one remedy ends: more can be ended by running the examination again (our proposal)."""

_SUMMARY = Say(
    "{used:count} of {usable:count} connections are in use; {group:count} of them belong to {user} from {client},"
    " {sleeping:count} of which sleep.",
    "{usable:count} 个连接已使用 {used:count} 个，其中 {group:count} 个属于来自 {client} 的 {user}，"
    "{sleeping:count} 个处于空闲。",
)
_PAST = Say(
    "All {usable:count} connections were in use at some time since the server started, and {refused:count}"
    " client{refused:|s} {refused:was|were} refused; {used:count} are in use now.",
    "启动以来 {usable:count} 个连接曾全部用尽，有 {refused:count} 个客户端被拒绝；目前使用 {used:count} 个。",
)
_REFUSED = Say(
    "{refused:count} client{refused:|s} {refused:was|were} refused since the start, {window:count} while we looked.",
    "启动以来有 {refused:count} 个客户端被拒绝，检查期间 {window:count} 个。",
)
_SLEEP = Say("In all {sleeping:count} sessions sleep.", "总共有 {sleeping:count} 个会话处于空闲。")
_END_IDLE = Say(
    "End {count:count} session{count:|s} of {user} that {count:has|have} slept for more than {idle:duration}, none in a"
    " transaction",
    "终止 {user} 空闲超过 {idle:duration} 且不在事务中的 {count:count} 个会话",
)
_ENDED = Say("fewer than {target:count} sessions are connected", "连接数少于 {target:count}")
_POOL = Say(
    "Put a pool in front (ProxySQL, MaxScale), or lower the pool of {user} so that all its instances together stay"
    " below {target:count}; ALTER USER … WITH MAX_USER_CONNECTIONS keeps it from taking all again",
    "在前面部署连接池（ProxySQL、MaxScale），或调小 {user} 的连接池，使所有实例合计低于 {target:count}；"
    "可用 ALTER USER … WITH MAX_USER_CONNECTIONS 限制其连接数",
)
_TIMEOUT = Say("Let the server end sessions that sleep for ten minutes", "让服务器自动断开空闲超过十分钟的会话")
_TIMEOUT_VERIFY = Say("wait_timeout is 600, for new sessions", "wait_timeout 为 600（对新会话生效）")
_CAUTION = Say(
    "A pool that meets a closed connection must open another; most do.",
    "连接池遇到被关闭的连接需要重连；多数连接池会自动重连。",
)
COUNT = "SHOW GLOBAL STATUS LIKE 'Threads_connected';"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    leaks = [each.details for each in found.of("mysql.connection_leak") if each.details["is_long"]]
    leaking = {(each["user"], each["client"]) for each in leaks}
    for finding in found.of("mysql.connections_used"):
        group = finding.details["groups"][0] if finding.details["groups"] else None
        if finding.details["past"]:
            yield _past(finding, group, now)
        elif (
            group and finding.severity.rank >= Severity.WARNING.rank and (group["user"], group["client"]) not in leaking
        ):
            yield _present(finding, group, now)


def _present(finding: Finding, group: Mapping[str, Any], now: Snapshot) -> Cause:
    details = finding.details
    return Cause(
        id=CAUSE.id,
        object="server",
        object_kind="server",
        severity=finding.severity,
        confidence=0.85,
        summary=_SUMMARY(
            used=details["used"], usable=details["usable"], group=group["sessions"], user=group["user"],
            client=group["client"] or "-", sleeping=group["sleeping"],
        ),
        because=(
            _SLEEP(sleeping=details["sleeping"]),
            _REFUSED(refused=details["refused"], window=details["window"]),
        ),
        evidence=finding.evidence,
        remedies=_remedies(group, details["usable"], now),
        rests_on=(finding.fingerprint,),
        impact=min(1.0, details["used"] / max(1.0, details["usable"])),
    )  # fmt: skip


def _past(finding: Finding, group: Mapping[str, Any] | None, now: Snapshot) -> Cause:
    details = finding.details
    largest = group or {"user": "?", "client": "?", "sleeping": 0, "longest": 0.0}
    return Cause(
        id=CAUSE.id,
        object="server",
        object_kind="server",
        severity=finding.severity,
        confidence=0.7,
        summary=_PAST(usable=details["usable"], refused=details["refused"], used=details["used"]),
        because=(_SLEEP(sleeping=details["sleeping"]),),
        evidence=finding.evidence,
        remedies=_remedies({**largest, "sleeping": 0}, details["usable"], now),
        rests_on=(finding.fingerprint,),
        past=True,
    )


def _remedies(group: Mapping[str, Any], usable: float, now: Snapshot) -> tuple[Remedy, ...]:
    target = int(usable * 0.7)
    pool = application_change(_POOL(user=group["user"], target=target), _ENDED(target=target), COUNT)
    return (*end_idle(group, usable, now), pool, shorter_wait(now))


def shorter_wait(now: Snapshot) -> Remedy:
    return set_global(
        _TIMEOUT(), "wait_timeout", "600", "28800", now.facts.version.flavour, verify=_TIMEOUT_VERIFY(),
        caution=_CAUTION(), when="later",
    )  # fmt: skip


def end_idle(group: Mapping[str, Any], usable: float, now: Snapshot) -> tuple[Remedy, ...]:
    """End sleeping sessions of one group: idle for a minute, or half of the longest if that is less; nobody who has a
    transaction open."""
    seconds = min(60.0, group["longest"] / 2)
    asleep = [
        each
        for each in optional(now, Session)
        if each.command == "Sleep" and each.transaction_seconds is None and (each.seconds or 0.0) >= seconds
        and (each.user_name, each.client) == (group["user"], group["client"])
    ]  # fmt: skip
    chosen = sorted(asleep, key=lambda each: -(each.seconds or 0.0))[:MAX_ENDED]
    if not chosen:
        return ()
    return (
        Remedy(
            title=_END_IDLE(count=len(chosen), user=group["user"], idle=seconds),
            statements=tuple(f"KILL CONNECTION {each.id};" for each in chosen),
            lock=FREES_LOCKS(),
            risk="medium",
            when="now",
            rollback=(),
            rollback_note=ROLLED_BACK(),
            verify=_ENDED(target=int(usable * 0.7)),
            verify_statement=COUNT,
            caution=_CAUTION(),
        ),
    )
