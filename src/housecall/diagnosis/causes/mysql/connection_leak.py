"""An application opens connections to MySQL or MariaDB and never gives them back: they sleep until none is left."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, fingerprints
from housecall.diagnosis.causes.mysql.connection_saturation import COUNT, end_idle, shorter_wait
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="connection_leak",
    title=Say("Leaked connections", "连接泄漏"),
    checks=("mysql.connection_leak", "mysql.connections_used"),
)
_SUMMARY = Say(
    "{user} from {client} keeps {sessions:count} connections that nobody has used for ten minutes and more.",
    "来自 {client} 的 {user} 占着 {sessions:count} 个十分钟以上无人使用的连接。",
)
_CROWD = Say(
    "{user} from {client} keeps {asleep:count} connections that do nothing, which are most of those that the server"
    " has.",
    "来自 {client} 的 {user} 占着 {asleep:count} 个无所事事的连接，占服务器连接数的大部分。",
)
_SHARE = Say(
    "That is {share:percent} of max_connections ({usable:count}); wait_timeout lets them sleep for {timeout:duration}.",
    "占 max_connections（{usable:count}）的 {share:percent}；wait_timeout 允许空闲 {timeout:duration}。",
)
_USED = Say(
    "In all {used:count} of {usable:count} connections are in use.",
    "总共 {usable:count} 个连接已使用 {used:count} 个。",
)
_CLOSE = Say(
    "Give connections back on every path of {user}: a pool with a maximum size and a maximum idle time",
    "{user} 的每条代码路径都要归还连接：使用有最大连接数和最大空闲时间的连接池",
)
_FEWER = Say("fewer than {sessions:count} sessions sleep", "空闲会话少于 {sessions:count} 个")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    used = found.of("mysql.connections_used")
    full = [each for each in used if each.severity.rank >= Severity.NOTICE.rank and not each.details["past"]]
    is_warned = any(each.severity.rank >= Severity.WARNING.rank for each in full)
    for finding in found.of("mysql.connection_leak"):
        if finding.details["is_long"] or not is_warned:  # a full server of sleepers that are young is saturation
            yield _cause(finding, full, now)


def _cause(finding: Finding, full: list[Finding], now: Snapshot) -> Cause:
    details = finding.details
    asleep = details["sleeping_long"] if details["is_long"] else details["sleeping"]
    share = asleep / max(1.0, details["usable"])
    say = _SUMMARY if details["is_long"] else _CROWD
    used = [_USED(used=each.details["used"], usable=each.details["usable"]) for each in full]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="role",
        severity=max((each.severity for each in [finding, *full]), key=lambda each: each.rank),
        confidence=0.8 if details["is_long"] else 0.6,
        summary=say(user=details["user"], client=details["client"] or "-", sessions=asleep, asleep=asleep),
        because=(_SHARE(share=share, usable=details["usable"], timeout=details["timeout"]), *used),
        evidence=finding.evidence,
        remedies=(
            *end_idle(details, details["usable"], now),
            shorter_wait(now),
            application_change(_CLOSE(user=details["user"]), _FEWER(sessions=asleep), COUNT),
        ),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(full),
        impact=min(1.0, share),
    )
