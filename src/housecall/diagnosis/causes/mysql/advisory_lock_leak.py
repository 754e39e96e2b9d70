"""A sleeping session of MySQL or MariaDB keeps locks of GET_LOCK that others wait for, or ever more of them.

Typical for GET_LOCK through a connection pool, or an error path that never calls RELEASE_LOCK.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.mysql._sessions import (
    BLOCKED,
    WAITING,
    application_change,
    end_session,
    explained_by_queue,
    fingerprints,
    session_evidence,
    told,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="advisory_lock_leak",
    title=Say("Locks of GET_LOCK left behind", "遗留的 GET_LOCK 锁"),
    checks=("mysql.advisory_locks", BLOCKED),
)
_SUMMARY = Say(
    "Session {id} (user {user} from {client}) sleeps and still holds {locks:count} lock{locks:|s} of GET_LOCK;"
    " {waiting:count} session{waiting:|s} {waiting:waits|wait} for {locks:it|them}.",
    "会话 {id}（用户 {user}，来自 {client}）处于空闲，仍持有 {locks:count} 个 GET_LOCK 锁，有 {waiting:count}"
    " 个会话在等待。",
)
_NAMES = Say(
    "Names: {names}; the session has been asleep for {seconds:duration}.",
    "锁名：{names}；该会话已空闲 {seconds:duration}。",
)
_RELEASE = Say(
    "Call RELEASE_LOCK in a finally block, and RELEASE_ALL_LOCKS() when a connection goes back to its pool",
    "在 finally 中调用 RELEASE_LOCK，连接归还连接池时调用 RELEASE_ALL_LOCKS()",
)
_FREE = Say("nobody waits in GET_LOCK", "没有会话在 GET_LOCK 中等待")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    queues = {each.object: each for each in found.of(BLOCKED) if each.details["kind"] == "user_lock"}
    for finding in found.of("mysql.advisory_locks"):
        queue = queues.get(finding.object)
        if queue or finding.severity.rank >= Severity.WARNING.rank:
            yield _cause(finding, queue, found)


def _cause(finding: Finding, queue: Finding | None, found: Found) -> Cause:
    holder = finding.details
    waiting = queue.details["waiting"] if queue else holder["waiters"]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=max((each.severity for each in [finding, *([queue] if queue else [])]), key=lambda each: each.rank),
        confidence=0.9,
        summary=_SUMMARY(
            id=holder["id"], user=holder["user"], client=holder["client"], locks=holder["locks"], waiting=waiting
        ),
        because=(
            _NAMES(names="; ".join(f"'{name}'" for name in holder["names"]), seconds=holder["seconds"]),
            *told(holder, seen=True),
        ),
        evidence=(*finding.evidence, *session_evidence(holder)),
        remedies=(end_session(holder, verify=_FREE()), application_change(_RELEASE(), _FREE(), WAITING)),
        rests_on=fingerprints([finding, *([queue] if queue else [])]),
        absorbs=explained_by_queue(found, queue) if queue else (),
        holds_up=share_held_up(queue.details) if queue else 0.0,
    )
