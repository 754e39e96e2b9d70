"""The log takes every statement, or more; writing it slows the sessions and fills the disk."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import set_setting
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="excessive_logging",
    title=Say(en="Excessive logging", zh="日志记录过多"),
    checks=("postgresql.excessive_logging",),
)
_SUMMARY = Say(
    en="{name} = {value} writes every statement to the log.",
    zh="{name} = {value} 会把每条语句都写入日志。",
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
            summary=_SUMMARY(name=name, value=finding.details["value"]),
            because=(_WHY(),),
            evidence=finding.evidence,
            remedies=(set_setting(name, GOOD.get(name, "off"), finding.details["value"], caution=_CAUTION()),),
            rests_on=(finding.fingerprint,),
        )
