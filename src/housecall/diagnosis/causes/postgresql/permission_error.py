"""Statements fail because the role lacks a privilege: it was never given, was taken away, or the owner changed.

The grant names the role, the object and the privilege that the failed statement needs.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="permission_error",
    title=Say("A role lacks a privilege", "角色缺少权限"),
    checks=("postgresql.permission_errors", "postgresql.rollback_ratio", "postgresql.error_log"),
)
_SUMMARY = Say(
    "Statements fail because role {role} has no permission for {object}.",
    "角色 {role} 没有 {object} 的权限，语句因此失败。",
)
_POLICY = Say(
    "Statements fail because a row-level security policy of {object} refuses the rows of role {role}.",
    "角色 {role} 的行被 {object} 的行级安全策略拒绝，语句因此失败。",
)
_SAYS = Say("The server's log: {message}", "服务器日志：{message}")
_STATEMENT = Say("The statement: {statement:code}.", "语句：{statement:code}。")
_SUSPECTED = Say(
    "Seen from the rights and the rolled back transactions; the log, which would say it outright, could not be read.",
    "这是从权限和被回滚的事务推断的；能直接证实它的服务器日志无法读取。",
)
_GRANT = Say(
    "Give role {role} the privilege {privilege} on {object}", "授予角色 {role} 对 {object} 的 {privilege} 权限"
)
_LOCK = Say("a row of the catalogue for a moment; nobody waits", "仅短暂锁定系统表的一行，不阻塞任何会话")
_VERIFY = Say("the privilege is there (true) and the errors stop", "权限检查为真，且不再报错")
_CAUTION = Say(
    "Ask first whether somebody took it away on purpose, and grant no more than the application needs.",
    "请先确认该权限是否被有意收回，并且只授予应用所需的权限。",
)
_OWNER = Say(
    "GRANT does not help: only the owner of {object} may do this. Run it as the owner, or change the owner",
    "GRANT 无法解决：只有 {object} 的所有者才能执行该操作。请以所有者身份执行，或变更所有者",
)
_MEND_POLICY = Say(
    "Look at the policies of {object} (pg_policies): correct the policy, or the setting by which the application says"
    " who it is",
    "检查 {object} 的策略（pg_policies）：修正策略，或修正应用用来标识身份的设置",
)
_ASK = Say(
    "GRANT the missing privilege to the role that runs the statement; the log's line or the application names it",
    "用 GRANT 把缺少的权限授予执行该语句的角色；日志或应用程序会指出是哪个角色",
)
_VERBS = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|TRUNCATE)\b", re.I)
_PRIVILEGES = {
    "sequence": "USAGE, SELECT", "schema": "USAGE", "function": "EXECUTE", "procedure": "EXECUTE", "type": "USAGE",
    "routine": "EXECUTE", "database": "CONNECT",
}  # fmt: skip
_TESTS = {
    "table": "has_table_privilege", "sequence": "has_sequence_privilege", "schema": "has_schema_privilege",
    "database": "has_database_privilege",
}  # fmt: skip


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.permission_errors"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    because: list[Message] = []
    if details["message"]:
        because.append(_SAYS(message=details["message"][:300]))
    if details["statement"]:
        because.append(_STATEMENT(statement=details["statement"][:200]))
    if not details["from_log"]:
        because.append(_SUSPECTED())
    explained = [
        *found.of("postgresql.rollback_ratio"),
        *(each for each in found.of("postgresql.error_log") if each.object == "permission"),
    ]
    say = _POLICY if details["is_policy"] else _SUMMARY
    return Cause(
        id=CAUSE.id,
        object=details["object"],
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.95 if details["from_log"] else 0.6,
        summary=say(role=details["role"] or "?", object=details["object"]),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=(_remedy(finding),),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in explained),
    )


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    kind, role, name = details["kind"], details["role"], details["object"]
    if details["is_policy"]:
        return application_change(_MEND_POLICY(object=name), _VERIFY())
    if details["is_owner"]:
        return application_change(_OWNER(object=name), _VERIFY())
    if not role or kind not in ("table", *_PRIVILEGES):
        return application_change(_ASK(), _VERIFY())
    privilege = _PRIVILEGES.get(kind) or _needed(details["statement"])
    return _grant(kind, name, role, privilege)


def _grant(kind: str, name: str, role: str, privilege: str) -> Remedy:
    target = name if kind in ("table", "type") else quote_identifier(name) if kind != "function" else name
    on = f"{'' if kind == 'table' else kind.upper() + ' '}{target}"
    to = quote_identifier(role)
    test = _TESTS.get(kind)
    checked = privilege.partition(",")[0]
    return Remedy(
        title=_GRANT(role=role, privilege=privilege, object=name),
        statements=(f"GRANT {privilege} ON {on} TO {to};",),
        lock=_LOCK(),
        risk="low",
        when="now",
        rollback=(f"REVOKE {privilege} ON {on} FROM {to};",),
        verify=_VERIFY(),
        verify_statement=(
            f"SELECT {test}({quote_literal(role)}, {quote_literal(target)}, {quote_literal(checked)}) AS may;"
            if test
            else None
        ),
        caution=_CAUTION(),
    )


def _needed(statement: str | None) -> str:
    """The privileges that a failed statement needs, by its verbs; reading when no statement is known."""
    found = list(dict.fromkeys(each.upper() for each in _VERBS.findall(statement or "")))
    return ", ".join(found) or "SELECT"
