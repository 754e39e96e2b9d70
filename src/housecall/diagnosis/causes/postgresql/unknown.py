"""Something is wrong that cannot be named, for want of a look at it: the symptom, and what would let it be seen.

Only where a symptom is measured. What could merely not be looked at is told by the checks themselves.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="unknown",
    title=Say("Unknown for want of a look", "因无法查看而原因不明"),
    checks=(
        "postgresql.rollback_ratio", "postgresql.error_log", "postgresql.permission_errors",
        "postgresql.timeouts_too_short", "postgresql.deadlocks",
    ),
)  # fmt: skip
FAILING_SHARE = 0.2
"""Of the transactions: applications roll a few back by themselves, a fifth shows errors."""
_FAILING = Say(
    "{share:percent} of the transactions are rolled back; which error does it only the server's log tells, and"
    " that could"
    " not be read.",
    "有 {share:percent} 的事务被回滚；只有服务器日志能说明是什么错误，而日志无法读取。",
)
_WHY_NOT = Say("The log could not be read: {reason}.", "日志无法读取：{reason}。")
_LET = Say("Let Housecall read the end of the log: {remedy:code}", "允许 Housecall 读取日志末尾：{remedy:code}")
_LOOK = Say("Look for ERROR in the server's log, or in the application's", "在服务器日志或应用日志中查找 ERROR")
_VERIFY = Say("the next examination names the error", "下次检查即可指出具体错误")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    missing = found.not_looked("postgresql.error_log")
    named = [
        each
        for each in found.of("postgresql.permission_errors", "postgresql.timeouts_too_short", "postgresql.deadlocks")
        if each.severity.rank >= Severity.NOTICE.rank
    ]
    failing = [each for each in found.of("postgresql.rollback_ratio") if each.details["share"] >= FAILING_SHARE]
    isolated = any(each.details["isolation"] != "read committed" for each in failing)
    if missing and failing and not named and not isolated:
        yield _cause(failing[0], missing)


def _cause(finding: Finding, missing: NotEvaluated) -> Cause:
    reason = missing.reason.render() if isinstance(missing.reason, Message) else str(missing.reason)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="database",
        severity=Severity.NOTICE,
        confidence=0.3,
        summary=_FAILING(share=finding.details["share"]),
        because=(_WHY_NOT(reason=reason),),
        evidence=finding.evidence,
        remedies=(_remedy(missing),),
        rests_on=(finding.fingerprint,),
    )


def _remedy(missing: NotEvaluated) -> Remedy:
    if isinstance(missing.remedy, str):
        return application_change(_LET(remedy=missing.remedy), _VERIFY())
    return application_change(_LOOK(), _VERIFY())
