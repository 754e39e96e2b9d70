"""A timeout ends the application's own work before it can finish.

Only short limits are blamed: a limit of minutes that strikes shows a slow statement, and the limit does its work.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import RELOAD, reset_stored
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="timeout_too_short",
    title=Say("Timeout too short for the work", "超时过短，工作无法完成"),
    checks=("postgresql.timeouts_too_short", "postgresql.rollback_ratio", "postgresql.error_log"),
)
_SUMMARY = Say(
    "{name} of {value:duration} for {scope} ends the application's own statements.",
    "{scope} 的 {name} 为 {value:duration}，会中断应用自身的语句。",
)
_COUNT = Say(
    "It struck {count:count} time{count:|s} within the last 15 minutes.", "最近 15 分钟内触发了 {count:count} 次。"
)
_SHARE = Say(
    "{share:percent} of the transactions were rolled back; the log, which would name the error, could not be read.",
    "有 {share:percent} 的事务被回滚；能指明具体错误的服务器日志无法读取。",
)
_STATEMENT = Say("One of the statements that it ended: {statement:code}.", "被中断的语句之一：{statement:code}。")
_RAISE = Say(
    "Set {name} to {value}, above what the work needs, and make the slow statement faster",
    "将 {name} 设为 {value}，高于实际所需，同时优化较慢的语句",
)
_RAISE_LOCK = Say(
    "none; new sessions take it over, running ones keep the old value", "无锁；新会话生效，已有会话保持旧值"
)
_SUMMARY_IDLE = Say(
    "{name} of {value:duration} for {scope} ends the application's sessions between two statements.",
    "{scope} 的 {name} 只有 {value:duration}，在两条语句之间就中断应用的会话。",
)
_RAISE_IDLE = Say(
    "Set {name} to {value}, longer than the application or its pool leaves a session without a statement",
    "将 {name} 设为 {value}，长于应用或连接池两次语句之间的间隔",
)
_UNCOUNTED = Say("How often it struck, only the server's log would tell.", "触发了多少次，只有服务器日志能说明。")
_VERIFY = Say("new sessions show {value} and the errors stop", "新会话显示 {value}，且不再报错")
_SANE = {
    "statement_timeout": "30s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s",
    "idle_session_timeout": "1h", "transaction_timeout": "5min",
}  # fmt: skip
"""Limits that end what has gone wrong and let the usual work of an application finish."""


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.timeouts_too_short"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    because: list[Message] = [_how_often(details["count"], details["share"])]
    if details["statement"]:
        because.append(_STATEMENT(statement=details["statement"][:200]))
    kinds = ("statement_timeout", "lock_timeout", "idle_timeout", "cancelled")
    explained = [
        *found.of("postgresql.rollback_ratio"),
        *(each for each in found.of("postgresql.error_log") if each.object in kinds),
    ]
    return Cause(
        id=CAUSE.id,
        object=details["name"],
        object_kind="setting",
        severity=finding.severity,
        confidence=0.95 if details["share"] is None and details["count"] is not None else 0.7,
        summary=(_SUMMARY_IDLE if "idle" in details["name"] else _SUMMARY)(
            name=details["name"], value=details["seconds"], scope=details["scope"]
        ),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=_remedies(finding),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in explained),
    )


def _how_often(count: int | None, share: float | None) -> Message:
    if share is not None:
        return _SHARE(share=share)
    return _UNCOUNTED() if count is None else _COUNT(count=count)


def _remedies(finding: Finding) -> tuple[Remedy, ...]:
    details = finding.details
    name, value = details["name"], _SANE[details["name"]]
    if details["value"] is None:
        raised, undo = f"ALTER SYSTEM SET {name} = '{value}';", f"ALTER SYSTEM SET {name} = '{details['seconds']:g}s';"
        return (_raise(name, value, (raised, RELOAD), (undo, RELOAD)),)
    owner = _owner(details["role"], details["database"])
    old = quote_literal(details["value"])
    statement, undo = f"ALTER {owner} SET {name} = '{value}';", f"ALTER {owner} SET {name} = {old};"
    return (
        _raise(name, value, (statement,), (undo,)),
        reset_stored(name, details["value"], details["database"], details["role"], details["scope"]),
    )


def _raise(name: str, value: str, statements: tuple[str, ...], rollback: tuple[str, ...]) -> Remedy:
    return Remedy(
        title=(_RAISE_IDLE if "idle" in name else _RAISE)(name=name, value=value),
        statements=statements,
        lock=_RAISE_LOCK(),
        risk="low",
        when="now",
        rollback=rollback,
        verify=_VERIFY(value=value),
        verify_statement="SELECT setdatabase, setrole, setconfig FROM pg_catalog.pg_db_role_setting;",
    )


def _owner(role: str | None, database: str | None) -> str:
    if role is None and database is not None:
        return f"DATABASE {quote_identifier(database)}"
    owner = f"ROLE {quote_identifier(role) if role else 'ALL'}"
    return f"{owner} IN DATABASE {quote_identifier(database)}" if database else owner
