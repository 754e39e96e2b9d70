"""An idle session keeps advisory locks that others wait for, or ever more of them.

Typical for pg_advisory_lock() through a transaction pooler, or an error path that never calls pg_advisory_unlock().
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.postgresql._sessions import (
    BLOCKED,
    FREES_LOCKS,
    LAST_STATEMENT,
    ROLLED_BACK,
    application_change,
    explained_by_queue,
    fingerprints,
    waiting_for,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="advisory_lock_leak",
    title=Say("Advisory locks left behind", "遗留的咨询锁"),
    checks=("postgresql.advisory_locks", BLOCKED),
)

_SUMMARY = Say(
    "Session pid {pid} (user {user}, application {application}) is {state} and still holds {locks:count} advisory"
    " lock{locks:|s}; {waiting:count} session{waiting:|s} {waiting:waits|wait} for {locks:it|them}.",
    "会话 pid {pid}（用户 {user}，应用 {application}）状态为 {state}，仍持有 {locks:count} 个咨询锁，"
    "有 {waiting:count} 个会话在等待。",
)
_KEYS = Say("Keys: {keys}; the session has been {state} for {seconds:duration}.",
            "键：{keys}；该会话处于 {state} 已 {seconds:duration}。")  # fmt: skip
_END = Say("End session pid {pid}, which frees its advisory locks", "终止会话 pid {pid}，释放其咨询锁")
_CAUTION = Say(
    "Ask {user} ({application}) first: the lock may protect work outside the database.",
    "请先与 {user}（{application}）确认：该锁可能在保护数据库之外的工作。",
)
_FREE = Say("Nobody waits for pid {pid}: the count is 0.", "没有会话在等待 pid {pid}：计数为 0。")
_XACT = Say(
    "Use pg_advisory_xact_lock(), which ends with the transaction, or unlock in a finally block",
    "改用随事务结束的 pg_advisory_xact_lock()，或在 finally 中解锁",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    queues = {each.object: each for each in found.of(BLOCKED) if each.details["kind"] == "advisory"}
    for finding in found.of("postgresql.advisory_locks"):
        queue = queues.get(finding.object)
        if queue or finding.severity.rank >= Severity.WARNING.rank:
            yield _cause(finding, queue, found)


def _cause(finding: Finding, queue: Finding | None, found: Found) -> Cause:
    holder = finding.details
    waiting = queue.details["waiting"] if queue else holder["waiters"]
    total = queue.details["session_total"] if queue else 0
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=queue.severity if queue else finding.severity,
        confidence=0.9,
        summary=_SUMMARY(
            pid=holder["pid"],
            user=holder["user"],
            application=holder["application"] or "-",
            state=holder["state"],
            locks=holder["locks"],
            waiting=waiting,
        ),
        because=(
            _KEYS(keys="; ".join(holder["keys"]), state=holder["state"], seconds=holder["state_seconds"]),
            LAST_STATEMENT(statement=holder["statement"]),
        ),
        evidence=finding.evidence,
        remedies=(_end(holder), application_change(_XACT(), _FREE(pid=holder["pid"]), waiting_for(holder["pid"]))),
        rests_on=fingerprints([finding, *([queue] if queue else [])]),
        absorbs=fingerprints(explained_by_queue(found, holder["pid"], waiting, total)),
        holds_up=share_held_up(queue.details) if queue else 0.0,
    )


def _end(holder: Mapping[str, Any]) -> Remedy:
    pid = holder["pid"]
    return Remedy(
        title=_END(pid=pid),
        statements=(
            (
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
                f" WHERE pid = {pid} AND state LIKE 'idle%'"
                f" AND state_change <= clock_timestamp() - interval '{int(holder['state_seconds'] or 0)} seconds'"
            ),
        ),
        lock=FREES_LOCKS(),
        risk="medium",
        when="now",
        rollback=(),
        rollback_note=ROLLED_BACK(),
        verify=_FREE(pid=pid),
        verify_statement=waiting_for(pid),
        caution=_CAUTION(user=holder["user"], application=holder["application"] or "-"),
    )
