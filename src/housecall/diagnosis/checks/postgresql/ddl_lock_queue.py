"""A schema change that waits for its table lock while readers and writers pile up behind it.

Why it matters: an AccessExclusive request lets nobody pass, so one open reader and one ALTER TABLE stop the whole
table.
How to fix: cancel the schema change (nothing is lost) or end the transaction it waits for; then run it with
lock_timeout.
Cannot see: schema changes that gave up before we looked.
Source: PostgreSQL manual, "Explicit Locking" (conflicting lock modes) and "Client Connection Defaults"
(lock_timeout).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import blocking_trees, one_line
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.ddl_lock_queue",
    item="lock_wait_deadlock_analysis",
    severity=Severity.CRITICAL,
    title=Say("Queue behind a schema change", "DDL 锁队列"),
    thresholds=[
        Threshold("warning_seconds", 2.0, "every statement on the table stands still: two seconds are an outage"),
        Threshold("critical_seconds", 30.0, "half a minute of it fills a usual pool"),
    ],
    needs_window=True,
)

_MESSAGE = Say(
    "A schema change on {table} (pid {ddl}) waits for pid {root}, and {behind:count} session{behind:|s}"
    " {behind:queues|queue} behind it.",
    "{table} 上的 DDL（pid {ddl}）在等待 pid {root}，其后又排了 {behind:count} 个会话。",
)
_MESSAGE_ELSEWHERE = Say(
    "A schema change on a table of database {database} (pid {ddl}) waits for pid {root}, and {behind:count}"
    " session{behind:|s} {behind:queues|queue} behind it.",
    "数据库 {database} 中一张表上的 DDL（pid {ddl}）在等待 pid {root}，其后又排了 {behind:count} 个会话。",
)
_READING = "sessions"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    reported: set[int] = set()
    for tree in blocking_trees(now):
        ddl = tree.ddl
        if ddl is None or ddl.pid in reported:
            continue
        reported.add(ddl.pid)
        waited = ddl.wait_seconds or 0.0
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=_severity(waited, limits),
            object=ddl.lock_relation or f"pid {ddl.pid}",
            object_kind="table" if ddl.lock_relation else "session",
            message=(_MESSAGE if ddl.lock_relation else _MESSAGE_ELSEWHERE)(
                table=ddl.lock_relation, database=ddl.database, ddl=ddl.pid, root=tree.root_pid, behind=tree.behind_ddl
            ),
            evidence=(
                Evidence("schema_change", one_line(ddl.statement), "text", _READING),
                Evidence("waits_for_pid", tree.root_pid, "pid", _READING),
                Evidence("waited", round(waited, 1), "seconds", _READING),
                Evidence("sessions_behind", tree.behind_ddl, "sessions", _READING),
            ),
            details={"ddl_pid": ddl.pid, "root_pid": tree.root_pid},
        )


def _severity(waited_seconds: float, limits: Limits) -> Severity:
    if waited_seconds >= limits["critical_seconds"]:
        return Severity.CRITICAL
    return Severity.WARNING if waited_seconds >= limits["warning_seconds"] else Severity.NOTICE
