"""Autovacuum is on but does not keep up: too few workers, too slow, too seldom, or thresholds that hardly ever trigger.

Why it matters: tables bloat as if it were off, only less visibly.
How to fix: see the reason; the cost limit first, then workers, naptime, and the scale factor of the largest tables.
Cannot see: vacuums that were cancelled because someone wanted a lock on the table (the log tells).
Source: PostgreSQL manual, "Automatic Vacuuming" and "Cost-based Vacuum Delay"; see also pgAssistant and pganalyze.
Speed: a dirtied
page costs 20 points (vacuum_cost_page_dirty), so points a second / 20 x 8 kB is the most that all workers write
together.
"""

from collections.abc import Iterator, Sequence

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import BLOCK_BYTES
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.quoting import qualified
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.vacuum import VacuumTable, VacuumWorker
from housecall.wording import Say

CHECK = Check(
    id="postgresql.autovacuum_starved",
    item="storage_engine_analysis",
    severity=Severity.WARNING,
    title=Say("Autovacuum does not keep up", "autovacuum 跟不上"),
    thresholds=[
        Threshold("min_dead_rows", 10_000, "as for dead rows: fewer cost nothing"),
        Threshold("times_threshold", 2.0, "as for dead rows: autovacuum is late"),
        Threshold("generous_share", 0.5, "as for dead rows: a threshold above half of the live rows"),
        Threshold("min_write_bytes_per_second", 1024 * 1024, "slower than 1 MB/s no table of size is ever done"),
        Threshold("max_naptime_seconds", 600.0, "ten times the default: a busy table dies faster"),
        Threshold("unvisited_seconds", 3600.0, "late for an hour although workers are free"),
        Threshold("warning_dead_rows", 100_000, "in all late tables together"),
    ],
)

_MESSAGE = Say(
    "Autovacuum does not keep up ({reason}): {tables:count} table{tables:|s} with {dead:count} dead"
    " row{dead:|s}, worst {worst}.",
    "autovacuum 跟不上（{reason}）：{tables:count} 张表共 {dead:count} 个死元组未及时清理，最严重的是 {worst}。",
)
_DIRTY_PAGE_COST = 20

