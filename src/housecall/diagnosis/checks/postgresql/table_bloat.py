"""Large tables that are mostly empty space.

Why it matters: scans read the empty pages, backups copy them, and the cache holds them.
How to fix: new rows reuse the space by themselves; to give it back, rewrite the table without a long lock (pg_repack)
at a quiet time. First mend what let it grow.
Cannot see: an estimate from column widths, wrong by some 15 %, more with very uneven rows; TOAST is not counted.
pgstattuple measures it.
Source: checks.md row 59; PostgreSQL manual, "Database Page Layout" (24-byte page header, 23-byte tuple header, 4-byte
item pointer).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.quoting import qualified
from housecall.engines.postgresql.rows.vacuum import BloatEstimate
from housecall.wording import Say

CHECK = Check(
    id="postgresql.table_bloat",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say("Table bloat", "表膨胀"),
    thresholds=[
        Threshold("min_size_bytes", 100 * 1024**2, "checks.md row 59: smaller tables are read at once anyway"),
        Threshold("min_share", 0.5, "checks.md row 59: below half, reuse and rounding explain it"),
        Threshold("warning_wasted_bytes", 5 * 1024**3, "worth a maintenance window"),
    ],
)

_MESSAGE = Say(
    "{table} takes {size:bytes} but its rows need about {needed:bytes}: {share:percent} is wasted (estimated).",
    "{table} 占用 {size:bytes}，而行数据约需 {needed:bytes}：约 {share:percent} 是浪费（估算）。",
)
_READING = "table_bloat"

_UNKNOWN = Say(
    "the column widths of {tables:count} large table{tables:|s}, such as {table}, are not known or not visible to role"
    " '{user}'",
    "{tables:count} 张大表（如 {table}）的列宽未知，或角色 '{user}' 无权查看",
)
_LET = Say("`{analyze}`, or, where it was analysed, `{grant}`", "`{analyze}`；若已收集过统计信息，则 `{grant}`")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    unknown = []
    for row in now.rows(BloatEstimate):
        if row.size_bytes is None or row.size_bytes < limits["min_size_bytes"]:
            continue
        name = qualified(row.schema_name, row.table_name)
        if row.needed_bytes is None or row.columns_seen < row.columns_total / 2:
            unknown.append(name)
        elif 1 - row.needed_bytes / row.size_bytes >= limits["min_share"]:
            yield _finding(row, name, row.size_bytes, row.needed_bytes, limits)
    if unknown:
        yield NotEvaluated(
            CHECK.id,
            _UNKNOWN(tables=len(unknown), table=unknown[0], user=now.facts.user),
            _LET(analyze=f"ANALYZE {unknown[0]};", grant=grant("pg_read_all_data", now)),
        )


def _finding(row: BloatEstimate, name: str, size: int, needed: int, limits: Limits) -> Finding:
    wasted = size - needed
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING if wasted >= limits["warning_wasted_bytes"] else Severity.NOTICE,
        object=name,
        object_kind="table",
        message=_MESSAGE(table=name, size=size, needed=needed, share=wasted / size),
        evidence=(
            Evidence("size", size, "bytes", _READING),
            Evidence("needed_estimate", needed, "bytes", _READING),
            Evidence("live_rows", row.live_rows, "rows", _READING),
            Evidence("dead_rows", row.dead_rows, "rows", _READING),
        ),
        details={
            "schema": row.schema_name,
            "table": row.table_name,
            "size_bytes": size,
            "needed_bytes": needed,
            "share": wasted / size,
            "dead_share": row.dead_rows / max(1, row.live_rows + row.dead_rows),
        },
    )
