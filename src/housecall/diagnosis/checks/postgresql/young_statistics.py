"""Counters that have not run for a day, so that what rests on them is less sure.

Why it matters: an index without a scan since this morning may serve the report of the month's end.
How to fix: nothing; ask again when the counters have run for some days.
Source: PostgreSQL manual, "The Cumulative Statistics System"; see also postgresqltuner and check_pgactivity.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.wording import Say

CHECK = Check(
    id="postgresql.young_statistics",
    item="instance_info",
    severity=Severity.INFO,
    title=Say("Young statistics", "统计信息积累时间短"),
    thresholds=[
        Threshold("young_seconds", 24 * 3600, "a day has a night's batch and an office's hours; common practice"),
    ],
)
_YOUNG = Say(
    "The counters of database {database} have run for {age:duration} only; verdicts that rest on them are less sure.",
    "数据库 {database} 的计数器只积累了 {age:duration}，依赖它们的结论把握较低。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(DatabaseCounters):
        if row.statistics_seconds < limits["young_seconds"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, now.facts.database, "database",
                _YOUNG(database=now.facts.database, age=row.statistics_seconds),
                measured(DatabaseCounters, counted_for=(round(row.statistics_seconds), "seconds")),
            )  # fmt: skip
