"""Locks of GET_LOCK that a session keeps: others wait for them, or nobody works under them.

Why it matters: such a lock ends with RELEASE_LOCK or with the session, not with the transaction. A pool hands the
connection on with the lock still held, and the next job that needs the name waits, or is skipped.
How to fix: RELEASE_LOCK in a finally block, or RELEASE_ALL_LOCKS() when the connection goes back to the pool.
Cannot see: what the name means (an elected leader sleeps with its lock on purpose); without performance_schema, or on
MariaDB the plugin metadata_lock_info, a lock that nobody waits for.
Source: MySQL manual, "Locking Functions"; the five minutes are our proposal.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._blocking import Locks, locks_of, session_details
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import Session, UserLockWait
from housecall.wording import Say

CHECK = Check(
    id="mysql.advisory_locks",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("GET_LOCK held by idle sessions", "空闲会话持有的 GET_LOCK 锁"),
    thresholds=[
        Threshold("idle_seconds", 300.0, "a job that still works is not idle for five minutes"),
        Threshold("blocking_seconds", 5.0, "a program's pause between two statements is shorter"),
        Threshold("many_locks", 100, "locks of a loop that never releases"),
    ],
)
_MESSAGE = Say(
    "Session {id} sleeps and holds {locks:count} lock{locks:|s} of GET_LOCK, e.g. '{name}'; {waiters:count}"
    " session{waiters:|s} {waiters:waits|wait} for it.",
    "会话 {id} 处于空闲，却持有 {locks:count} 个 GET_LOCK 锁（如 '{name}'），有 {waiters:count} 个会话在等待。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    locks = locks_of(now)
    waits = now.rows(UserLockWait)
    for holder, names in sorted(_held(locks).items()):
        session = locks.by_id.get(holder)
        waiting = [row for row in waits if row.holder_id == holder]
        severity = _severity(session, len(names), waiting, limits)
        if session is None or severity is None:
            continue
        details = session_details(locks, session)
        yield Finding(
            CHECK.id, CHECK.item, severity, f"session {holder}", "session",
            _MESSAGE(id=holder, locks=len(names), name=names[0], waiters=len(waiting)),
            measured(
                UserLockWait if waiting else Session,
                locks=(len(names), "count"),
                names=("; ".join(names[:10]), "text"),
                waiters=(len(waiting), "count"),
                idle=(session.seconds, "seconds"),
                last_statement=(details["statement"], "text"),
            ),
            details={**details, "names": names[:10], "locks": len(names), "waiters": len(waiting)},
            identity=f"{session.user_name}@{session.client}|{names[0]}",
        )  # fmt: skip


def _held(locks: Locks) -> dict[int, list[str]]:
    """Names by the session that holds them."""
    found: dict[int, dict[str, None]] = {}
    told = [(row.holder_id, row.lock_name) for row in locks.users if row.holder_id is not None]
    told += [
        (lock.session_id, lock.object_name or "?")
        for lock in locks.metadata
        if lock.object_type == "USER LEVEL LOCK" and lock.is_granted
    ]
    told += [(lock.session_id, lock.schema_name or "?") for lock in locks.held if lock.lock_type == "User lock"]
    for holder, name in told:
        found.setdefault(holder, {})[name] = None
    return {holder: list(names) for holder, names in found.items()}


def _severity(session: Session | None, held: int, waiting: list[UserLockWait], limits: Limits) -> Severity | None:
    """Only what nobody works on: a busy session holds its lock rightly, and waiting for it is the lock's purpose."""
    if session is None or session.command != "Sleep":
        return None
    idle = session.seconds or 0.0
    if waiting:
        longest = max(row.wait_seconds or 0.0 for row in waiting)
        return Severity.WARNING if min(idle, longest) >= limits["blocking_seconds"] else Severity.NOTICE
    if held >= limits["many_locks"]:
        return Severity.WARNING
    return Severity.INFO if idle >= limits["idle_seconds"] else None
