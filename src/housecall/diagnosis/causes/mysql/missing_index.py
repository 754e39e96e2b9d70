"""A hot statement on MySQL or MariaDB reads a table from end to end for want of an index.

The object is the table with the column to index. Confidence rests on measured rows, and on the plan that shows the
scan.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import create_index
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="missing_index",
    title=Say(en="A missing index", zh="缺少索引"),
    checks=("mysql.missing_index",),
)
_SUMMARY = Say(
    en="{column} has no index, so a hot statement reads the whole table on every call.",
    zh="{column} 没有索引，热点语句每次执行都要读取整张表。",
)
_ROWS = Say(
    en="Each of {calls:count} calls examined {examined:count} rows to return {sent:number}; it took {share:percent}"
    " of all time.",
    zh="共执行 {calls:count} 次，每次读取 {examined:count} 行、返回 {sent:number} 行，占总耗时的 {share:percent}。",
)
_PLAN = Say(en="The plan reads the table with access type ALL.", zh="执行计划对该表的访问类型为 ALL（全表扫描）。")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.missing_index"):
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="column",
            severity=finding.severity,
            confidence=0.9,
            summary=_SUMMARY(column=finding.object),
            because=(
                _ROWS(
                    calls=details["calls"], examined=details["examined"], sent=details["sent"], share=details["share"]
                ),
                _PLAN(),
            ),
            evidence=finding.evidence,
            remedies=(create_index(details["schema"], details["table"], [details["column"]]),),
            rests_on=(finding.fingerprint,),
            impact=details["share"],
        )
