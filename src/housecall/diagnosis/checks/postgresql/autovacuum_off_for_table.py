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
_READING = "vacuum_tables"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    off = [row for row in now.rows(VacuumTable) if not row.autovacuum_enabled]
    for row in off[: int(limits["max_tables"])]:
        name = qualified(row.schema_name, row.table_name)
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=_severity(row, limits),
            object=name,
            object_kind="table",
            message=_MESSAGE(table=name, dead=row.dead_rows, live=row.live_rows),
            evidence=(
                Evidence("options", ", ".join(row.options), "text", _READING),
                Evidence("dead_rows", row.dead_rows, "rows", _READING),
                Evidence("live_rows", row.live_rows, "rows", _READING),
                Evidence("autovacuum_threshold", round(row.threshold_rows), "rows", _READING),
                Evidence("modified_since_analyse", row.modified_rows, "rows", _READING),
                Evidence("size", row.size_bytes, "bytes", _READING),
                Evidence("tables_switched_off", row.switched_off_total, "tables", _READING),
            ),
            details={
                "schema": row.schema_name,
                "table": row.table_name,
                "dead_rows": row.dead_rows,
                "live_rows": row.live_rows,
                "threshold_rows": row.threshold_rows,
                "size_bytes": row.size_bytes,
            },
        )


def _severity(row: VacuumTable, limits: Limits) -> Severity:
    """A warning only where autovacuum would be working now if it were allowed to."""
    if row.dead_rows >= limits["min_dead_rows"] and row.dead_rows > row.threshold_rows:
        return Severity.WARNING
    if row.dead_rows >= limits["min_dead_rows"] or row.modified_rows >= limits["min_modified_rows"]:
        return Severity.NOTICE
    return Severity.INFO
