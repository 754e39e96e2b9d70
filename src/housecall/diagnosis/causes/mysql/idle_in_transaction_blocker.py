"""A session of MySQL or MariaDB that sleeps in an open transaction and holds locks that others wait for.

The session at the root of the queue is to blame, never those that wait. When it blocks nobody it is reported only after
a time that no program needs between two statements.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.mysql._sessions import (
    BLOCKED,
    LONGEST_WAIT,
    OPEN_TRANSACTIONS,
    application_change,
    end_session,
    explained_by_queue,
    session_evidence,
    set_global,
    told,
)
from housecall.diagnosis.finding import Evidence, Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="idle_in_transaction_blocker",
    title=Say("A session idle in transaction blocks others", "事务中空闲的会话阻塞了其他会话"),
    checks=(BLOCKED, "mysql.idle_in_transaction"),
)
_SUMMARY = Say(
    "Session {id} (user {user} from {client}) is idle in a transaction and blocks {waiting:count} session{waiting:|s}"
    " on {table}.",
    "会话 {id}（用户 {user}，来自 {client}）在事务中空闲，在 {table} 上阻塞了 {waiting:count} 个会话。",
)
_SUMMARY_NO_TABLE = Say(
    "Session {id} (user {user} from {client}) is idle in a transaction and blocks {waiting:count} session{waiting:|s}.",
    "会话 {id}（用户 {user}，来自 {client}）在事务中空闲，阻塞了 {waiting:count} 个会话。",
)
_HARMLESS_YET = Say(
    "Session {id} (user {user} from {client}) has been idle in a transaction for {idle:duration}; it blocks nobody yet,"
    " but keeps its locks.",
    "会话 {id}（用户 {user}，来自 {client}）在事务中空闲已 {idle:duration}；暂未阻塞他人，但一直持有锁。",
)
_IDLE = Say(
    "It has been idle for {idle:duration}; its transaction is open for {transaction:duration} and changed "
    "{modified:count} row{modified:|s}.",
    "它已空闲 {idle:duration}，事务已打开 {transaction:duration}，修改了 {modified:count} 行。",
)
_APPLICATION = Say(
    "Let the application commit before it waits for anything else (a person, another service)",
    "让应用在等待其他事情（用户、其他服务）之前先提交事务",
)
_SEEN = Say("no session sleeps in a transaction for long", "不再有会话长时间在事务中空闲")
_LIMIT = Say("Let the server end such sessions by itself after 60 s", "让服务器自动断开在事务中空闲超过 60 秒的会话")
_LIMITED = Say("idle_transaction_timeout is 60", "idle_transaction_timeout 为 60")
_LIMIT_CAUTION = Say(
    "Every application of the server then has to cope with a connection that is cut in a transaction.",
    "此后该服务器上的所有应用都要能处理事务中连接被断开的情况。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of(BLOCKED):
        if finding.details["kind"] == "idle_in_transaction":
            yield _blocker(finding, found, now)
    taken = {each.object for each in found.of(BLOCKED, "mysql.history_list")}
    taken |= {f"session {each.details['root_id']}" for each in found.of("mysql.ddl_lock_queue")}
    forgotten = [
        each
        for each in found.of("mysql.idle_in_transaction")
        if each.object not in taken and each.severity.rank >= Severity.NOTICE.rank
    ]
    yield from (_forgotten(each, now) for each in forgotten[:3])


def _blocker(finding: Finding, found: Found, now: Snapshot) -> Cause:
    root, details = finding.details["root"], finding.details
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=details["confidence"],
        summary=(_SUMMARY if details["table"] else _SUMMARY_NO_TABLE)(
            id=root["id"],
            user=root["user"],
            client=root["client"],
            waiting=details["waiting"],
            table=details["table"],
        ),
        because=(
            LONGEST_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]),
            _idle(root),
            *told(root, seen=details["seen"]),
        ),
        evidence=(*finding.evidence, *session_evidence(root)),
        remedies=(end_session(root), *_later(now)),
        rests_on=(finding.fingerprint,),
        absorbs=explained_by_queue(found, finding),
        holds_up=share_held_up(details),
    )


def _forgotten(finding: Finding, now: Snapshot) -> Cause:
    session = finding.details
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=0.7,
        summary=_HARMLESS_YET(
            id=session["id"], user=session["user"], client=session["client"], idle=session["seconds"]
        ),
        because=(_idle(session), *told(session, seen=True)),
        evidence=(Evidence("idle", session["seconds"], "seconds", "sessions"), *session_evidence(session)),
        remedies=(end_session(session, verify=_SEEN(), statement=OPEN_TRANSACTIONS), *_later(now)),
        rests_on=(finding.fingerprint,),
    )


def _idle(session: Mapping[str, Any]) -> Message:
    return _IDLE(
        idle=session["seconds"], transaction=session["transaction_seconds"], modified=session["rows_modified"] or 0
    )


def _later(now: Snapshot) -> tuple[Remedy, ...]:
    application = application_change(_APPLICATION(), _SEEN(), OPEN_TRANSACTIONS)
    if now.facts.version.flavour != "mariadb":
        return (application,)
    limit = set_global(
        _LIMIT(), "idle_transaction_timeout", "60", "0", "mariadb", verify=_LIMITED(), caution=_LIMIT_CAUTION(),
        when="later",
    )  # fmt: skip
    return (application, limit)
