"""A program, or somebody who guesses, is refused at every login."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="login_failures",
    title=Say("Logins are refused again and again", "登录反复被拒绝"),
    checks=("postgresql.failed_logins", "postgresql.error_log"),
)
_SUMMARY = Say(
    "Logins as {name} are refused again and again ({count:count} within 15 minutes): {message}",
    "以 {name} 登录反复被拒绝（15 分钟内 {count:count} 次）：{message}",
)
_MEND = Say(
    "Find the program by its address (log_connections, %h in log_line_prefix) and correct its password, database or"
    " address; when nobody owns it, somebody guesses: close the port to that address",
    "通过来源地址找到该程序（log_connections，在 log_line_prefix 中加 %h），修正其密码、数据库名或地址；若无人认领，"
    "则可能是有人在猜密码：对该地址关闭端口",
)
_VERIFY = Say("no further refused login in the log", "日志中不再出现登录失败")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.failed_logins"):
        if finding.severity.rank < Severity.WARNING.rank:
            continue
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="role",
            severity=finding.severity,
            confidence=0.9,
            summary=_SUMMARY(name=details["name"], count=details["count"], message=details["message"][:200]),
            because=(),
            evidence=finding.evidence,
            remedies=(application_change(_MEND(), _VERIFY()),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(
                each.fingerprint for each in found.of("postgresql.error_log") if each.object == "login_failed"
            ),
        )
