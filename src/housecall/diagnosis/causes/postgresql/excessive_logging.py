"""The log takes every statement, or more; writing it slows the sessions and fills the disk."""

from collections.abc import Iterator
from dataclasses import replace

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import reset_stored, set_setting
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="excessive_logging",
    title=Say(en="Excessive logging", zh="日志记录过多"),
    checks=("postgresql.excessive_logging",),
)
_SUMMARY = Say(
    en="{name} = {value} writes every statement to the log.",
    zh="{name} = {value} 会把每条语句都写入日志。",
)
_SUMMARY_OF = Say(
    en="{name} = {value} writes every statement of {scope} to the log.",
    zh="{name} = {value} 会把 {scope} 的每条语句都写入日志。",
)
_WHY = Say(
    en="Each session waits for its log line, the log fills the disk, and values of statements stay in it in clear"
    " text.",
    zh="每个会话都要等待日志写入，日志会占满磁盘，语句中的数据也会以明文留存。",
)
_CAUTION = Say(
    en="Ask first whether an audit needs it; the extension pgaudit is made for that.",
    zh="先确认是否为审计所需；审计应使用 pgaudit 扩展。",
)
GOOD = {"log_statement": "ddl", "log_min_duration_statement": "1s", "log_min_messages": "warning"}


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.excessive_logging"):
        name = finding.object
        yield Cause(
            id=CAUSE.id,
            object=name,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9,
            summary=_summary(finding),
            because=(_WHY(),),
            evidence=finding.evidence,
            remedies=(_remedy(finding),),
            rests_on=(finding.fingerprint,),
        )


def _summary(finding: Finding) -> Message:
    details = finding.details
    if details["scope"]:
        return _SUMMARY_OF(name=details["name"], value=details["value"], scope=details["scope"])
    return _SUMMARY(name=details["name"], value=details["value"])


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    name, value = details["name"], details["value"]
    if details["scope"]:
        taken_back = reset_stored(name, value, details["database"], details["role"], details["scope"])
        return replace(taken_back, caution=_CAUTION())
    return set_setting(name, GOOD.get(name, "off"), value, caution=_CAUTION())
