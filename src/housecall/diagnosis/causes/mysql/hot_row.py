"""Many sessions change one row of MySQL or MariaDB, one after the other; no single session is to blame.

Nothing on the server mends this: the application must hold the row for a shorter time or write less often to one place.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import ROW_WAITS, application_change, fingerprints
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="hot_row",
    title=Say("A hot row", "热点行"),
    checks=("mysql.hot_row",),
)
_SUMMARY = Say(
    "Many sessions change the same row of {table}: {waiters:number} wait for it on average.",
    "大量会话同时修改 {table} 的同一行：平均有 {waiters:number} 个会话在排队。",
)
_HOLDERS = Say(
    "{holders:count} different sessions held the row (key {row}) in {looks:count} look{looks:|s}, so no single one is"
    " to blame.",
    "在 {looks:count} 次采样中有 {holders:count} 个不同的会话持有该行（键 {row}），并非某一个会话的问题。",
)
_MOVES = Say(
    "The queue moved in {looks:count} look{looks:|s}: sessions got through while others came; nobody waited for more"
    " than {longest:duration}.",
    "在 {looks:count} 次采样中队列在移动：有会话得到锁，又有新的会话排队；最长等待 {longest:duration}。",
)
_STATEMENT = Say("A waiting statement: {statement:code}.", "等待中的语句：{statement:code}。")
_SHORTEN = Say(
    "Change the row of {table} last before COMMIT, and keep calls to other systems out of the transaction",
    "把对 {table} 该行的修改放到 COMMIT 前的最后一步，事务中不要调用外部系统",
)
_SPREAD = Say(
    "Spread the row of {table} over several (for example 16 counters that are summed when read), or collect changes"
    " and apply them in batches",
    "把 {table} 的这一行拆成多行（例如 16 个计数器，读取时求和），或先收集再批量写入",
)
_FEWER = Say("Fewer than {waiters:number} sessions wait at the same time.", "同时等待的会话少于 {waiters:number} 个。")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.hot_row"):
        details = finding.details
        verify = _FEWER(waiters=details["waiters"])
        how = (
            _MOVES(looks=details["looks"], longest=details["longest_seconds"])
            if (details["holders"] or 0) < 2
            else _HOLDERS(holders=details["holders"], row=details["row"], looks=details["looks"])
        )
        statement = (_STATEMENT(statement=details["statement"]),) if details["statement"] else ()
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="table",
            severity=finding.severity,
            confidence=0.6 if details["holders"] is None else 0.85,
            summary=_SUMMARY(table=finding.object, waiters=details["waiters"]),
            because=(how, *statement),
            evidence=finding.evidence,
            remedies=(
                application_change(_SHORTEN(table=finding.object), verify, ROW_WAITS),
                application_change(_SPREAD(table=finding.object), verify, ROW_WAITS),
            ),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints(found.of("mysql.row_lock_time", "mysql.lock_wait_timeouts")),
            impact=0.5,
        )
