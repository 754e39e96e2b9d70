"""Large tables that queries read from end to end, again and again.

Why it matters: each such scan reads every row to find a few; it fills the cache with pages nobody needs and burns a
core.
How to fix: an index for the filter of the statement that scans, when that statement returns a small part of the table.
Cannot see: which statement scans (the statements and their plans tell), and scans that read most rows on purpose.
Source: PostgreSQL manual, "The Cumulative Statistics System", pg_stat_all_tables.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import (
    counterpart,
    is_over,
    measured,
    statistics_seconds,
    table_name,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import HotTable
from housecall.wording import Say, Value

CHECK = Check(
    id="postgresql.hot_sequential_scans",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say(en="Large tables read from end to end", zh="大表被反复全表扫描"),
    thresholds=[
        Threshold(
            "min_rows", 10_000, "below this a sequential scan takes under a few milliseconds and an index helps little"
        ),
        Threshold("min_scans", 5, "fewer scans are a report or a backup, not a pattern"),
        Threshold("min_rows_read", 500_000, "what the scans read together before anybody can feel it"),
        Threshold("min_share", 0.05, "a table with less of all sequentially read rows is not where the time goes"),
        Threshold(
            "min_rows_per_scan_share", 0.1, "scans that stop early (LIMIT, EXISTS) read less of the table and are cheap"
        ),
    ],
    needs_window=True,
)
_SINCE = Say(
    en="{table} ({rows:count} row{rows:|s}) was scanned from end to end {scans:count} time{scans:|s} in"
    " {age:duration}: {read:count}"
    " rows read,"
    " {share:percent} of all sequential reads.",
    zh="表 {table}（{rows:count} 行）在 {age:duration} 内被全表扫描 {scans:count} 次，共读取 {read:count} 行，"
    "占全部顺序读取的 {share:percent}。",
)
_NOW = Say(
    en="{table} ({rows:count} row{rows:|s}) is being scanned from end to end: {scans:count} time{scans:|s} in the last"
    " {window:duration},"
    " {read:count} row{read:|s} read.",
    zh="表 {table}（{rows:count} 行）正在被反复全表扫描：最近 {window:duration} 内 {scans:count} 次，读取 "
    "{read:count} 行。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    age = statistics_seconds(now)
    for row in now.rows(HotTable):
        if is_hot(row, limits):
            yield _finding(row, now, earlier, age)


def is_hot(row: HotTable, limits: Limits) -> bool:
    if row.live_rows < limits["min_rows"] or row.sequential_scans < limits["min_scans"]:
        return False
    rows_per_scan = row.sequential_rows / row.sequential_scans
    return (
        row.sequential_rows >= limits["min_rows_read"]
        and row.sequential_rows >= limits["min_share"] * row.all_sequential_rows
        and rows_per_scan >= limits["min_rows_per_scan_share"] * row.live_rows
    )


def _finding(row: HotTable, now: Snapshot, earlier: Snapshot | None, age: float) -> Finding:
    before = counterpart(row, earlier, lambda each: (each.schema_name, each.table_name))
    window = now.seconds_since(earlier) if earlier else 0.0
    scans = row.sequential_scans - before.sequential_scans if before else 0
    read = row.sequential_rows - before.sequential_rows if before else 0
    over = before is not None and is_over(row.sequential_scans, scans, age, window)
    name = table_name(row.schema_name, row.table_name)
    share = row.sequential_rows / max(row.all_sequential_rows, 1)
    values: dict[str, Value] = {"table": name, "rows": row.live_rows, "share": share}
    message = (
        _NOW(**values, scans=scans, read=read, window=window)
        if scans > 0
        else _SINCE(**values, scans=row.sequential_scans, read=row.sequential_rows, age=age)
    )
    evidence = measured(
        HotTable,
        live_rows=(row.live_rows, "count"),
        sequential_scans=(row.sequential_scans, "count"),
        sequential_rows=(row.sequential_rows, "count"),
        share_of_sequential_rows=(round(share, 4), "share"),
        statistics_age=(round(age, 1), "seconds"),
        size=(row.size_bytes, "bytes"),
    )
    if scans > 0:
        evidence += measured(
            HotTable,
            window=(round(window, 2), "seconds"),
            sequential_scans_in_window=(scans, "count"),
            sequential_rows_in_window=(read, "count"),
        )
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, name, "table", message, evidence,
        details={
            "schema": row.schema_name, "table": row.table_name, "live_rows": row.live_rows,
            "size_bytes": row.size_bytes,
            "scans": row.sequential_scans, "rows_per_scan": row.sequential_rows / max(row.sequential_scans, 1),
            "rows_read": row.sequential_rows, "share": share, "scans_in_window": scans, "rows_in_window": read,
            "window_seconds": window, "age_seconds": age, "is_over": over,
        },
    )  # fmt: skip
