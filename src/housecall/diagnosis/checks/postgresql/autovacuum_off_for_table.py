"""Tables that autovacuum was told to leave alone.

Why it matters: such a table keeps every dead row and old statistics until someone vacuums it by hand.
How to fix: reset the option; if autovacuum disturbed, give the table gentler cost settings instead.
Cannot see: a job that vacuums the table by hand (its traces are in last_vacuum).
Source: PostgreSQL manual, CREATE TABLE, "Storage Parameters" (autovacuum_enabled); see also postgresqltuner and
pgAssistant.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified
from housecall.engines.postgresql.rows.vacuum import VacuumTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.autovacuum_off_for_table",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say("Autovacuum is off for a table", "表级 autovacuum 已关闭"),
    thresholds=[
        Threshold("min_dead_rows", 1000, "with fewer dead rows the option does no harm yet"),
        Threshold("min_modified_rows", 1000, "with fewer changes since the last analyse it does no harm yet"),
        Threshold("max_tables", 10, "the worst; the total is told"),
    ],
)

_MESSAGE = Say(
    "Autovacuum is switched off for {table}, which holds {dead:count} dead row{dead:|s} beside {live:count} live ones.",
    "{table} 关闭了 autovacuum，现有 {dead:count} 个死元组，活元组 {live:count} 个。",
)
_LARGE = Say(
    "Autovacuum is switched off for the large values (TOAST) of {table}: {dead:count} dead part{dead:|s} lie in"
    " {size:bytes}.",
    "{table} 的大字段（TOAST）关闭了 autovacuum：{size:bytes} 中有 {dead:count} 个死元组。",
)
_READING = "vacuum_tables"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    off = [row for row in now.rows(VacuumTable) if not row.autovacuum_enabled or row.large_values_off]
    for row in off[: int(limits["max_tables"])]:
        name = qualified(row.schema_name, row.table_name)
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=_severity(row, limits),
            object=name,
            object_kind="table",
            message=_MESSAGE(table=name, dead=row.dead_rows, live=row.live_rows)
            if not row.autovacuum_enabled
            else _LARGE(table=name, dead=row.dead_large_parts, size=row.large_bytes),
            evidence=(
                Evidence("options", ", ".join(row.options), "text", _READING),
                Evidence("dead_rows", row.dead_rows, "rows", _READING),
                Evidence("live_rows", row.live_rows, "rows", _READING),
                Evidence("autovacuum_threshold", round(row.threshold_rows), "rows", _READING),
                Evidence("modified_since_analyse", row.modified_rows, "rows", _READING),
                Evidence("size", row.size_bytes, "bytes", _READING),
                Evidence("dead_large_parts", row.dead_large_parts, "rows", _READING),
                Evidence("size_of_large_values", row.large_bytes, "bytes", _READING),
                Evidence("tables_switched_off", row.switched_off_total, "tables", _READING),
            ),
            details={
                "schema": row.schema_name,
                "table": row.table_name,
                "dead_rows": row.dead_rows,
                "live_rows": row.live_rows,
                "threshold_rows": row.threshold_rows,
                "size_bytes": row.size_bytes,
                "only_large": row.autovacuum_enabled,
                "large_off": row.large_values_off,
                "dead_large_parts": row.dead_large_parts,
                "large_bytes": row.large_bytes,
            },
        )


def _severity(row: VacuumTable, limits: Limits) -> Severity:
    """A warning only where autovacuum would be working now if it were allowed to."""
    if row.dead_rows >= limits["min_dead_rows"] and row.dead_rows > row.threshold_rows and not row.autovacuum_enabled:
        return Severity.WARNING
    if row.dead_large_parts >= limits["min_dead_rows"] and row.dead_large_parts > row.threshold_large_parts:
        return Severity.WARNING
    if row.autovacuum_enabled:
        return Severity.INFO
    if row.dead_rows >= limits["min_dead_rows"] or row.modified_rows >= limits["min_modified_rows"]:
        return Severity.NOTICE
    return Severity.INFO
