"""An application opens connections and never gives them back: they sit idle until the limit is reached.

Idle for ten minutes, they explain connections that are used up. Idle for less, they may yet be used: then it is a
notice, and nothing once the connections are used up, which is reported as such.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change, fingerprints, limit_role
from housecall.diagnosis.causes.postgresql.connection_saturation import end_idle
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="connection_leak",
    title=Say("Leaked connections", "连接泄漏"),
    checks=("postgresql.connection_leak", "postgresql.connections_used"),
)

_SUMMARY = Say(
    "{user} ({application}, {client}) keeps {sessions:count} connections that nobody uses: half of them have been idle"
    " for more than {idle:duration}.",
    "{user}（{application}，{client}）占着 {sessions:count} 个无人使用的连接，其中一半空闲超过 {idle:duration}。",
)
_SHARE = Say(
    "That is {share:percent} of max_connections ({max:count}).", "占 max_connections（{max:count}）的 {share:percent}。"
)
_USED = Say(
    "In all {used:count} of {usable:count} connections are in use.",
    "总共 {usable:count} 个连接已使用 {used:count} 个。",
)
_YOUNG = Say(
    "They may belong to a pool that is too large, or were never given back: a leak when their number only grows.",
    "它们可能属于过大的连接池，也可能是没有归还的连接：若数量只增不减，就是泄漏。",
)
_CLOSE = Say(
    "Close connections on every path of {application}: a pool with a maximum size and a maximum idle time",
    "{application} 的每条代码路径都要归还连接：使用有最大连接数和最大空闲时间的连接池",
)
_FEWER = Say("Fewer than {sessions:count} sessions are idle.", "空闲会话少于 {sessions:count} 个。")
_COUNT = "SELECT count(*) AS idle FROM pg_catalog.pg_stat_activity WHERE state = 'idle'"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    full = [each for each in found.of("postgresql.connections_used") if each.severity.rank >= Severity.NOTICE.rank]
    is_used_up = any(each.severity.rank >= Severity.WARNING.rank for each in full)
    for finding in found.of("postgresql.connection_leak"):
        if finding.details["is_long"] or not is_used_up:
            yield _cause(finding, full, now)


def _cause(finding: Finding, full: list[Finding], now: Snapshot) -> Cause:
    details = finding.details
    is_long = details["is_long"]
    grave = [each.severity for each in full if is_long]
    severity = max(grave, key=lambda each: each.rank, default=finding.severity)
    because = [_SHARE(share=details["sessions"] / details["max_connections"], max=details["max_connections"])]
    if full:
        because.append(_USED(used=full[0].details["used"], usable=full[0].details["usable"]))
    if not is_long:
        because.append(_YOUNG())
    group = {**details, "state": "idle", "median_state_seconds": details["median_idle_seconds"]}
    timeout = limit_role(details["user"], "idle_session_timeout", "10min") if now.facts.version.major >= 14 else ()
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="role",
        severity=severity,
        confidence=0.8 if is_long else 0.5,
        summary=_SUMMARY(
            user=details["user"],
            application=details["application"] or "-",
            client=details["client"] or "-",
            sessions=details["sessions"],
            idle=details["median_idle_seconds"],
        ),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=(
            end_idle(group, details["max_connections"]),
            *timeout,
            application_change(
                _CLOSE(application=details["application"] or "-"), _FEWER(sessions=details["sessions"]), _COUNT
            ),
        ),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(full) if is_long else (),
        impact=min(1.0, details["sessions"] / details["max_connections"]),
    )
