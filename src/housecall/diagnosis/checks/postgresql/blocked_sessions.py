"""Sessions that wait for a lock, by the session at the root of the queue.

Why it matters: nothing behind the root moves until it commits, rolls back or is ended; pools fill up behind it.
How to fix: end the root's transaction (not the victims'), then mend what left it open.
Cannot see: the root's state and statement without pg_read_all_stats; waits that ended between two looks. Before
version 14 a wait is counted from the start of the statement.
Source: PostgreSQL manual, "Viewing Locks" and pg_blocking_pids(); thresholds from common practice, where a
wait of seconds is told apart from the short waits of a normal migration.
"""

from collections.abc import Iterator
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import Tree, blocking_trees, one_line, session_details
from housecall.diagnosis.checks.postgresql._statements import tables_in
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.transactions import PreparedTransaction
from housecall.wording import Say

CHECK = Check(
    id="postgresql.blocked_sessions",
    item="lock_wait_deadlock_analysis",
    severity=Severity.CRITICAL,
    title=Say("Blocked sessions", "被阻塞的会话"),
    thresholds=[
        Threshold("notice_seconds", 1.0, "shorter waits are how locks work"),
        Threshold("warning_seconds", 5.0, "people notice five seconds; a migration's short wait is over by then"),
        Threshold("queue_sessions", 2, "two waiters are a queue: someone must look after two seconds already"),
        Threshold("queue_seconds", 2.0, "see queue_sessions"),
        Threshold("critical_seconds", 60.0, "common practice: most clients have given up by then"),
        Threshold("critical_sessions", 10, "ten waiters after five seconds fill a usual pool"),
        Threshold("max_roots", 5, "the worst queues; more would only repeat them"),
    ],
    needs_window=True,
)

_MESSAGE = Say(
    "{waiting:count} session{waiting:|s} {waiting:waits|wait} behind {root}, the longest for {longest:duration}.",
    "{waiting:count} 个会话被 {root} 阻塞，最长已等待 {longest:duration}。",
)
_READING = "sessions"

_HIDDEN = Say(
    "role '{user}' sees who blocks whom, but not the state and statement of the blocking session",
    "角色 '{user}' 能看到谁阻塞了谁，但看不到阻塞会话的状态和语句",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    trees = [tree for tree in blocking_trees(now) if tree.kind != "hot_row"]
    for tree in trees[: int(limits["max_roots"])]:
        yield _finding(tree, now, limits)
    if any(tree.root is not None and not tree.root.visible for tree in trees):
        yield NotEvaluated(
            CHECK.id,
            _HIDDEN(user=now.facts.user),
            grant("pg_monitor", now),
        )


def _finding(tree: Tree, now: Snapshot, limits: Limits) -> Finding:
    details = _details(tree, now)
    prepared = details.get("prepared")
    if prepared:
        name, kind = prepared["gid"], "prepared_transaction"
    else:
        name, kind = f"pid {tree.root_pid}", "session"
    root = tree.root
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=_severity(tree, limits),
        object=name,
        object_kind=kind,  # type: ignore[arg-type]
        message=_MESSAGE(waiting=len(tree.waiters), root=name, longest=tree.longest_seconds),
        evidence=(
            Evidence("waiting_sessions", len(tree.waiters), "sessions", _READING),
            Evidence("longest_wait", round(tree.longest_seconds, 1), "seconds", _READING),
            Evidence("table", tree.relation, "text", _READING),
            Evidence("root_state", root.state if root else "prepared", "text", _READING),
            Evidence("root_user", root.user_name if root else None, "text", _READING),
            Evidence("root_application", root.application if root else None, "text", _READING),
            Evidence("root_transaction", _rounded(root), "seconds", _READING),
            Evidence("root_statement", one_line(root.statement) if root else None, "text", _READING),
        ),
        details=details,
        identity=_identity(tree, name),
    )


def _identity(tree: Tree, name: str) -> str:
    if tree.root is None:
        return name
    return f"{tree.kind}|{tree.root.user_name}|{tree.root.application}|{tree.relation}"


def _severity(tree: Tree, limits: Limits) -> Severity:
    longest, waiting = tree.longest_seconds, len(tree.waiters)
    if longest >= limits["critical_seconds"]:
        return Severity.CRITICAL
    if longest >= limits["warning_seconds"]:
        return Severity.CRITICAL if waiting >= limits["critical_sessions"] else Severity.WARNING
    if waiting >= limits["queue_sessions"] and longest >= limits["queue_seconds"]:
        return Severity.WARNING
    return Severity.NOTICE if longest >= limits["notice_seconds"] else Severity.INFO


def _details(tree: Tree, now: Snapshot) -> dict[str, Any]:
    ddl = tree.ddl
    return {
        "kind": tree.kind,
        "root": session_details(tree.root) if tree.root else None,
        "root_tables": tables_in(tree.root.statement, now) if tree.root else [],
        "relation": tree.relation,
        "elsewhere": tree.elsewhere(now.facts.database),
        "waiting": len(tree.waiters),
        "longest_seconds": tree.longest_seconds,
        "waiters": [
            {**session_details(waiter), "wait_seconds": waiter.wait_seconds, "lock_mode": waiter.lock_mode}
            for waiter in tree.waiters[:20]
        ],
        "ddl": session_details(ddl) if ddl else None,
        "behind_ddl": tree.behind_ddl,
        "session_total": now.rows(Session)[0].session_total,
        # one look may fall between two statements: somebody works, or nothing but the queue would ever be slow
        "working": len(tree.waiters) + max(1, sum(1 for row in now.rows(Session) if _runs(row))),
        "prepared": _prepared(tree, now) if tree.kind == "prepared" else None,
    }


def _runs(row: Session) -> bool:
    """Whether the session gets something done at the moment."""
    return row.state == "active" and row.backend_type == "client backend" and row.wait_event_type != "Lock"


def _prepared(tree: Tree, now: Snapshot) -> dict[str, Any] | None:
    """The prepared transaction that this queue waits for: by its number, by a table it locks, else the oldest."""
    rows = now.get(PreparedTransaction)
    if isinstance(rows, Unavailable) or not rows:
        return None
    wanted_xids = {waiter.lock_xid for waiter in tree.direct}
    wanted_tables = {waiter.lock_relation for waiter in tree.direct}
    best = next(
        (row for row in rows if row.xid in wanted_xids),
        next((row for row in rows if wanted_tables & set(row.relations)), rows[0]),
    )
    return {"gid": best.gid, "owner": best.owner, "database": best.database, "age_seconds": best.age_seconds}


def _rounded(root: Session | None) -> float | None:
    return round(root.transaction_seconds, 1) if root and root.transaction_seconds is not None else None
