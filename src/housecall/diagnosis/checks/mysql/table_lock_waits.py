"""Statements that had to wait for a whole table, because its engine (MyISAM, Aria, MEMORY) locks no single rows.

Why it matters: one long read stops every write of the table, and a waiting write every read that comes after it.
How to fix: convert the table to InnoDB; keep reports off it until then.
Cannot see: which table it was once the wait is over; it names the largest of such tables then. LOCK TABLES on InnoDB is
counted here by MariaDB and not by MySQL.
Source: MySQL manual, "Table Locking Issues", Table_locks_waited; the shares are our proposal (MySQLTuner asks for 95 %
at once).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._blocking import locks_of, trees_of, wait_kind
from housecall.diagnosis.checks.mysql._measured import counter, in_window, measured, table_name
from housecall.diagnosis.checks.mysql._statement_text import tables_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.engines.mysql.rows.sessions import Session
from housecall.engines.mysql.rows.tables import ForeignEngineTable
from housecall.wording import Say

CHECK = Check(
    id="mysql.table_lock_waits",
    item="lock_wait_deadlock_analysis",
    severity=Severity.WARNING,
    title=Say("Waits for whole tables", "表级锁等待"),
    thresholds=[
        Threshold("notice_waits", 1, "InnoDB never waits here, so even one says that such a table is in use"),
        Threshold("warning_share", 0.05, "one statement in twenty waits: MySQLTuner's line"),
        Threshold("min_waits", 20, "below that a share says little"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{waited:count} statement{waited:|s} waited for a whole table since the server started ({share:percent}),"
    " {window:count} while we looked.",
    "服务器启动以来有 {waited:count} 条语句等待过表级锁（{share:percent}），检查期间 {window:count} 条。",
)
_ENGINES = ("myisam", "aria", "memory", "mrg_myisam", "csv")


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    waited, at_once = counter(now, "Table_locks_waited") or 0.0, counter(now, "Table_locks_immediate") or 0.0
    waiting_now = [tree for tree in trees_of(locks_of(now)) if any(edge.kind == "table" for edge in tree.direct)]
    if waited < limits["notice_waits"] and not waiting_now:
        return
    tables = [row for row in now.rows(ForeignEngineTable) if row.engine.lower() in _ENGINES]
    if not tables and not waiting_now:
        return
    window, share = in_window(now, earlier, "Table_locks_waited") or 0.0, waited / max(1.0, waited + at_once)
    busy = waiting_now[0].table if waiting_now else None
    named = busy or table_name(tables[0].schema_name, tables[0].table_name)
    crowd = _crowd(now, named)
    often = window > 0 or (waited >= limits["min_waits"] and share >= limits["warning_share"])
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if often else Severity.NOTICE, named, "table",
        _MESSAGE(waited=waited, share=share, window=window),
        measured(
            StatusCounter,
            waited=(waited, "count"),
            at_once=(at_once, "count"),
            share_that_waited=(share, "share"),
            in_the_window=(window, "count"),
        )
        + measured(ForeignEngineTable, tables_without_row_locks=(len(tables), "count"), largest=(named, "name")),
        details={
            "waited": waited, "share": share, "window": window, "tables": len(tables),
            "seen_waiting": busy is not None, "engine": _engine(named, tables), "held_up": crowd,
        },
    )  # fmt: skip


def _crowd(now: Snapshot, table: str) -> float:
    """Of the sessions with work in all looks, the share that waited for this table as a whole."""
    waiting = working = 0
    for look in now.samples:
        for session in look.rows(Session):
            if session.command not in ("Query", "Execute"):
                continue
            working += 1
            if wait_kind(session) == "table" and table in tables_of(session.statement, session.database_name):
                waiting += 1
    return waiting / working if working else 0.0


def _engine(named: str, tables: list[ForeignEngineTable]) -> str | None:
    return next((row.engine for row in tables if table_name(row.schema_name, row.table_name) == named), None)
