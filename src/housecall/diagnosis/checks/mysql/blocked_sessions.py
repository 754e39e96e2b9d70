"""Sessions that wait for a lock of any kind, by the session at the root of the queue.

Why it matters: each of them holds a connection and its own locks until the root ends.
How to fix: end the root (never the waiting ones), and let its application commit before it waits for anything else.
Cannot see: on MySQL without performance_schema who holds a row, on MariaDB without the plugin metadata_lock_info who
holds a table; then the holder is inferred from what is open and how long, and the confidence says so.
Source: MySQL manual, "Using InnoDB Transaction and Locking Information" and "The metadata_locks Table"; MariaDB manual,
"Metadata Lock Info Plugin". The thresholds are those of the same check on PostgreSQL.
"""

from collections.abc import Iterator
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._blocking import UNKNOWN, Locks, Tree, locks_of, session_details, trees_of
from housecall.diagnosis.checks.mysql._hot_rows import hot_rows
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.checks.mysql._xa import transactions
from housecall.diagnosis.finding import Finding, NotEvaluated, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.sessions import LockWait, Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.blocked_sessions",
    item="lock_wait_deadlock_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Sessions blocked by others", zh="被阻塞的会话"),
    thresholds=[
        Threshold(
            "notice_seconds", 2.0, "ordinary transactions are over by then; the server counts whole seconds of a wait"
        ),
        Threshold("warning_seconds", 5.0, "people notice five seconds; a migration's short wait is over by then"),
        Threshold("queue_sessions", 2, "two waiters are a queue: someone must look after two seconds already"),
        Threshold("queue_seconds", 2.0, "see queue_sessions"),
        Threshold("critical_seconds", 60.0, "most clients have given up by then"),
        Threshold("critical_sessions", 10, "ten waiters after five seconds fill a usual pool"),
        Threshold("max_roots", 5, "the worst queues; more would only repeat them"),
    ],
    needs_window=True,
)
_BLOCKS = Say(
    en="{waiting:count} session{waiting:|s} {waiting:waits|wait} behind {root} for {what}, the longest for"
    " {longest:duration}",
    zh="{waiting:count} 个会话被 {root} 阻塞，等待 {what}，最长已等 {longest:duration}",
)
_BLOCKS_ALONE = Say(
    en="{waiting:count} session{waiting:|s} {waiting:waits|wait} behind {root}, the longest for {longest:duration}",
    zh="{waiting:count} 个会话被 {root} 阻塞，最长已等 {longest:duration}",
)
_UNSEEN = Say(
    "the server does not tell who holds the row locks that sessions wait for, so the holder is inferred",
    "服务器不提供行锁持有者的信息，持有者只能推断",
)
_ON = "performance_schema = ON in the server's configuration, and a restart"


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    locks = locks_of(now)
    hot = {session for row in hot_rows(now, earlier) for session in row.sessions}
    trees = [tree for tree in trees_of(locks) if not (hot and set(tree.waiters) <= hot)]
    for tree in trees[: int(limits["max_roots"])]:
        if tree.longest_seconds >= limits["notice_seconds"]:
            yield _finding(now, locks, tree, limits)
    if locks.row_waits is None and "row" in locks.waiting.values():
        missing = now.get(LockWait)
        remedy = missing.remedy if isinstance(missing, Unavailable) else None
        yield NotEvaluated(CHECK.id, _UNSEEN(), remedy or _ON)


def severity_of(tree: Tree, limits: Limits) -> Severity:
    longest, waiting = tree.longest_seconds, len(tree.seconds)
    if longest >= limits["critical_seconds"]:
        return Severity.CRITICAL
    if longest >= limits["warning_seconds"]:
        return Severity.CRITICAL if waiting >= limits["critical_sessions"] else Severity.WARNING
    queue = waiting >= limits["queue_sessions"] and longest >= limits["queue_seconds"]
    return Severity.WARNING if queue else Severity.NOTICE


def _finding(now: Snapshot, locks: Locks, tree: Tree, limits: Limits) -> Finding:
    name, kind, root = _named(now, tree)
    edge = tree.edge
    what = tree.table or ("the whole server" if tree.kind == "global_read_lock" else None)
    who = f"{root.user_name}@{root.client}" if root else name
    return Finding(
        CHECK.id, CHECK.item, severity_of(tree, limits), name, kind,
        (_BLOCKS if what else _BLOCKS_ALONE)(
            root=name, waiting=len(tree.seconds), what=what, longest=tree.longest_seconds
        ),
        measured(
            LockWait if edge.kind == "row" and locks.row_waits is not None else Session,
            waiting_sessions=(len(tree.seconds), "count"),
            longest_wait=(tree.longest_seconds, "seconds"),
            waits_for=(what, "name"),
            kind_of_lock=(edge.kind, "text"),
            index=(edge.index, "name"),
            lock_mode=(edge.lock_mode, "text"),
            holder_was_seen=(edge.seen, "flag"),
        ),
        details=_details(now, locks, tree, root),
        identity=f"{tree.kind}|{who}|{what or '?'}",
    )  # fmt: skip


def _named(now: Snapshot, tree: Tree) -> tuple[str, ObjectKind, Session | None]:
    """What the queue is behind: a session, an XA transaction, or the thing that an unknown session holds.

    A FLUSH TABLES that itself waits is named and not what it waits for: it is what stops everybody.
    """
    root = tree.middle if tree.kind == "global_read_lock" and tree.middle else tree.root
    if root is not None:
        return f"session {root.id}", "session", root
    if tree.kind == "prepared":
        found = transactions(now)
        return (found[0].name, "prepared_transaction", None) if found else ("XA transaction", "session", None)
    if tree.root_id != UNKNOWN:
        return f"session {tree.root_id}", "session", None
    return (tree.table, "table", None) if tree.table else ("server", "server", None)


def _runs(session: Session, locks: Locks) -> bool:
    """Whether the session gets something done at the moment."""
    return session.command in ("Query", "Execute") and session.id not in locks.waiting


def _details(now: Snapshot, locks: Locks, tree: Tree, root: Session | None) -> dict[str, Any]:
    middle = session_details(locks, tree.middle) if tree.middle else None
    prepared = transactions(now) if tree.kind == "prepared" else ()
    return {
        "kind": tree.kind, "root": session_details(locks, root) if root else None,
        "root_id": root.id if root else tree.root_id, "waiting": len(tree.seconds), "victims": list(tree.waiters),
        "table": tree.table, "longest_seconds": tree.longest_seconds,
        "session_total": locks.sessions[0].session_total if locks.sessions else 0,
        # one look may fall between two statements: somebody works, or nothing but the queue would ever be slow
        "working": len(tree.seconds) + max(1, sum(1 for row in locks.sessions if _runs(row, locks))),
        "middle": middle, "behind_middle": tree.behind_middle, "confidence": tree.confidence,
        "seen": any(edge.seen for edge in tree.direct), "kind_of_lock": tree.edge.kind,
        "waits_for_statement": session_details(locks, tree.root) if tree.root and tree.root is not root else None,
        "prepared": [each.details() for each in prepared], "waiting_statement": _waiting_statement(locks, tree),
    }  # fmt: skip


def _waiting_statement(locks: Locks, tree: Tree) -> str | None:
    waiter = locks.by_id.get(tree.edge.waiter)
    return session_details(locks, waiter)["statement"] if waiter else None
