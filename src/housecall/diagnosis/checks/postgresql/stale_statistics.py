"""Tables whose planner statistics are older than their data.

Why it matters: the planner estimates from what ANALYZE saw last; after a load or many changes it picks nested loops for
hundreds of thousands of rows, or scans where an index would do.
How to fix: ANALYZE the table, and let autovacuum do it from then on.
Cannot see: whether a plan is wrong because of it (a plan with a wrong estimate needs the statement to be run).
Source: PostgreSQL manual, "Updating Planner Statistics" and autovacuum_analyze_threshold.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.checks.postgresql._statements import tables_in
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.statistics import StaleStatistics
from housecall.wording import Say

CHECK = Check(
    id="postgresql.stale_statistics",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say(en="Planner statistics older than the data", zh="优化器统计信息过期"),
    thresholds=[
        Threshold("min_rows", 1_000, "on smaller tables every plan is good enough"),
        Threshold("warning_rows", 10_000, "from here on a wrong estimate costs seconds, not milliseconds"),
        Threshold(
            "warning_share", 0.5, "changes against live rows: from here on the statistics describe another table"
        ),
        Threshold("grown_times", 2.0, "rows against those at the last ANALYZE: from here on it is another table"),
        Threshold("patience_seconds", 10 * 60.0, "ten rounds of autovacuum at its default naptime of one minute"),
    ],
)
_STALE = Say(
    en="{changes:count} row{changes:|s} of {table} changed since its last ANALYZE; it has {rows:count}"
    " row{rows:|s}, the planner"
    " believes in"
    " {believed:count}.",
    zh="表 {table} 自上次 ANALYZE 以来有 {changes:count} 行变更；实际约 {rows:count} 行，优化器以为是 {believed:count}"
    " 行。",
)
_NEVER = Say(
    en="{table} has {rows:count} row{rows:|s} and was never analysed: the planner guesses.",
    zh="表 {table} 有 {rows:count} 行，从未收集过统计信息，优化器只能猜测。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    being_read = _tables_being_read(now)
    for row in now.rows(StaleStatistics):
        if row.is_counted_late:
            continue
        if row.live_rows >= limits["min_rows"] and (row.never_counted or row.changes > row.threshold):
            is_read = row.scans > 0 or table_name(row.schema_name, row.table_name) in being_read
            yield _finding(row, severity_of(row, limits, is_read=is_read, uptime_seconds=now.facts.uptime_seconds))


def _tables_being_read(now: Snapshot) -> set[str]:
    """Tables of statements that run at this moment: their scans are counted only when they end."""
    sessions = now.get(Session)
    if isinstance(sessions, Unavailable):
        return set()
    return {table for each in sessions if each.state == "active" for table in tables_in(each.statement, now)}


def severity_of(row: StaleStatistics, limits: Limits, *, is_read: bool, uptime_seconds: float) -> Severity:
    """A table that autovacuum will see to within minutes, or that nobody reads, is only worth a notice."""
    is_large = row.live_rows >= limits["warning_rows"]
    is_misleading = row.never_counted or row.changes >= limits["warning_share"] * row.live_rows
    grave = is_read and is_large and is_misleading and not _will_be_mended(row, limits, uptime_seconds)
    return Severity.WARNING if grave else Severity.NOTICE


def _will_be_mended(row: StaleStatistics, limits: Limits, uptime_seconds: float) -> bool:
    """When the changes were made is not known: a load of this minute in a table that was analysed long ago is for
    autovacuum, unless the table has become another one."""
    if not row.autovacuum_enabled:
        return False
    is_fresh = (
        row.analysed_seconds_ago is None or min(row.analysed_seconds_ago, uptime_seconds) < limits["patience_seconds"]
    )
    return is_fresh or row.live_rows < limits["grown_times"] * row.planner_rows


def _finding(row: StaleStatistics, severity: Severity) -> Finding:
    name = table_name(row.schema_name, row.table_name)
    never = row.never_counted and row.analysed_seconds_ago is None
    if never:
        message = _NEVER(table=name, rows=row.live_rows)
    else:
        message = _STALE(changes=row.changes, table=name, rows=row.live_rows, believed=row.planner_rows)
    return Finding(
        CHECK.id, CHECK.item, severity, name, "table", message,
        measured(
            StaleStatistics,
            changes_since_analyze=(row.changes, "count"),
            live_rows=(row.live_rows, "count"),
            planner_rows=(row.planner_rows, "count"),
            analyze_threshold=(round(row.threshold), "count"),
            analysed_ago=(row.analysed_seconds_ago, "seconds"),
            autovacuum=(row.autovacuum_enabled, "flag"),
        ),
        details={
            "schema": row.schema_name, "table": row.table_name, "live_rows": row.live_rows, "changes": row.changes,
            "planner_rows": row.planner_rows, "never": never, "autovacuum": row.autovacuum_enabled,
            "table_autovacuum": row.table_autovacuum_enabled, "scans": row.scans, "size_bytes": row.size_bytes,
            "analysed_seconds_ago": row.analysed_seconds_ago, "threshold": row.threshold,
        },
    )  # fmt: skip
