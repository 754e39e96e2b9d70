"""Autovacuum switched off for the whole server.

Why it matters: dead rows pile up, planner statistics grow old, and in the end transaction ids run out.
How to fix: switch it on; it needs no restart. If it disturbed the load, throttle it instead.
Cannot see: a nightly VACUUM job that was meant to replace it (its traces are in last_vacuum).
Source: PostgreSQL manual, "Automatic Vacuuming"; it also needs track_counts.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.vacuum import VacuumTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.autovacuum_off",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say("Autovacuum is off", "autovacuum 已关闭"),
)

_MESSAGE = Say(
    "Autovacuum does not run: {setting} is off; {tables:count} table{tables:|s} {tables:is|are} past its threshold.",
    "autovacuum 未运行：{setting} 为 off；已有 {tables:count} 张表超过阈值。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding | NotEvaluated]:
    settings = now.row(UpkeepSettings)
    if settings.autovacuum and settings.track_counts:
        return
    setting = "track_counts" if settings.autovacuum else "autovacuum"
    tables = now.get(VacuumTable)
    past = 0 if isinstance(tables, Unavailable) or not tables else tables[0].past_threshold_total
    yield Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING,
        object=setting,
        object_kind="setting",
        message=_MESSAGE(setting=setting, tables=past),
        evidence=(
            Evidence("autovacuum", settings.autovacuum, "flag", "upkeep_settings"),
            Evidence("track_counts", settings.track_counts, "flag", "upkeep_settings"),
            Evidence("tables_past_threshold", past, "tables", "vacuum_tables"),
        ),
        details={"setting": setting, "past_threshold": past},
    )
