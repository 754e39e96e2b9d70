"""An application is refused again and again for want of a right on MySQL or MariaDB."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import NO_LOCK, advice
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import qualified
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="permission_error",
    title=Say(en="A right is missing", zh="缺少权限"),
    checks=("mysql.permission_errors",),
)
_TIMES = Say(
    en="{times:count} statement{times:|s} {times:was|were} refused so.", zh="共有 {times:count} 条语句因此被拒绝。"
)
_STATEMENT = Say(en="This statement fails at every call: {statement:code}", zh="该语句每次执行都失败：{statement:code}")
_GRANT = Say(en="Grant {right} on {object} to {account}", zh="授予 {account} 对 {object} 的 {right} 权限")
_ASK = Say(
    en="First ask whether the application should have it: it may have been taken away on purpose.",
    zh="请先确认应用是否应有该权限：也可能是有意收回的。",
)
_LOOK = Say(
    en="Find who is refused in the application's log, and grant what it needs",
    zh="从应用日志中找出被拒绝的账号，授予其所需权限",
)
_VERIFY = Say(en="no further statement is refused", zh="不再有语句被拒绝")
_COUNT = (
    "SELECT ERROR_NAME, SUM_ERROR_RAISED, LAST_SEEN FROM performance_schema.events_errors_summary_global_by_error"
    " WHERE ERROR_NUMBER IN (1044, 1142, 1143, 1227, 1370) AND SUM_ERROR_RAISED > 0;"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.permission_errors"):
        details = finding.details
        is_named = details["kind"] == "seen" and details["right"] and details["what"] in ("table", "routine")
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind=finding.object_kind,
            severity=finding.severity,
            confidence=0.9 if details["kind"] == "seen" else 0.6,
            summary=finding.message,
            because=_because(finding),
            evidence=finding.evidence,
            remedies=(_grant(finding) if is_named else advice(_LOOK(), _VERIFY(), verify_statement=_COUNT),),
            rests_on=(finding.fingerprint,),
        )


def _because(finding: Finding) -> tuple[Message, ...]:
    statement = finding.details.get("statement")
    times = _TIMES(times=finding.details["times"])
    return (times, _STATEMENT(statement=statement)) if statement else (times,)


def _grant(finding: Finding) -> Remedy:
    details = finding.details
    named = details["object"].replace("`", "").split(".")
    schema = details["schema"] if len(named) == 1 else named[0]
    target = qualified(schema, named[-1]) if schema else named[-1]
    right, account = details["right"], details["account"]
    on = f"PROCEDURE {target}" if details["what"] == "routine" else target
    return Remedy(
        title=_GRANT(right=right, object=target, account=account),
        statements=(f"GRANT {right} ON {on} TO {account};",), lock=NO_LOCK(), risk="medium", when="now",
        rollback=(f"REVOKE {right} ON {on} FROM {account};",), verify=_VERIFY(),
        verify_statement=f"SHOW GRANTS FOR {account};", caution=_ASK(),
    )  # fmt: skip
