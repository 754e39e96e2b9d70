"""An index serves no query and enforces nothing: it only costs writes, memory and space.

Indexes that have a twin, or whose table carries many idle indexes, are told by those causes instead.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import drop_index
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="unused_index",
    title=Say(en="An index that no query uses", zh="没有查询使用的索引"),
    checks=("postgresql.unused_index",),
)
_SUMMARY = Say(
    en="Index {index} ({size:bytes}) served no query in {age:duration} and enforces nothing.",
    zh="索引 {index}（{size:bytes}）在 {age:duration} 内没有服务过任何查询，也不承担任何约束。",
)
_WRITES = Say(
    en="Its table took {writes:count} row changes in that time, each of which may have to maintain it.",
    zh="同期该表有 {writes:count} 次行变更，每次都可能要维护这个索引。",
)
_YOUNG = Say(
    en="The statistics are only {age:duration} old: a daily or monthly job may still need it.",
    zh="统计信息只有 {age:duration}，每日或每月的任务可能仍会用到它。",
)
_REPLICA = Say(
    en="A replica is connected; its queries are counted there, not here.",
    zh="有备库连接；备库上的查询不计入本机的统计。",
)
_CAUTION = Say(
    en="First look at pg_stat_user_indexes on every replica, and ask whether a monthly or yearly job needs it.",
    zh="先在每个备库上查看 pg_stat_user_indexes，并确认没有按月、按年运行的任务依赖它。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.unused_index"):
        if not finding.details["is_partition"]:
            yield _cause(finding)


def confidence(finding: Finding) -> float:
    details = finding.details
    sure = 0.9 if details["is_sure"] else 0.4 if details["is_young"] else 0.7
    return sure - 0.15 if details["has_replica"] else sure


def _cause(finding: Finding) -> Cause:
    details = finding.details
    because: tuple[Message, ...] = (_WRITES(writes=details["writes"]),)
    if not details["is_sure"]:
        because += (_YOUNG(age=details["age_seconds"]),)
    if details["has_replica"]:
        because += (_REPLICA(),)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="index",
        severity=finding.severity,
        confidence=confidence(finding),
        summary=_SUMMARY(index=finding.object, size=details["size_bytes"], age=details["age_seconds"]),
        because=because,
        evidence=finding.evidence,
        remedies=(
            drop_index(details["schema"], details["index"], details["definition"], caution=_CAUTION(), risk="medium"),
        ),
        rests_on=(finding.fingerprint,),
    )
