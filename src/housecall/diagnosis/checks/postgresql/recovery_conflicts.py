"""Queries of a standby that were cancelled, since what they read was removed on the primary.

Why it matters: reports on the standby fail at random.
How to fix: hot_standby_feedback = on (the primary keeps more), or a longer max_standby_streaming_delay (replay waits).
Cannot see: when they happened: the server counts them since the reset.
Source: PostgreSQL manual, "Handling Query Conflicts"; see also check_pgactivity.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.replication import ReplicaStatus
from housecall.wording import Say

CHECK = Check(
    id="postgresql.recovery_conflicts",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.NOTICE,
    title=Say("Queries cancelled on the standby", "备库查询被取消"),
    thresholds=[
        Threshold("min_conflicts", 5, "a few come with every schema change"),
    ],
)
_CANCELLED = Say(
    "{count:count} quer{count:y|ies} of this standby were cancelled by conflicts with recovery.",
    "该备库有 {count:count} 个查询因与恢复冲突被取消。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(ReplicaStatus):
        if row.in_recovery and row.recovery_conflicts >= limits["min_conflicts"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, now.facts.database, "database",
                _CANCELLED(count=row.recovery_conflicts),
                measured(
                    ReplicaStatus,
                    recovery_conflicts=(row.recovery_conflicts, "count"),
                    standby_feedback=(row.standby_feedback, "yes/no"),
                    allowed_delay=(row.standby_delay_seconds, "seconds"),
                ),
                details={"conflicts": row.recovery_conflicts, "in_window": earlier is not None},
            )  # fmt: skip
