"""Advisory locks that an idle session keeps.

Why it matters: a session-level advisory lock outlives its transaction. A pool hands the connection on with the lock
still held, and the next job that needs the key waits for ever, or is skipped.
How to fix: release it (pg_advisory_unlock), or use pg_advisory_xact_lock, which ends with the transaction.
Cannot see: what the key means; a leader-election lock is held by an idle session on purpose and has no waiters.
Source: PostgreSQL manual, "Advisory Locks"; the five minutes are our proposal.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import hidden_sessions, one_line
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.sessions import AdvisoryHolder
from housecall.wording import Say

CHECK = Check(
    id="postgresql.advisory_locks",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Advisory locks held by idle sessions", "空闲会话持有的咨询锁"),
    thresholds=[
        Threshold("idle_seconds", 300.0, "a job that still works is not idle for five minutes"),
        Threshold("blocking_seconds", 5.0, "a program's pause between two statements is shorter"),
        Threshold("many_locks", 1000, "locks of a loop that never releases; the shared lock table holds some 6,400"),
    ],
)

_MESSAGE = Say(
    "Session pid {pid} is {state} and holds {locks:count} advisory lock{locks:|s}, e.g. key {key};"
    " {waiters:count} session{waiters:|s} {waiters:waits|wait} for it.",
    "会话 pid {pid} 状态为 {state}，持有 {locks:count} 个咨询锁（如键 {key}），有 {waiters:count} 个会话在等待。",
)
_READING = "advisory_locks"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    holders = now.rows(AdvisoryHolder)
    if any(holder.state is None for holder in holders):
        yield from hidden_sessions(now, CHECK.id)
    for holder in holders:
        severity = _severity(holder, limits)
        if severity is None:
            continue
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=severity,
            object=f"pid {holder.pid}",
            object_kind="session",
            message=_MESSAGE(
                pid=holder.pid, state=holder.state, locks=holder.locks, key=holder.keys[0], waiters=holder.waiters
            ),
            evidence=(
                Evidence("locks", holder.locks, "locks", _READING),
                Evidence("keys", "; ".join(holder.keys), "text", _READING),
                Evidence("waiters", holder.waiters, "sessions", _READING),
                Evidence("state", holder.state, "text", _READING),
                Evidence("in_state", _rounded(holder.state_seconds), "seconds", _READING),
                Evidence("last_statement", one_line(holder.statement), "text", _READING),
            ),
            details={
                "pid": holder.pid,
                "user": holder.user_name,
                "application": holder.application,
                "state": holder.state,
                "state_seconds": holder.state_seconds,
                "statement": one_line(holder.statement),
                "locks": holder.locks,
                "keys": list(holder.keys),
                "waiters": holder.waiters,
            },
            identity=f"{holder.user_name}|{holder.application}|{holder.keys[0]}",
        )


def _severity(holder: AdvisoryHolder, limits: Limits) -> Severity | None:
    """Only what nobody works on: a busy session holds its lock rightly, and waiting for it is the lock's purpose."""
    if holder.state is None or not holder.state.startswith("idle"):
        return None
    if holder.waiters and (holder.state_seconds or 0.0) >= limits["blocking_seconds"]:
        return Severity.WARNING
    if holder.waiters:
        return Severity.NOTICE
    if holder.locks >= limits["many_locks"]:
        return Severity.WARNING
    long_idle = (holder.state_seconds or 0.0) >= limits["idle_seconds"]
    return Severity.INFO if long_idle else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
