"""Many sessions change one row, one after the other; no single session is to blame.

Nothing on the server mends this: the application must hold the row for a shorter time or write less often to one place.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change, fingerprints
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="hot_row",
    title=Say("A hot row", "热点行"),
    checks=("postgresql.hot_row",),
)

_SUMMARY = Say(
    "Many sessions change the same row of {table}: {waiters:number} wait for it on average.",
    "大量会话同时修改 {table} 的同一行：平均有 {waiters:number} 个会话在排队。",
)
_ADVISORY = Say(
    "All workers queue for advisory lock {key}: {waiters:number} wait for it on average, and only one works at a time.",
    "所有工作会话都在排队获取 advisory 锁 {key}：平均有 {waiters:number} 个在等待，同一时刻只有一个在干活。",
)
_ADVISORY_HOLDERS = Say(
    "{holders:count} different sessions held the lock in {samples:count} look{samples:|s}, so no single one is to"
    " blame.",
    "在 {samples:count} 次采样中有 {holders:count} 个不同的会话持有该锁，并非某一个会话的问题。",
)
_ADVISORY_SHORTEN = Say(
    "Hold advisory lock {key} for less: take it last, give it back as soon as its work is done, and call no other"
    " system under it",
    "缩短持有 advisory 锁 {key} 的时间：最后再获取，用完立即释放，持锁期间不要调用外部系统",
)
_ADVISORY_SPREAD = Say(
    "Take a lock for each thing instead of one key {key} for all (hash its id into the key); for a queue of jobs use"
    " SELECT ... FOR UPDATE SKIP LOCKED, which needs no lock of its own",
    "不要所有任务共用键 {key}，改为每个对象一把锁（把其 id 散列进键）；任务队列改用 SELECT ... FOR UPDATE SKIP LOCKED，"
    "无需额外的锁",
)
_HOLDERS = Say(
    "{holders:count} different sessions held the row in {samples:count} look{samples:|s}, so no single"
    " one is to blame.",
    "在 {samples:count} 次采样中有 {holders:count} 个不同的会话持有该行，并非某一个会话的问题。",
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
_COUNT = (
    "SELECT count(*) AS waiting FROM pg_catalog.pg_locks"
    " WHERE NOT granted AND locktype IN ('tuple', 'transactionid', 'advisory')"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.hot_row"):
        details = finding.details
        waits = [each for each in found.of("postgresql.wait_events") if each.object.startswith("Lock:")]
        verify, key = _FEWER(waiters=details["waiters"]), details["advisory_key"]
        where = {"key": key} if key else {"table": finding.object}
        summary, holders = (_ADVISORY, _ADVISORY_HOLDERS) if key else (_SUMMARY, _HOLDERS)
        advice = (_ADVISORY_SHORTEN, _ADVISORY_SPREAD) if key else (_SHORTEN, _SPREAD)
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind=finding.object_kind,
            severity=finding.severity,
            confidence=0.85,
            summary=summary(waiters=details["waiters"], **where),
            because=(
                holders(holders=details["holders"], samples=details["samples"]),
                _STATEMENT(statement=details["statement"]),
            ),
            evidence=finding.evidence,
            remedies=tuple(application_change(each(**where), verify, _COUNT) for each in advice),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints(waits),
            impact=0.5,
        )