_HIDDEN = Say(
    "role '{user}' may not see the workers of autovacuum, and {tables:count} table{tables:|s} {tables:is|are} late",
    "角色 '{user}' 看不到 autovacuum 的 worker，而有 {tables:count} 张表未及时清理",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    settings = now.row(UpkeepSettings)
    if not (settings.autovacuum and settings.track_counts):
        return
    workers = now.rows(VacuumWorker)
    late = [row for row in now.rows(VacuumTable) if _is_late(row, limits)]
    reason = _reason(late, workers, settings, now, limits) if late else None
    if reason:
        blamed = sorted(late, key=_triggers) if reason == "threshold_too_high" else late
        yield _finding(reason, blamed, workers, settings, limits)
    elif late and not now.facts.has_monitor_role:
        yield NotEvaluated(
            CHECK.id,
            _HIDDEN(user=now.facts.user, tables=len(late)),
            grant("pg_monitor", now),
        )


def _is_late(row: VacuumTable, limits: Limits) -> bool:
    sensible = min(row.threshold_rows, 50 + limits["generous_share"] * row.live_rows)
    late = row.dead_rows >= limits["min_dead_rows"] and row.dead_rows >= limits["times_threshold"] * sensible
    return row.autovacuum_enabled and late


def _triggers(row: VacuumTable) -> bool:
    """Whether autovacuum would come at so many dead rows; false where the threshold is in its way."""
    return row.threshold_rows <= row.dead_rows


def _reason(
    late: Sequence[VacuumTable],
    workers: Sequence[VacuumWorker],
    settings: UpkeepSettings,
    now: Snapshot,
    limits: Limits,
) -> str | None:
    """Why the late tables are late, by the strongest sign; None when it may yet come, or came and could not clean."""
    working = [worker for worker in workers if worker.is_autovacuum]
    if len(working) >= settings.autovacuum_max_workers:
        return "workers_busy"
    if working and write_bytes_per_second(settings) < limits["min_write_bytes_per_second"]:
        return "too_slow"
    if not all(_triggers(row) for row in late):
        return "threshold_too_high"
    unvisited = [row for row in late if _last_visit(row) is None or (_last_visit(row) or 0.0) > _patience(settings)]
    if not unvisited:
        return None
    if settings.autovacuum_naptime_seconds >= limits["max_naptime_seconds"]:
        return "too_seldom"
    if write_bytes_per_second(settings) < limits["min_write_bytes_per_second"]:
        return "too_slow"
    known = min(now.facts.uptime_seconds, *(_last_visit(row) or now.facts.uptime_seconds for row in unvisited))
    return "not_reached" if known >= limits["unvisited_seconds"] else None


def _patience(settings: UpkeepSettings) -> float:
    return 2 * settings.autovacuum_naptime_seconds if settings.autovacuum_naptime_seconds < 600 else 600.0


def _last_visit(row: VacuumTable) -> float | None:
    visits = [each for each in (row.last_autovacuum_seconds, row.last_vacuum_seconds) if each is not None]
    return min(visits) if visits else None


def write_bytes_per_second(settings: UpkeepSettings) -> float:
    """The most that all workers together may write, by the cost settings; without a delay there is no limit."""
    if settings.autovacuum_cost_delay_seconds <= 0:
        return float("inf")
    points = settings.autovacuum_cost_limit / settings.autovacuum_cost_delay_seconds
    return points / _DIRTY_PAGE_COST * BLOCK_BYTES


def _finding(
    reason: str,
    late: Sequence[VacuumTable],
    workers: Sequence[VacuumWorker],
    settings: UpkeepSettings,
    limits: Limits,
) -> Finding:
    names = [qualified(row.schema_name, row.table_name) for row in late]
    dead = sum(row.dead_rows for row in late)
    speed = write_bytes_per_second(settings)
    by_table = reason == "threshold_too_high" and any("autovacuum_vacuum" in each for each in late[0].options)
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING if dead >= limits["warning_dead_rows"] else Severity.NOTICE,
        object=names[0] if by_table else "autovacuum",
        object_kind="table" if by_table else "setting",
        message=_MESSAGE(reason=reason, tables=len(late), dead=dead, worst=names[0]),
        evidence=(
            Evidence("reason", reason, "text", "vacuum_tables"),
            Evidence("late_tables", len(late), "tables", "vacuum_tables"),
            Evidence("dead_rows", dead, "rows", "vacuum_tables"),
            Evidence("workers_running", sum(bool(each.is_autovacuum) for each in workers), "workers", "vacuum_workers"),
            Evidence("autovacuum_max_workers", settings.autovacuum_max_workers, "workers", "upkeep_settings"),
            Evidence("autovacuum_naptime", settings.autovacuum_naptime_seconds, "seconds", "upkeep_settings"),
            Evidence("cost_limit", settings.autovacuum_cost_limit, "points", "upkeep_settings"),
            Evidence("cost_delay", settings.autovacuum_cost_delay_seconds, "seconds", "upkeep_settings"),
            Evidence("scale_factor", late[0].threshold_scale, "share", "vacuum_tables"),
        ),
        details={
            "reason": reason,
            "tables": names,
            "qualified": [(row.schema_name, row.table_name) for row in late[:5]],
            "dead_rows": dead,
            "workers": sum(bool(each.is_autovacuum) for each in workers),
            "max_workers": settings.autovacuum_max_workers,
            "naptime_seconds": settings.autovacuum_naptime_seconds,
            "write_bytes_per_second": None if speed == float("inf") else speed,
            "cost_limit": settings.autovacuum_cost_limit,
            "cost_delay_seconds": settings.autovacuum_cost_delay_seconds,
            "threshold_rows": late[0].threshold_rows,
            "options": list(late[0].options),
            "by_table": by_table,
        },
    )
