"""An application cannot log in to MySQL or MariaDB: its account is locked, its password has expired, or TLS is missing.

That it connects again and again, and that many connections fail, is what follows.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import fingerprints
from housecall.diagnosis.causes.mysql._settings import NO_LOCK, advice
from housecall.diagnosis.checks.mysql.failed_logins import EXPIRED, LOCKED
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="permission_error",
    title=Say("An account that may not log in", "账号无法登录"),
    checks=("mysql.failed_logins", "mysql.aborted_connections", "mysql.connection_churn", "mysql.thread_cache"),
)
_SEEN = Say("The server counts these refusals by their number.", "服务器按错误编号统计了这些拒绝。")
_CONCLUDED = Say(
    "Logins fail otherwise than by a wrong password, which is counted apart, while this account is locked.",
    "登录失败并非密码错误（密码错误单独计数），而该账号正处于锁定状态。",
)
_SEVERAL = Say("Which of them is refused cannot be told from here.", "在这里无法判断具体是哪一个被拒绝。")
_UNLOCK = Say("Unlock {account}", "解锁 {account}")
_ASK = Say(
    "First ask who locked it and why: it may have been locked on purpose, because its password got out.",
    "请先确认是谁、为何锁定：也可能是因密码泄露而有意锁定。",
)
_WHICH = Say(
    "Find in the application's log which account it uses, and unlock that one (ALTER USER … ACCOUNT UNLOCK)",
    "从应用日志中确认其使用的账号，只解锁该账号（ALTER USER … ACCOUNT UNLOCK）",
)
_PASSWORD = Say(
    "Give the account a new password (ALTER USER … IDENTIFIED BY …) and the application with it; a program cannot"
    " answer the question for a new one, so let its account's password not expire by age (PASSWORD EXPIRE NEVER)",
    "为该账号设置新密码（ALTER USER … IDENTIFIED BY …）并更新应用配置；程序无法自行更换密码，"
    "应让其账号的密码不按时间过期（PASSWORD EXPIRE NEVER）",
)
_TLS = Say(
    "Let the application connect by TLS (ssl-mode=REQUIRED or the driver's own word), or find who set"
    " require_secure_transport and why",
    "让应用通过 TLS 连接（ssl-mode=REQUIRED 或驱动的对应选项），或查明是谁、为何打开了 require_secure_transport",
)
_VERIFY = Say("the application logs in, and no further login is refused", "应用可以登录，不再有登录被拒绝")
_COUNT = (
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Aborted_connects', 'Locked_connects', 'Access_denied_errors',"
    " 'Connections');"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.failed_logins"):
        details = finding.details
        failed = [each for each in found.of("mysql.aborted_connections") if each.object == "Aborted_connects"]
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind=finding.object_kind,
            severity=finding.severity,
            confidence=0.9 if details["is_seen"] else 0.75,
            summary=finding.message,
            because=_because(finding),
            evidence=finding.evidence,
            remedies=(_remedy(finding),),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints([*failed, *found.of("mysql.connection_churn", "mysql.thread_cache")]),
        )


def _because(finding: Finding) -> tuple[Message, ...]:
    details = finding.details
    how = _SEEN() if details["is_seen"] else _CONCLUDED()
    return (how, _SEVERAL()) if len(details["accounts"]) > 1 else (how,)


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    if details["kind"] == EXPIRED:
        return advice(_PASSWORD(), _VERIFY(), verify_statement=_COUNT, when="now")
    if details["kind"] != LOCKED:
        return advice(_TLS(), _VERIFY(), verify_statement=_COUNT, when="now")
    account = details["account"]
    if account is None or "@" not in account:
        return advice(_WHICH(), _VERIFY(), verify_statement=_COUNT, when="now", caution=_ASK())
    return Remedy(
        title=_UNLOCK(account=account), statements=(f"ALTER USER {account} ACCOUNT UNLOCK;",), lock=NO_LOCK(),
        risk="medium", when="now", rollback=(f"ALTER USER {account} ACCOUNT LOCK;",), verify=_VERIFY(),
        verify_statement=_COUNT, caution=_ASK(),
    )  # fmt: skip
