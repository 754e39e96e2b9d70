"""pg_stat_statements that forgets statements for want of room.

Why it matters: what was forgotten is missing from every list of costly statements, and counts start anew.
How to fix: raise pg_stat_statements.max (needs a restart), or let the application send fewer different texts: lists of
values as one array, no generated aliases.
Source: PostgreSQL manual, pg_stat_statements_info.dealloc; each eviction forgets 5 % of the entries.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.statements import StatementStatistics
from housecall.wording import Say

CHECK = Check(
    id="postgresql.statement_evictions",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say("Statement statistics are forgotten", "语句统计被淘汰"),
    thresholds=[
        Threshold("min_evictions", 5, "a quarter of the entries was forgotten"),
        Threshold("per_hour", 1, "evictions an hour: an entry lives less than a day"),
    ],
)
_FORGETS = Say(
    "pg_stat_statements threw entries away {evictions:count} time{evictions:|s} in {age:duration}: {max:count}"
    " entries are"
    " too few for this application.",
    "pg_stat_statements 在 {age:duration} 内淘汰了 {evictions:count} 次条目：{max:count} 个条目不够用。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(StatementStatistics):
        age = row.reset_seconds_ago or 0.0
        often = row.evictions >= limits["min_evictions"] and row.evictions * 3600 >= limits["per_hour"] * age
        if often and age > 0:
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, "pg_stat_statements.max", "setting",
                _FORGETS(evictions=row.evictions, age=age, max=row.max_entries),
                measured(
                    StatementStatistics,
                    evictions=(row.evictions, "count"),
                    counted_for=(round(age), "seconds"),
                    max_entries=(row.max_entries, "count"),
                ),
                details={"evictions": row.evictions, "max_entries": row.max_entries},
            )  # fmt: skip
