"""Large tables that are mostly empty space.

Why it matters: scans read the empty pages, backups copy them, and the cache holds them.
How to fix: new rows reuse the space by themselves; to give it back, rewrite the table without a long lock (pg_repack)
at a quiet time. First mend what let it grow.
Cannot see: an estimate from column widths, wrong by some 15 %, more with very uneven rows; TOAST is not counted.
pgstattuple measures it. Without the column widths only what is wasted even if every row were as wide as a row may be.
Source: the practice of check_pgactivity and splinter; PostgreSQL manual, "Database Page Layout" (24-byte page header,
23-byte tuple header, 4-byte item pointer) and "TOAST" (rows of more than 2 kB are moved out).
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
        Threshold("min_size_bytes", 100 * 1024**2, "common practice: smaller tables are read at once anyway"),
        Threshold("min_share", 0.5, "common practice: below half, reuse and rounding explain it"),
        Threshold("warning_wasted_bytes", 5 * 1024**3, "worth a maintenance window"),
    ],
)

_MESSAGE = Say(
    "{table} takes {size:bytes} but its rows need about {needed:bytes}: {share:percent} is wasted (estimated).",
    "{table} 占用 {size:bytes}，而行数据约需 {needed:bytes}：约 {share:percent} 是浪费（估算）。",
)
_AT_MOST = Say(
    "{table} takes {size:bytes} but its rows need {needed:bytes} at most, at 2 kB a row: {share:percent} or more is"
    " wasted.",
    "{table} 占用 {size:bytes}，即使按每行 2 kB 计，行数据最多也只需 {needed:bytes}：至少 {share:percent} 是浪费。",
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
        needed, is_known = _needed(row)
        if needed is not None and 1 - needed / row.size_bytes >= limits["min_share"]:
            yield _finding(row, name, row.size_bytes, needed, is_known, limits)
        elif not is_known:
            unknown.append(name)
    if unknown:
        yield NotEvaluated(
            CHECK.id,
            _UNKNOWN(tables=len(unknown), table=unknown[0], user=now.facts.user),
            _LET(analyze=f"ANALYZE {unknown[0]};", grant=grant("pg_read_all_data", now)),
        )


def _needed(row: BloatEstimate) -> tuple[int | None, bool]:
    """What the rows need, and whether column widths tell it; else the most that they can need."""
    if row.needed_bytes is not None and row.columns_seen >= row.columns_total / 2:
        return row.needed_bytes, True
    return row.most_needed_bytes, False


def _finding(row: BloatEstimate, name: str, size: int, needed: int, is_known: bool, limits: Limits) -> Finding:
    wasted = size - needed
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING if wasted >= limits["warning_wasted_bytes"] else Severity.NOTICE,
        object=name,
        object_kind="table",
        message=(_MESSAGE if is_known else _AT_MOST)(table=name, size=size, needed=needed, share=wasted / size),
        evidence=(
            Evidence("size", size, "bytes", _READING),
            Evidence("needed_estimate" if is_known else "needed_at_most", needed, "bytes", _READING),
            Evidence("live_rows", row.live_rows, "rows", _READING),
            Evidence("dead_rows", row.dead_rows, "rows", _READING),
        ),
        details={
            "schema": row.schema_name,
            "table": row.table_name,
            "size_bytes": size,
            "needed_bytes": needed,
            "is_known": is_known,
            "share": wasted / size,
            "dead_share": row.dead_rows / max(1, row.live_rows + row.dead_rows),
        },
    )
