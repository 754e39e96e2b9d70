"""A schema change waits for an open transaction, and everybody else on the table waits behind the schema change.

The root is the transaction that the schema change waits for; cancelling the schema change clears the queue just as well
and loses nothing. Several open transactions in front of one schema change are one cause.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.postgresql._sessions import (
    BLOCKED,
    LONGEST_WAIT,
    application_change,
    by_place,
    cancel_statement,
    end_session,
    explained_by_queue,
    fingerprints,
    lasting_queues,
    limit_role,
    session_evidence,
)
from housecall.diagnosis.finding import Evidence, Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="ddl_lock_queue",
    title=Say("A schema change queues behind an open transaction", "DDL 在未结束的事务后排队"),
    checks=(BLOCKED, "postgresql.ddl_lock_queue"),
)

_SUMMARY = Say(
    "Session pid {root} (user {user}, {state}) keeps {table} locked; the schema change of pid {ddl} waits for it, and"
    " {behind:count} session{behind:|s} {behind:waits|wait} behind that.",
    "会话 pid {root}（用户 {user}，{state}）一直锁住 {table}；pid {ddl} 的 DDL 在等它，其后又排了 "
    "{behind:count} 个会话。",
)
_SUMMARY_ELSEWHERE = Say(
    "Session pid {root} (user {user}, {state}) keeps a table of database {database} locked; the schema change of pid"
    " {ddl} waits for it, and {behind:count} session{behind:|s} {behind:waits|wait} behind that.",
    "会话 pid {root}（用户 {user}，{state}）一直锁住数据库 {database} 的一张表；pid {ddl} 的 DDL 在等它，其后又排了 "
    "{behind:count} 个会话。",
)
_DDL = Say("The schema change: {statement:code}.", "DDL 语句：{statement:code}。")
_ROOT = Say(
    "Pid {root} has its transaction open for {transaction:duration}; its last statement: {statement:code}.",
    "pid {root} 的事务已打开 {transaction:duration}，最后执行的语句：{statement:code}。",
)
_MIGRATIONS = Say(
    "Run schema changes with SET lock_timeout = '3s' and try again until they get through",
    "执行 DDL 时先 SET lock_timeout = '3s'，拿不到锁就稍后重试",
)
_NO_QUEUE = Say("No session waits for an exclusive table lock: the count is 0.", "没有会话在等待表级排他锁：计数为 0。")
_QUEUE_STATEMENT = (
    "SELECT count(*) AS waiting FROM pg_catalog.pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    by_ddl: dict[int, list[Finding]] = {}
    for finding in lasting_queues(found):
        if finding.details["kind"] == "ddl_queue":
            by_ddl.setdefault(finding.details["ddl"]["pid"], []).append(finding)
    for findings in by_ddl.values():
        findings.sort(key=lambda each: -(each.details["root"]["transaction_seconds"] or 0.0))
        yield _cause(findings, found)


def _cause(findings: list[Finding], found: Found) -> Cause:
    worst = findings[0]
    details, root, ddl = worst.details, worst.details["root"], worst.details["ddl"]
    severity = max((each.severity for each in findings), key=lambda each: each.rank)
    explained = [
        each
        for finding in findings
        for each in explained_by_queue(
            found, finding.details["root"]["pid"], details["waiting"], details["session_total"]
        )
    ]
    return Cause(
        id=CAUSE.id,
        object=worst.object,
        object_kind="session",
        severity=severity,
        confidence=0.95,
        summary=by_place(worst, _SUMMARY, _SUMMARY_ELSEWHERE, _SUMMARY_ELSEWHERE)(
            root=root["pid"],
            user=root["user"],
            state=root["state"] or "?",
            table=details["relation"],
            database=details["elsewhere"] or root["database"],
            ddl=ddl["pid"],
            behind=details["behind_ddl"],
        ),
        because=(
            LONGEST_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]),
            _DDL(statement=ddl["statement"]),
            _ROOT(root=root["pid"], transaction=root["transaction_seconds"], statement=root["statement"]),
        ),
        evidence=(
            *worst.evidence[:3],
            *session_evidence(root),
            Evidence("schema_change_pid", ddl["pid"], "pid", "sessions"),
            Evidence("schema_change", ddl["statement"], "text", "sessions"),
            Evidence("sessions_behind_it", details["behind_ddl"], "sessions", "sessions"),
            Evidence("transactions_in_front", len(findings), "sessions", "sessions"),
        ),
        remedies=_remedies([each.details["root"] for each in findings], ddl),
        rests_on=fingerprints(findings),
        absorbs=fingerprints(explained),
        holds_up=share_held_up(details),
    )


def _remedies(roots: list[Mapping[str, Any]], ddl: Mapping[str, Any]) -> tuple[Remedy, ...]:
    """Ending forgotten transactions lets the schema change through; work in progress is not worth losing for it."""
    cancel = cancel_statement(ddl)
    forgotten = all(str(root["state"]).startswith("idle in transaction") for root in roots)
    first = (*(end_session(root) for root in roots[:3]), cancel) if forgotten else (cancel,)
    return (
        *first,
        application_change(_MIGRATIONS(), _NO_QUEUE(), _QUEUE_STATEMENT),
        *limit_role(roots[0]["user"] if forgotten else None, "idle_in_transaction_session_timeout", "60s"),
    )
