"""A schema change that waits for its metadata lock while readers and writers pile up behind it.

Why it matters: a waiting ALTER TABLE lets nobody pass, so one open reader and one ALTER stop the whole table.
How to fix: cancel the schema change (KILL QUERY; nothing is lost) or end the transaction it waits for; then run it with
a short lock_wait_timeout.
Cannot see: on MariaDB without the plugin metadata_lock_info who holds the table; it is inferred from what is open.
Source: MySQL manual, "Metadata Locking"; MariaDB manual, "Metadata Locking" and "WAIT and NOWAIT".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._blocking import UNKNOWN, Tree, locks_of, trees_of
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.checks.mysql._statement_text import one_line
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.ddl_lock_queue",
    item="lock_wait_deadlock_analysis",
    severity=Severity.CRITICAL,
    title=Say("Queue behind a schema change", "DDL 锁队列"),
    thresholds=[
        Threshold("notice_seconds", 2.0, "a schema change often waits a moment for statements that run"),
        Threshold("queue_seconds", 2.0, "with somebody behind it the table stands still: two seconds are an outage"),
        Threshold("warning_seconds", 10.0, "alone: whoever comes next to the table will stand behind it"),
        Threshold("critical_seconds", 30.0, "half a minute of a queue fills a usual pool"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "A schema change on {table} (session {ddl}) waits for {root}, and {behind:count} session{behind:|s}"
    " {behind:queues|queue} behind it.",
    "{table} 上的 DDL（会话 {ddl}）在等待 {root}，其后又排了 {behind:count} 个会话。",
)
_MESSAGE_NO_TABLE = Say(
    "A schema change (session {ddl}) waits for {root}, and {behind:count} session{behind:|s}"
    " {behind:queues|queue} behind it.",
    "会话 {ddl} 的 DDL 在等待 {root}，其后又排了 {behind:count} 个会话。",
)
_UNSEEN = Say(
    "A schema change on {table} (session {ddl}) waits for a session that the server does not tell, and {behind:count}"
    " session{behind:|s} {behind:queues|queue} behind it.",
    "{table} 上的 DDL（会话 {ddl}）在等待一个服务器未显示的会话，其后又排了 {behind:count} 个会话。",
)
_UNSEEN_NO_TABLE = Say(
    "A schema change (session {ddl}) waits for a session that the server does not tell, and {behind:count}"
    " session{behind:|s} {behind:queues|queue} behind it.",
    "会话 {ddl} 的 DDL 在等待一个服务器未显示的会话，其后又排了 {behind:count} 个会话。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    reported: set[int] = set()
    for tree in trees_of(locks_of(now)):
        ddl = tree.middle
        if ddl is None or tree.kind not in ("ddl_queue", "unknown", "table_lock") or ddl.id in reported:
            continue
        reported.add(ddl.id)
        waited = tree.seconds[ddl.id]
        if waited < limits["notice_seconds"]:
            continue
        yield Finding(
            CHECK.id, CHECK.item, severity_of(waited, tree.behind_middle, limits), tree.table or f"session {ddl.id}",
            "table" if tree.table else "session",
            _message(tree)(
                table=tree.table, ddl=ddl.id, root=f"session {tree.root_id}", behind=tree.behind_middle
            ),
            measured(
                Session,
                schema_change=(one_line(ddl.statement), "text"),
                waits_for_session=(tree.root_id if tree.root_id != UNKNOWN else None, "id"),
                waited=(waited, "seconds"),
                sessions_behind=(tree.behind_middle, "count"),
            ),
            details={"ddl_id": ddl.id, "root_id": tree.root_id},
        )  # fmt: skip


def _message(tree: Tree) -> Say:
    if tree.root_id == UNKNOWN:
        return _UNSEEN if tree.table else _UNSEEN_NO_TABLE
    return _MESSAGE if tree.table else _MESSAGE_NO_TABLE


def severity_of(waited_seconds: float, behind: int, limits: Limits) -> Severity:
    if behind and waited_seconds >= limits["critical_seconds"]:
        return Severity.CRITICAL
    if waited_seconds >= (limits["queue_seconds"] if behind else limits["warning_seconds"]):
        return Severity.WARNING
    return Severity.NOTICE
