"""Tables with far more dead rows than autovacuum should let pile up.

Why it matters: scans read the dead rows too, and the table and its indexes grow.
How to fix: find why vacuum does not come or cannot clean (off, starved, held back), then VACUUM.
Cannot see: what died since the counters were reset or lost in a crash.
Source: PostgreSQL manual, "The Autovacuum Daemon" (threshold + scale factor x rows, with the table's own options).
Tables below twice that are due, not sick; pgAssistant gives the 10,000 rows.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified
from housecall.engines.postgresql.rows.vacuum import VacuumTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.dead_tuples",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say("Dead rows", "死元组"),
    thresholds=[
        Threshold("min_dead_rows", 10_000, "common practice: fewer cost nothing"),
        Threshold("times_threshold", 2.0, "autovacuum comes a little after its threshold; twice it is late"),
        Threshold("generous_share", 0.5, "a threshold of more than half of the live rows is set against sense"),
        Threshold("warning_dead_rows", 100_000, "with at least as many dead rows as live ones"),
        Threshold("max_tables", 10, "the worst; the total is told"),
    ],
)

_MESSAGE = Say(
    "{table} holds {dead:count} dead row{dead:|s} beside {live:count} live ones; autovacuum's threshold"
    " is {threshold:count}.",
    "{table} 有 {dead:count} 个死元组，活元组 {live:count} 个；autovacuum 阈值为 {threshold:count}。",
)
_READING = "vacuum_tables"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    late = [row for row in now.rows(VacuumTable) if is_late(row, limits)]
    for row in late[: int(limits["max_tables"])]:
        yield _finding(row, len(late), limits)


def is_late(row: VacuumTable, limits: Limits) -> bool:
    sensible = min(row.threshold_rows, 50 + limits["generous_share"] * row.live_rows)
    return row.dead_rows >= limits["min_dead_rows"] and row.dead_rows >= limits["times_threshold"] * sensible


def _finding(row: VacuumTable, total: int, limits: Limits) -> Finding:
    severe = row.dead_rows >= limits["warning_dead_rows"] and row.dead_rows >= row.live_rows
    name = qualified(row.schema_name, row.table_name)
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING if severe else Severity.NOTICE,
        object=name,
        object_kind="table",
        message=_MESSAGE(table=name, dead=row.dead_rows, live=row.live_rows, threshold=row.threshold_rows),
        evidence=(
            Evidence("dead_rows", row.dead_rows, "rows", _READING),
            Evidence("live_rows", row.live_rows, "rows", _READING),
            Evidence("autovacuum_threshold", round(row.threshold_rows), "rows", _READING),
            Evidence("size", row.size_bytes, "bytes", _READING),
            Evidence("last_autovacuum", _rounded(row.last_autovacuum_seconds), "seconds ago", _READING),
            Evidence("last_vacuum", _rounded(row.last_vacuum_seconds), "seconds ago", _READING),
            Evidence("tables_like_this", total, "tables", _READING),
        ),
        details={
            "schema": row.schema_name,
            "table": row.table_name,
            "dead_rows": row.dead_rows,
            "live_rows": row.live_rows,
            "threshold_rows": row.threshold_rows,
            "enabled": row.autovacuum_enabled,
            "is_catalog": row.schema_name == "pg_catalog",
        },
    )


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
