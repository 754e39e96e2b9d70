"""Rows that are read by going through tables from end to end, and joins that do so once for every row.

Why it matters: reading is then paid for by the size of the table and not by the rows that are wanted.
How to fix: find the statements (performance_schema, or the slow log with log_queries_not_using_indexes) and index what
they search by.
Without performance_schema these counters are all that tells of a missing index; which statement it is, they cannot say.
With it the table that most of them come from is named.
Small tables are read so all the time and rightly: this is a notice, however much there is of it.
Source: MySQL manual, Handler_read_rnd_next ("generally this suggests that your tables are not properly indexed") and
Select_full_join ("if this value is not 0, you should carefully check the indexes"); see also MySQLTuner.
"""

from collections.abc import Iterator
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import Pace, pace
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.statements import HotTable
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.rows_scanned",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say(en="Rows read by scanning tables", zh="全表扫描读取的行"),
    thresholds=[
        Threshold("least_rows", 1_000_000, "read so in all; fewer are reports and our own readings"),
        Threshold("rows_per_second", 200_000, "now, or on average: about a tenth of what one core can go through"),
        Threshold("share", 0.5, "of all rows that were read"),
        Threshold("table_share", 0.5, "of the rows that scans read now: the table that they come from"),
        Threshold("table_rows", 10_000, "a smaller table is read whole in a few milliseconds"),
        Threshold("joins_in_window", 50, "joins without an index in a window; the readings themselves make some 15"),
    ],
    needs_window=True,
)
_SCANNED = Say(
    en="{rate:count} rows a second are read by scanning tables ({share:percent} of all rows read); {joins:count}"
    " join{joins:|s} without an index so far.",
    zh="每秒有 {rate:count} 行通过全表扫描读取（占全部读取行的 {share:percent}）；累计有 {joins:count}"
    " 次连接未使用索引。",
)
_READS = ("Handler_read_first", "Handler_read_key", "Handler_read_last", "Handler_read_next", "Handler_read_prev",
          "Handler_read_rnd", "Handler_read_rnd_next")  # fmt: skip


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    scanned, read = pace(now, earlier, "Handler_read_rnd_next"), pace(now, earlier, *_READS)
    joins = pace(now, earlier, "Select_full_join", "Select_range_check")
    share = scanned.total / max(read.total, 1.0)
    is_scanning = scanned.current >= limits["rows_per_second"] and share >= limits["share"]
    is_joining = (joins.in_window or 0.0) >= limits["joins_in_window"]
    if scanned.total < limits["least_rows"] or not (is_scanning or is_joining):
        return
    table = _table(now, earlier, limits)
    yield Finding(
        CHECK.id, CHECK.item, Severity.NOTICE, "server", "server",
        _SCANNED(rate=scanned.current, share=share, joins=joins.total),
        scanned.evidence("rows_scanned") + read.evidence("rows_read") + joins.evidence("joins_without_index"),
        details={
            "rate": scanned.current, "share": share, "joins": joins.total, "is_scanning": is_scanning, **table,
            **_in_window(scanned, read, pace(now, earlier, "Select_scan", "Select_full_join")),
        },
    )  # fmt: skip


def _table(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> dict[str, Any]:
    """The table that most of the rows come from which scans read between the two looks, with its rows; `table` is None
    when there is no such table, or when it could not be seen."""
    total = _read_without_index(now)
    before = {} if earlier is None else _read_without_index(earlier)
    scanned = {name: total[name] - before[name] for name in total if name in before}
    sizes = {(row.schema_name, row.table_name): row.table_rows or 0 for row in rows_or_none(now, LargeTableColumn)}
    most = max(scanned, key=lambda each: scanned[each], default=None)
    if most is None or sizes.get(most, 0) < limits["table_rows"] or scanned[most] < sizes[most]:
        return {"table": None}
    if scanned[most] < limits["table_share"] * sum(scanned.values()):
        return {"table": None}
    return {"table": table_name(*most), "table_rows": sizes[most], "table_rows_scanned": scanned[most]}


def _read_without_index(snapshot: Snapshot) -> dict[tuple[str, str], int]:
    return {(row.schema_name, row.table_name): row.rows_read_without_index for row in rows_or_none(snapshot, HotTable)}


def _in_window(scanned: Pace, read: Pace, scans: Pace) -> dict[str, float | None]:
    """The share of scanned rows in the window, and how many rows a scan took in it; None with one look."""
    if scanned.in_window is None:
        return {"window_share": None, "rows_a_scan": None}
    return {
        "window_share": scanned.in_window / max(read.in_window or 0.0, 1.0),
        "rows_a_scan": scanned.in_window / max(scans.in_window or 0.0, 1.0),
    }
