"""Sessions that wait for row locks, and the session at the root of their queue.

Why it matters: each of them holds a connection and its own locks until the root ends.
How to fix: end the root (never the waiting ones), and let its application commit before it waits for anything else.
Cannot see: on MySQL without performance_schema who holds the locks; then it is not evaluated.
Source: MySQL manual, "Using InnoDB Transaction and Locking Information".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.sessions import LastStatement, LockWait, Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.blocked_sessions",
    item="lock_wait_deadlock_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Sessions blocked by others", zh="被阻塞的会话"),
    thresholds=[
        Threshold(
            "notice_seconds", 2.0, "ordinary transactions are over by then; shorter waits are part of their work"
        ),
        Threshold("warning_seconds", 10.0, "people who wait for a page have given up by then"),
        Threshold("critical_sessions", 5, "a queue that grows fills the connections next"),
    ],
)
_BLOCKS = Say(
    en="session {id} blocks {waiting:count} session(s) on {table}, the longest for {longest:duration}",
    zh="会话 {id} 在 {table} 上阻塞了 {waiting:count} 个会话，最长已等 {longest:duration}",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    waits = now.rows(LockWait)
    sessions = {session.id: session for session in now.rows(Session)}
    for root, victims in sorted(queues(waits).items()):
        longest = max((wait.wait_seconds or 0.0 for wait in waits if wait.waiting_id in victims), default=0.0)
        if longest >= limits["notice_seconds"] and root in sessions:
            yield _finding(now, sessions[root], victims, waits, longest, limits)


def queues(waits: tuple[LockWait, ...]) -> Mapping[int, set[int]]:
    """Who waits, directly or behind others, for each session that itself waits for none."""
    blockers: dict[int, set[int]] = {}
    for wait in waits:
        blockers.setdefault(wait.waiting_id, set()).add(wait.blocking_id)
    found: dict[int, set[int]] = {}
    for waiting in blockers:
        for root in _roots(waiting, blockers):
            found.setdefault(root, set()).add(waiting)
    return found


def _roots(session: int, blockers: Mapping[int, set[int]]) -> set[int]:
    seen, pending, roots = {session}, [session], set()
    while pending:
        for blocker in blockers.get(pending.pop(), ()):
            if blocker not in blockers:
                roots.add(blocker)
            elif blocker not in seen:
                seen.add(blocker)
                pending.append(blocker)
    return roots


def _finding(
    now: Snapshot, root: Session, victims: set[int], waits: tuple[LockWait, ...], longest: float, limits: Limits
) -> Finding:
    severity = Severity.NOTICE
    if longest >= limits["warning_seconds"]:
        severity = Severity.CRITICAL if len(victims) >= limits["critical_sessions"] else Severity.WARNING
    wait = next(each for each in waits if each.blocking_id == root.id)
    table = table_name(wait.schema_name, wait.table_name) if wait.schema_name and wait.table_name else "?"
    return Finding(
        CHECK.id, CHECK.item, severity, f"session {root.id}", "session",
        _BLOCKS(id=root.id, waiting=len(victims), table=table, longest=longest),
        measured(
            LockWait,
            waiting_sessions=(len(victims), "count"),
            longest_wait=(longest, "seconds"),
            table=(table, "name"),
            index=(wait.index_name, "name"),
            lock_mode=(wait.lock_mode, "text"),
        ),
        details={
            "root": session_details(now, root), "waiting": len(victims), "victims": sorted(victims), "table": table,
            "longest_seconds": longest, "session_total": root.session_total,
            "kind": "idle_in_transaction" if root.is_idle_in_transaction else "running",
        },
        identity=f"{root.user_name}@{root.client} on {table}",
    )  # fmt: skip


def session_details(now: Snapshot, session: Session) -> Mapping[str, Any]:
    """What causes tell of a session; its last statement where performance_schema kept it."""
    kept = now.get(LastStatement)
    last = () if isinstance(kept, Unavailable) else kept
    statement = session.statement or next((each.statement for each in last if each.session_id == session.id), None)
    return {
        "id": session.id, "user": session.user_name, "client": session.client, "seconds": session.seconds,
        "transaction_seconds": session.transaction_seconds, "statement": statement,
        "rows_modified": session.rows_modified, "rows_locked": session.rows_locked, "command": session.command,
    }  # fmt: skip
