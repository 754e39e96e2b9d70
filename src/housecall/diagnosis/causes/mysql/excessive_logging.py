"""MySQL or MariaDB writes every statement to a log."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, set_global
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="excessive_logging",
    title=Say("Every statement is logged", "日志记录过多"),
    checks=("mysql.excessive_logging",),
)
_RATE = Say(
    "That makes {rate:number} entries a second on average in the log ({output}).",
    "平均每秒向日志（{output}）写入 {rate:number} 条。",
)
_OFF = Say("Switch it off: {name} = {value}", "关闭：{name} = {value}")
_QUIET = Say(
    "{name} is {value}, and the log grows no more with every statement", "{name} 为 {value}，日志不再随每条语句增长"
)
_CAUTION = Say(
    "Somebody may have switched it on to look for something: ask. Remove or rotate the file by the server's own means"
    " (FLUSH LOGS), and mind that it may hold personal data.",
    "可能有人为排查问题而打开，请先确认。日志文件请用服务器自身方式轮转（FLUSH LOGS），并注意其中可能含个人数据。",
)
_AUDIT = Say(
    "Agree with those who need the audit on fewer events (CONNECT, QUERY_DDL, QUERY_DCL instead of every query)",
    "与需要审计的人员商定减少事件（如 CONNECT、QUERY_DDL、QUERY_DCL，而不是全部查询）",
)
_AUDITED = Say("the audit log holds the events that were agreed on", "审计日志只包含商定的事件")
_SOUND = {
    "general_log": "OFF",
    "long_query_time": "1",
    "log_slow_query_time": "1",
    "log_queries_not_using_indexes": "OFF",
}


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.excessive_logging"):
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9,
            summary=finding.message,
            because=(_RATE(rate=details["rate"], output=details["output"]),),
            evidence=finding.evidence,
            remedies=(_remedy(finding, now),),
            rests_on=(finding.fingerprint,),
        )


def _remedy(finding: Finding, now: Snapshot) -> Remedy:
    name, value = finding.details["name"], _SOUND.get(finding.details["name"])
    if value is None:
        return application_change(_AUDIT(), _AUDITED(), f"SHOW GLOBAL VARIABLES LIKE '{name.split('_log')[0]}%';")
    return set_global(
        _OFF(name=name, value=value), name, value, finding.details["value"], now.facts.version.flavour,
        verify=_QUIET(name=name, value=value), caution=_CAUTION(),
    )  # fmt: skip
