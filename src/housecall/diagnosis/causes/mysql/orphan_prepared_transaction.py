"""An XA transaction of MySQL or MariaDB that its coordinator prepared and never finished.

It has no session, so no KILL ends it. Which way it must go is known to the coordinator alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.mysql._sessions import (
    BLOCKED,
    LONGEST_WAIT,
    explained_by_queue,
    fingerprints,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="orphan_prepared_transaction",
    title=Say("An abandoned XA transaction", "悬挂的 XA 事务"),
    checks=("mysql.prepared_transactions", BLOCKED),
)
_SUMMARY = Say(
    "XA transaction '{name}' is prepared and was never finished; it is up to {age:duration} old and keeps its locks.",
    "XA 事务 '{name}' 已准备但一直未结束，最长已 {age:duration}，并一直持有锁。",
)
_LOCKS = Say(
    "Transactions without a session hold locks on {rows:count} row{rows:|s}; there {total:is|are} {total:count} in"
    " all.",
    "没有会话的事务共锁定 {rows:count} 行，总计 {total:count} 个。",
)
_ROLL_BACK = Say("Roll back '{name}', when its coordinator says so", "在协调者确认后回滚 '{name}'")
_COMMIT = Say("Commit '{name}', when its coordinator says so", "在协调者确认后提交 '{name}'")
_CAUTION = Say(
    "Ask the coordinator (transaction manager) first: when the other databases committed this one must commit too."
    " Needs XA_RECOVER_ADMIN on MySQL.",
    "请先向协调者（事务管理器）确认：若其他库已提交，此事务也必须提交。MySQL 需要 XA_RECOVER_ADMIN 权限。",
)
_FREES = Say("Takes no lock; it frees those of the transaction.", "自身不加锁，并释放该事务的锁。")
_FINAL = Say("Cannot be undone: the decision is final.", "无法撤销：决定是最终的。")
_GONE = Say("XA RECOVER does not list '{name}' any more", "XA RECOVER 不再列出 '{name}'")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    queues = [each for each in found.of(BLOCKED) if each.details["kind"] == "prepared"]
    told = {each.object: each for each in found.of("mysql.prepared_transactions")}
    for finding in queues:
        yield _cause(finding, told.pop(finding.object, None), found)
    for finding in told.values():
        if finding.severity.rank >= Severity.NOTICE.rank and not queues:
            yield _cause(None, finding, found)


def _cause(queue: Finding | None, prepared: Finding | None, found: Found) -> Cause:
    finding = queue or prepared
    assert finding is not None
    names = queue.details["prepared"] if queue else [finding.details]
    name = names[0] if names else {"name": finding.object, "xid": None, "seconds": None, "rows_locked": 0}
    waits = (LONGEST_WAIT(waiting=queue.details["waiting"], longest=queue.details["longest_seconds"]),) if queue else ()
    known = [each for each in (queue, prepared) if each is not None]
    severity = max((each.severity for each in known), key=lambda each: each.rank)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="prepared_transaction",
        severity=severity,
        confidence=0.95 if len(names) == 1 else 0.7,
        summary=_SUMMARY(name=name["name"], age=name["seconds"]),
        because=(*waits, _LOCKS(rows=name["rows_locked"], total=len(names) if queue else finding.details["total"])),
        evidence=tuple(evidence for each in known for evidence in each.evidence),
        remedies=(_finish(name, "ROLLBACK"), _finish(name, "COMMIT")) if name["xid"] else (),
        rests_on=fingerprints(known),
        absorbs=(*(explained_by_queue(found, queue) if queue else ()), *fingerprints(_others(found))),
        holds_up=share_held_up(queue.details) if queue else 0.0,
    )


def _others(found: Found) -> tuple[Finding, ...]:
    """What an unfinished transaction holds back when no session does."""
    return tuple(each for each in found.of("mysql.history_list") if each.object == "server")


def _finish(name: Mapping[str, Any], how: str) -> Remedy:
    title = _ROLL_BACK if how == "ROLLBACK" else _COMMIT
    return Remedy(
        title=title(name=name["name"]),
        statements=(f"XA {how} {name['xid']};",),
        lock=_FREES(),
        risk="high",
        when="now",
        rollback=(),
        rollback_note=_FINAL(),
        verify=_GONE(name=name["name"]),
        verify_statement="XA RECOVER;",
        caution=_CAUTION(),
    )
