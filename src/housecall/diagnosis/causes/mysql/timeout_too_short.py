"""A time limit of MySQL or MariaDB ends statements or sessions in the middle of ordinary work."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import fingerprints, set_global
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="timeout_too_short",
    title=Say("A time limit that is too short", "超时设置过短"),
    checks=("mysql.short_timeouts",),
)
_STATEMENTS = Say(
    "{name} is {limit:duration}, which ended {count:count} statement{count:|s} since the server started.",
    "{name} 为 {limit:duration}，启动以来已终止 {count:count} 条语句。",
)
_SESSIONS = Say(
    "{name} is {limit:duration}, and {count:count} connection{count:|s} ended without a goodbye since the server"
    " started.",
    "{name} 为 {limit:duration}，启动以来有 {count:count} 个连接异常中断。",
)
_RATE = Say(
    "That is {rate:number} an hour; {window:count} while we looked.",
    "即每小时 {rate:number} 次；检查期间 {window:count} 次。",
)
_NOW = Say("{window:count} of them while we looked.", "其中检查期间 {window:count} 次。")
_CUT = Say(
    "{name} is {limit:duration}: the server ended {count:count} connection{count:|s} for it since it started.",
    "{name} 为 {limit:duration}，启动以来服务器因此断开了 {count:count} 个连接。",
)
_LONGER = Say("Give them time: {name} = {value}", "放宽限制：{name} = {value}")
_FEWER = Say("{counter} grows no more", "{counter} 不再增长")
_CAUTION = Say(
    "Somebody may have set it against runaway statements: choose a limit just above the slowest one that is wanted, or"
    " set it in the sessions that need it.",
    "可能是为防止失控语句而设置：请选择略高于最慢正常语句的值，或只在需要的会话中设置。",
)
_IDLE = Say(
    "It ends idle connections, so that a pool must renew its own before that: keep the pool's maximum idle time below"
    " it. Sessions that are connected keep the old value.",
    "它会断开空闲连接，连接池应在此之前更换连接：请让连接池的最大空闲时间小于该值。已有会话保持原值。",
)
HOUR_SECONDS = 3600.0
"""Counted for less, a rate an hour would be made up."""
_LONG_ENOUGH = {"max_execution_time": "30000", "max_statement_time": "30"}
"""Half a minute: what a person waits for at most (our proposal). Else the server's default."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.short_timeouts"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, found, now)


def _cause(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details = finding.details
    say = _STATEMENTS if not details["cuts_sessions"] else _CUT if details["is_certain"] else _SESSIONS
    told = _RATE if details["uptime"] >= HOUR_SECONDS else _NOW
    value = _LONG_ENOUGH.get(details["name"], details["default"])
    waits = found.of("mysql.lock_wait_timeouts") if details["counted_by"] == "lock_timeouts" else ()
    aborted = [each for each in found.of("mysql.aborted_connections") if each.object == details["counted_by"]]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="setting",
        severity=finding.severity,
        confidence=0.9 if details["is_certain"] else 0.6,
        summary=say(name=details["name"], limit=details["seconds"], count=details["count"]),
        because=(told(rate=details["rate"], window=details["window"]),),
        evidence=finding.evidence,
        remedies=(
            set_global(
                _LONGER(name=details["name"], value=value), details["name"], value, f"{details['value']:g}",
                now.facts.version.flavour, verify=_FEWER(counter=details["counted_by"]),
                caution=(_IDLE if details["name"] == "wait_timeout" else _CAUTION)(),
            ),
        ),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints([*waits, *aborted]),
    )  # fmt: skip
