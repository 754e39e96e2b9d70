"""A session keeps a whole table locked by LOCK TABLE, and the others wait for it.

The session that holds the lock is to blame, whether it works or idles; those that wait are victims.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.postgresql._sessions import (
    BLOCKED,
    LAST_STATEMENT,
    LONGEST_WAIT,
    application_change,
    end_session,
    explained_by_queue,
    fingerprints,
    lasting_queues,
    limit_role,
    session_evidence,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="table_level_locking",
    title=Say("A whole table is locked", "整表被锁"),
    checks=("postgresql.table_locks", BLOCKED, "postgresql.idle_in_transaction", "postgresql.long_transactions"),
)
_SUMMARY = Say(
    "Session pid {pid} (user {user}, {state}) holds {mode} on all of {table} by LOCK TABLE; {waiting:count}"
    " session{waiting:|s} {waiting:waits|wait} behind it.",
    "会话 pid {pid}（用户 {user}，{state}）通过 LOCK TABLE 对整张表 {table} 持有 {mode}；后面有 {waiting:count}"
    " 个会话在等待。",
)
_OPEN = Say("Its transaction has been open for {transaction:duration}.", "它的事务已打开 {transaction:duration}。")
_ROWS = Say(
    "Lock the rows that change (SELECT ... FOR UPDATE), or take an advisory lock in place of LOCK TABLE on"
    " {table}; what"
    " must lock a table commits at once and sets lock_timeout",
    "改为锁定要修改的行（SELECT ... FOR UPDATE），或用咨询锁代替对 {table} 的 LOCK TABLE；"
    "确需锁表的操作应立即提交并设置 "
    "lock_timeout",
)
_VERIFY = Say("no session waits for the table", "没有会话再等待该表")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    locks = {each.details["pid"]: each for each in reversed(found.of("postgresql.table_locks"))}
    for queue in lasting_queues(found):
        root = queue.details["root"]
        lock = locks.get(root["pid"]) if root else None
        if lock and queue.details["kind"] in ("idle_in_transaction", "running") and lock.details["waiting"]:
            yield _cause(queue, lock, found)


def _cause(queue: Finding, lock: Finding, found: Found) -> Cause:
    root, details = queue.details["root"], queue.details
    waiting, total = details["waiting"], details["session_total"]
    explained = (queue, *explained_by_queue(found, root["pid"], waiting, total))
    return Cause(
        id=CAUSE.id,
        object=queue.object,
        object_kind="session",
        severity=queue.severity,
        confidence=0.97,
        summary=_SUMMARY(
            pid=root["pid"], user=root["user"], state=root["state"] or "?", mode=lock.details["mode"],
            table=lock.object, waiting=waiting,
        ),
        because=(
            LONGEST_WAIT(waiting=waiting, longest=details["longest_seconds"]),
            _OPEN(transaction=root["transaction_seconds"]),
            LAST_STATEMENT(statement=root["statement"]),
        ),
        evidence=(*queue.evidence[:3], *lock.evidence[:3], *session_evidence(root)),
        remedies=(
            end_session(root),
            *limit_role(root["user"], "idle_in_transaction_session_timeout", "60s"),
            application_change(_ROWS(table=lock.object), _VERIFY()),
        ),
        rests_on=(lock.fingerprint,),
        absorbs=fingerprints(explained),
        holds_up=share_held_up(details),
    )  # fmt: skip
