"""Sessions wait for the lock manager itself, not for each other's locks.

Each statement locks every table, partition and index it plans with; a session keeps only a few (16 before version 18)
in a fast place of its own. Many partitions or indexes under many short statements crowd the shared lock table.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="lock_manager_contention",
    title=Say("Contention in the lock manager", "锁管理器争用"),
    checks=("postgresql.wait_events",),
)

_SUMMARY = Say(
    "{share:percent} of the active sessions wait for the shared lock table, not for a lock: too many tables, partitions"
    " or indexes are locked by each statement.",
    "{share:percent} 的活动会话在争用共享锁表（而非等待某个锁）：每条语句锁定的表、分区或索引过多。",
)
_COUNT = Say(
    "{sessions:number} sessions on average over {samples:count} look{samples:|s}.",
    "{samples:count} 次采样中平均 {sessions:number} 个会话。",
)
_PRUNE = Say(
    "Let statements name the partition key so that few partitions are locked, use prepared statements, and drop unused"
    " indexes of the busiest tables",
    "查询条件带上分区键以减少加锁的分区，使用预编译语句，并删除最繁忙表上无用的索引",
)
_VERIFY = Say("The wait LWLock:LockManager disappears from the samples.", "采样中不再出现 LWLock:LockManager 等待。")
_WAITS = (
    "SELECT count(*) AS waiting FROM pg_catalog.pg_stat_activity"
    " WHERE wait_event_type = 'LWLock' AND wait_event IN ('LockManager', 'lock_manager')"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.wait_events"):
        if finding.object not in ("LWLock:LockManager", "LWLock:lock_manager"):
            continue
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object="server",
            object_kind="server",
            severity=Severity.WARNING,
            confidence=0.8,
            summary=_SUMMARY(share=details["share"]),
            because=(_COUNT(sessions=details["sessions"], samples=details["samples"]),),
            evidence=finding.evidence,
            remedies=(application_change(_PRUNE(), _VERIFY(), _WAITS),),
            rests_on=(finding.fingerprint,),
            impact=details["share"],
        )
