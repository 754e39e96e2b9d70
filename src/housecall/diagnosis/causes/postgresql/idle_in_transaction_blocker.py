"""A session that is idle in a transaction: it holds locks that others wait for, or will.

The session at the root of the queue is to blame, never those that wait. When it blocks nobody it is reported only after
a time that no program needs between two statements.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.postgresql._sessions import (
    BLOCKED,
    HIDDEN,
    LAST_STATEMENT,
    LONGEST_WAIT,
    UNTRACKED_WHY,
    by_place,
    end_session,
    explained_by_queue,
    fingerprints,
    lasting_queues,
    limit_role,
    session_evidence,
)
from housecall.diagnosis.checks.postgresql._blocking import UNTRACKED
from housecall.diagnosis.finding import Evidence, Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="idle_in_transaction_blocker",
    title=Say("A session idle in transaction blocks others", "事务中空闲的会话阻塞了其他会话"),
    checks=(BLOCKED, "postgresql.idle_in_transaction"),
)

_SUMMARY = Say(
    "Session pid {pid} (user {user}, application {application}) is idle in a transaction and blocks"
    " {waiting:count} session{waiting:|s} on {table}.",
    "会话 pid {pid}（用户 {user}，应用 {application}）在事务中空闲，在 {table} 上阻塞了 {waiting:count} 个会话。",
)
_SUMMARY_ELSEWHERE = Say(
    "Session pid {pid} (user {user}, application {application}) is idle in a transaction and blocks"
    " {waiting:count} session{waiting:|s} on a table of database {database}.",
    "会话 pid {pid}（用户 {user}，应用 {application}）在事务中空闲，在数据库 "
    "{database} 的一张表上阻塞了 {waiting:count} 个会话。",
)
_SUMMARY_NO_TABLE = Say(
    "Session pid {pid} (user {user}, application {application}) is idle in a transaction and blocks"
    " {waiting:count} session{waiting:|s}.",
    "会话 pid {pid}（用户 {user}，应用 {application}）在事务中空闲，阻塞了 {waiting:count} 个会话。",
)
_IDLE = Say(
    "It has been idle for {idle:duration}; its transaction is open for {transaction:duration}.",
    "它已空闲 {idle:duration}，事务已打开 {transaction:duration}。",
)
_HARMLESS_YET = Say(
    "Session pid {pid} (user {user}, application {application}) has been idle in a transaction for {idle:duration};"
    " it blocks nobody yet, but keeps its locks.",
    "会话 pid {pid}（用户 {user}，应用 {application}）在事务中空闲已 {idle:duration}；暂未阻塞他人，但一直持有锁。",
)
_TIMEOUT = ("idle_in_transaction_session_timeout", "60s")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    blocking = [each for each in lasting_queues(found) if each.details["kind"] == "idle_in_transaction"]
    for finding in blocking:
        yield _blocker(finding, found)
    taken = {each.object for each in found.of(BLOCKED)}
    taken |= {each.object for each in found.of("postgresql.old_xmin_holders")}
    forgotten = [
        each
        for each in found.of("postgresql.idle_in_transaction")
        if each.object not in taken and each.severity.rank >= Severity.NOTICE.rank
    ]
    yield from (_forgotten(each) for each in forgotten[:3])


def _blocker(finding: Finding, found: Found) -> Cause:
    root, details = finding.details["root"], finding.details
    waiting, total = details["waiting"], details["session_total"]
    explained = explained_by_queue(found, root["pid"], waiting, total)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=0.95,
        summary=by_place(finding, _SUMMARY, _SUMMARY_ELSEWHERE, _SUMMARY_NO_TABLE)(
            pid=root["pid"],
            user=root["user"],
            application=root["application"] or "-",
            waiting=waiting,
            table=details["relation"],
            database=details["elsewhere"],
        ),
        because=(
            LONGEST_WAIT(waiting=waiting, longest=details["longest_seconds"]),
            *_what_is_known(root),
        ),
        evidence=(*finding.evidence[:3], *session_evidence(root)),
        remedies=(end_session(root), *limit_role(root["user"], *_TIMEOUT)),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(explained),
        holds_up=share_held_up(details),
    )


def _what_is_known(root: Mapping[str, Any]) -> Iterator[Message]:
    if root["state"] == UNTRACKED:
        yield UNTRACKED_WHY()
        return
    yield _IDLE(idle=root["state_seconds"], transaction=root["transaction_seconds"])
    yield LAST_STATEMENT(statement=root["statement"]) if root["visible"] else HIDDEN()


def _forgotten(finding: Finding) -> Cause:
    session = finding.details
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=0.7,
        summary=_HARMLESS_YET(
            pid=session["pid"],
            user=session["user"],
            application=session["application"] or "-",
            idle=session["state_seconds"],
        ),
        because=(
            _IDLE(idle=session["state_seconds"], transaction=session["transaction_seconds"]),
            LAST_STATEMENT(statement=session["statement"]),
        ),
        evidence=(
            Evidence("idle", round(session["state_seconds"], 1), "seconds", "sessions"),
            *session_evidence(session),
        ),
        remedies=(end_session(session), *limit_role(session["user"], *_TIMEOUT)),
        rests_on=(finding.fingerprint,),
    )
