"""The plan of a statement got worse, and no other rule says why.

When the missing index, the old statistics or the way of writing is known, that is the cause and this says nothing.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._regression import GATHER, NO_UNDO, is_explained
from housecall.diagnosis.causes.postgresql._changes import UNDER_A_MINUTE
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="plan_regression",
    title=Say("The plan of a statement got worse", "语句的执行计划变差"),
    checks=("postgresql.plan_regression", "postgresql.top_statements"),
)
_SUMMARY = Say(
    "A hot statement takes {now:duration} a call where it took {before:duration}: it reads {times:number} times as many"
    " blocks as before.",
    "热点语句每次耗时 {now:duration}，以往为 {before:duration}：读取的数据块是以往的 {times:number} 倍。",
)
_BLOCKS = Say(
    "{now:number} blocks a call in the window, {before:number} on average before.",
    "本次观察期内每次 {now:number} 个数据块，以往平均 {before:number} 个。",
)
_LOCK = Say("SHARE UPDATE EXCLUSIVE: reads and writes go on", "SHARE UPDATE EXCLUSIVE 锁：读写照常")
_VERIFY = Say("blocks a call are back near what they were", "每次读取的数据块数回到以往水平")
_LOOK = Say(
    "Look at its plan (EXPLAIN) and at what changed since: a dropped or invalid index, a planner setting, a bulk"
    " load, a new"
    " version",
    "用 EXPLAIN 查看其执行计划，并排查近期变化：索引被删除或失效、优化器参数、大批量导入、版本升级",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    switched = [each for each in found.of("postgresql.planner_switches") if each.severity.rank >= Severity.WARNING.rank]
    for finding in found.of("postgresql.plan_regression"):
        if not is_explained(finding, found, switched):
            yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    because: tuple[Message, ...] = (_BLOCKS(now=details["now_read"], before=details["before_read"]),)
    analyze = Remedy(
        title=GATHER(),
        statements=tuple(f"ANALYZE {table};" for table in details["tables"][:4]),
        lock=_LOCK(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=NO_UNDO(),
        verify=_VERIFY(),
        duration=UNDER_A_MINUTE(),
    )
    remedies = ((analyze,) if details["tables"] else ()) + (application_change(_LOOK()),)
    return statement_cause(
        CAUSE.id, finding, found,
        _SUMMARY(
            now=details["now_seconds"], before=details["before_seconds"],
            times=details["now_read"] / max(details["before_read"], 1.0),
        ),
        remedies, confidence=0.6, because=because,
    )  # fmt: skip
