"""A session of MySQL or MariaDB keeps a lock on the whole server, and every change waits.

Mostly a backup: FLUSH TABLES WITH READ LOCK that is held too long, or that waits for a long statement while all wait
for it. Ending its session frees the server; the backup has to be made again.
"""

from collections.abc import Iterator
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.mysql._sessions import (
    BLOCKED,
    INFERRED,
    LONGEST_WAIT,
    WAITING,
    application_change,
    end_session,
    explained_by_queue,
    fingerprints,
    session_evidence,
    told,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="global_read_lock",
    title=Say("A lock on the whole server", "全局读锁"),
    checks=(BLOCKED, "mysql.global_read_lock"),
)
_SUMMARY = Say(
    "Session {id} (user {user} from {client}) locks the whole server; {waiting:count} session{waiting:|s}"
    " {waiting:waits|wait} to change something.",
    "会话 {id}（用户 {user}，来自 {client}）锁住了整个服务器，{waiting:count} 个会话的修改在等待。",
)
_UNKNOWN = Say(
    "Some session locks the whole server; {waiting:count} session{waiting:|s} {waiting:waits|wait} to change"
    " something.",
    "有会话锁住了整个服务器，{waiting:count} 个会话的修改在等待。",
)
_STUCK = Say(
    "It waits itself, for the statement of session {id} that has been running for {seconds:duration}:"
    " {statement:code}.",
    "它自身也在等待会话 {id} 已运行 {seconds:duration} 的语句：{statement:code}。",
)
_IDLE = Say("The session has been in this state for {seconds:duration}.", "该会话已处于此状态 {seconds:duration}。")
_FREE = Say("no session waits for a global or a backup lock", "没有会话等待全局锁或备份锁")
_BACKUP = Say(
    "Back up without it: mysqldump --single-transaction, xtrabackup or mariabackup, and look for long statements before"
    " it begins",
    "备份时避免全局锁：使用 mysqldump --single-transaction、xtrabackup 或 mariabackup，并在开始前检查长语句",
)
_FIND = Say(
    "Find the session that ran FLUSH TABLES WITH READ LOCK (a backup job, an administrator), and let it UNLOCK TABLES",
    "找出执行过 FLUSH TABLES WITH READ LOCK 的会话（备份任务或管理员），让其执行 UNLOCK TABLES",
)
_HOLDERS: dict[str, str] = {
    "mysql": "SELECT t.PROCESSLIST_ID, m.OBJECT_TYPE, m.LOCK_TYPE FROM performance_schema.metadata_locks AS m JOIN"
    " performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID WHERE m.OBJECT_TYPE IN ('GLOBAL', 'COMMIT',"
    " 'BACKUP LOCK') AND m.LOCK_STATUS = 'GRANTED' AND m.LOCK_TYPE = 'SHARED';",
    "mariadb": "SELECT ID, USER, HOST, TIME FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep' ORDER BY TIME"
    " DESC;",
}


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of(BLOCKED):
        if finding.details["kind"] == "global_read_lock":
            yield _cause(finding, found, now)


def _cause(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details, root = finding.details, finding.details["root"]
    held = [each for each in found.of("mysql.global_read_lock") if each.object == finding.object]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=details["confidence"] if root else 0.5,
        summary=_SUMMARY(id=root["id"], user=root["user"], client=root["client"], waiting=details["waiting"])
        if root
        else _UNKNOWN(waiting=details["waiting"]),
        because=(
            LONGEST_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]),
            *(_because(root, details) if root else (INFERRED(),)),
        ),
        evidence=(*finding.evidence, *(session_evidence(root) if root else ())),
        remedies=_remedies(root, now),
        rests_on=fingerprints([finding, *held]),
        absorbs=explained_by_queue(found, finding),
        holds_up=share_held_up(details),
    )


def _because(root: dict[str, Any], details: Any) -> tuple[Message, ...]:
    stuck = details["waits_for_statement"]
    how = (
        _STUCK(id=stuck["id"], seconds=stuck["seconds"], statement=stuck["statement"])
        if stuck
        else _IDLE(seconds=root["seconds"])
    )
    return (how, *told(root, seen=details["seen"] or stuck is not None))


def _remedies(root: dict[str, Any] | None, now: Snapshot) -> tuple[Remedy, ...]:
    backup = application_change(_BACKUP(), _FREE(), WAITING)
    if root is None:
        holders = _HOLDERS["mariadb" if now.facts.version.flavour == "mariadb" else "mysql"]
        return (application_change(_FIND(), _FREE(), holders), backup)
    return (end_session(root, verify=_FREE()), backup)
