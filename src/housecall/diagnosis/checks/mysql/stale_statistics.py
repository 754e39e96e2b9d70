"""Tables whose optimizer statistics are older than their data.

Why it matters: the optimizer estimates from what ANALYZE saw last; with 1,000 rows in mind it joins and scans a table
of 300,000 as if it were small.
How to fix: ANALYZE TABLE, and let InnoDB renew the statistics by itself again (STATS_AUTO_RECALC).
Cannot see: whether a plan is wrong because of it; the statements on the table are told beside it.
Source: MySQL manual, "Configuring Persistent Optimizer Statistics Parameters": InnoDB renews them in the background
when a tenth of the rows changed, unless that is switched off for the table or the server.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.statements import HotTable
from housecall.engines.mysql.rows.tables import TableStatistics
from housecall.wording import Say

CHECK = Check(
    id="mysql.stale_statistics",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say(en="Optimizer statistics older than the data", zh="优化器统计信息过期"),
    thresholds=[
        Threshold("min_rows", 1_000, "on smaller tables every plan is good enough"),
        Threshold("warning_rows", 10_000, "from here on a wrong estimate costs seconds, not milliseconds"),
        Threshold("notice_share", 0.2, "of the rows: twice what InnoDB itself waits for"),
        Threshold("warning_share", 0.5, "of the rows: from here on the statistics describe another table"),
        Threshold("patience_seconds", 10 * 60.0, "InnoDB's own renewal comes within seconds of a tenth changed"),
    ],
)
_STALE = Say(
    en="The statistics of {table} tell of {believed:count} row{believed:|s}; it has about {rows:count},"
    " {changes:count} changed since they were made.",
    zh="表 {table} 的统计信息记录为 {believed:count} 行，实际约 {rows:count} 行，此后有 {changes:count} 行变更。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    reads = {(row.schema_name, row.table_name): row.rows_read for row in rows_or_none(now, HotTable)}
    for row in now.rows(TableStatistics):
        share = changed_share(row)
        if max(row.live_rows, row.statistics_rows) < limits["min_rows"] or share < limits["notice_share"]:
            continue
        if row.is_recalculated and row.statistics_age_seconds < limits["patience_seconds"]:
            continue
        is_read = not reads or reads.get((row.schema_name, row.table_name), 0) > 0
        is_large = max(row.live_rows, row.statistics_rows) >= limits["warning_rows"]
        is_grave = is_read and is_large and share >= limits["warning_share"] and not row.is_recalculated
        yield _finding(row, share, Severity.WARNING if is_grave else Severity.NOTICE)


def changed_share(row: TableStatistics) -> float:
    """How far the table has moved on, as a share of its rows: by their number, or by the changes InnoDB counted."""
    rows = max(row.live_rows, row.statistics_rows, 1)
    return max(abs(row.live_rows - row.statistics_rows), min(row.modified_rows, rows)) / rows


def _finding(row: TableStatistics, share: float, severity: Severity) -> Finding:
    name = table_name(row.schema_name, row.table_name)
    changes = max(row.modified_rows, abs(row.live_rows - row.statistics_rows))
    return Finding(
        CHECK.id, CHECK.item, severity, name, "table",
        _STALE(table=name, believed=row.statistics_rows, rows=row.live_rows, changes=changes),
        measured(
            TableStatistics,
            rows_in_statistics=(row.statistics_rows, "count"),
            live_rows=(row.live_rows, "count"),
            changed_rows=(row.modified_rows, "count"),
            changed_share=(round(share, 3), "share"),
            statistics_age=(row.statistics_age_seconds, "seconds"),
            renewed_by_itself=(row.is_recalculated, "flag"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "believed": row.statistics_rows,
            "live_rows": row.live_rows, "changes": changes, "is_recalculated": row.is_recalculated,
            "table_option": "stats_auto_recalc=0" in (row.create_options or "").lower(),
            "age_seconds": row.statistics_age_seconds,
        },
    )  # fmt: skip
