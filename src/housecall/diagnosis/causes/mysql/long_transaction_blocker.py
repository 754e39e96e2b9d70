"""A session of MySQL or MariaDB that works in a transaction while others wait for the locks it holds.

Unlike an idle blocker it will finish by itself; the question is whether its work is worth the queue.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.mysql._sessions import (
    BLOCKED,
    INFERRED,
    LONGEST_WAIT,
    WAITING,
    application_change,
    cancel_statement,
    explained_by_queue,
    session_evidence,
    told,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="long_transaction_blocker",
    title=Say("A running transaction blocks others", "正在执行的事务阻塞了其他会话"),
    checks=(BLOCKED,),
)
_SUMMARY = Say(
    "Session {id} (user {user} from {client}) is running a statement that blocks {waiting:count} session{waiting:|s} on"
    " {table}.",
    "会话 {id}（用户 {user}，来自 {client}）正在执行的语句在 {table} 上阻塞了 {waiting:count} 个会话。",
)
_SUMMARY_NO_TABLE = Say(
    "Session {id} (user {user} from {client}) is running a statement that blocks {waiting:count} session{waiting:|s}.",
    "会话 {id}（用户 {user}，来自 {client}）正在执行的语句阻塞了 {waiting:count} 个会话。",
)
_HIDDEN_NO_TABLE = Say(
    "{waiting:count} session{waiting:|s} {waiting:waits|wait} for a lock that {holder} holds.",
    "有 {waiting:count} 个会话在等待由 {holder} 持有的锁。",
)
_HIDDEN = Say(
    "{waiting:count} session{waiting:|s} {waiting:waits|wait} for a lock on {table} that {holder} holds.",
    "有 {waiting:count} 个会话在等待 {table} 上由 {holder} 持有的锁。",
)
_RUNNING = Say(
    "Its statement has been running for {running:duration}, its transaction has been open for {transaction:duration}.",
    "它的语句已执行 {running:duration}，事务已打开 {transaction:duration}。",
)
_BATCHES = Say(
    "Split the work into batches of some thousand rows with a COMMIT after each, and let its conditions use an index",
    "把工作拆成每批几千行并逐批提交，并让其条件能使用索引",
)
_NOBODY = Say("nobody waits for a lock for long", "不再有会话长时间等锁")
_LOOK = Say(
    "Find who holds the lock: SHOW ENGINE INNODB STATUS names every open transaction with its locks and rows",
    "找出锁的持有者：SHOW ENGINE INNODB STATUS 列出每个打开的事务及其锁",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of(BLOCKED):
        if finding.details["kind"] == "running":
            yield _running(finding, found)
        elif finding.details["kind"] == "unknown":
            yield _hidden(finding, found)


def _running(finding: Finding, found: Found) -> Cause:
    root, details = finding.details["root"], finding.details
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=min(0.9, details["confidence"]),
        summary=(_SUMMARY if details["table"] else _SUMMARY_NO_TABLE)(
            id=root["id"], user=root["user"], client=root["client"], waiting=details["waiting"],
            table=details["table"],
        ),
        because=(
            LONGEST_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]),
            _RUNNING(running=root["seconds"], transaction=root["transaction_seconds"]),
            *told(root, seen=details["seen"]),
        ),
        evidence=(*finding.evidence, *session_evidence(root)),
        remedies=(cancel_statement(root), application_change(_BATCHES(), _NOBODY(), WAITING)),
        rests_on=(finding.fingerprint,),
        absorbs=explained_by_queue(found, finding),
        holds_up=share_held_up(details),
    )  # fmt: skip


def _hidden(finding: Finding, found: Found) -> Cause:
    details = finding.details
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.4,
        summary=(_HIDDEN if details["table"] else _HIDDEN_NO_TABLE)(
            waiting=details["waiting"], table=details["table"], holder=finding.object
        ),
        because=(LONGEST_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]), INFERRED()),
        evidence=finding.evidence,
        remedies=(application_change(_LOOK(), _NOBODY(), WAITING),),
        rests_on=(finding.fingerprint,),
        absorbs=explained_by_queue(found, finding),
        holds_up=share_held_up(details),
    )
