"""Findings about how a hot statement is written."""

from typing import Any

from housecall.diagnosis.check import Check
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._statements import HotStatement, tables_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.tables import HotTable
from housecall.wording import Message


def hot_table_of(now: Snapshot, name: str) -> HotTable | None:
    """The table by its bare name; None when no reading knows it."""
    rows = now.get(HotTable)
    known = () if isinstance(rows, Unavailable) else rows
    return next((row for row in known if row.table_name == name), None)


def live_rows_of(now: Snapshot, name: str) -> float:
    """The rows of a table by its bare name; 0 when no reading knows it."""
    row = hot_table_of(now, name)
    return row.live_rows if row else 0.0


def statement_finding(
    check: Check, statement: HotStatement, now: Snapshot, severity: Severity, message: Message, **details: Any
) -> Finding:
    """A finding about one statement: its share, calls and mean time are the evidence."""
    evidence = measured(
        statement.reading,
        statement=(statement.query[:500], "text"),
        share_of_time=(round(statement.share, 4), "share"),
        calls=(statement.calls, "count"),
        mean_time=(statement.mean_seconds, "seconds"),
        rows_per_call=(statement.rows_per_call and round(statement.rows_per_call, 1), "number"),
        blocks_per_call=(statement.blocks_per_call and round(statement.blocks_per_call, 1), "number"),
    )
    return Finding(
        check.id, check.item, severity, statement.text, "statement", message,
        tuple(each for each in evidence if each.value is not None),
        details={
            "query": statement.query, "text": statement.text, "identity": statement.identity, "share": statement.share,
            "calls": statement.calls, "mean_seconds": statement.mean_seconds, "tables": tables_of(statement, now),
            "is_over": statement.is_over, "blocks_per_call": statement.blocks_per_call,
            "rows_per_call": statement.rows_per_call, **details,
        },
        identity=statement.identity,
    )  # fmt: skip


def severity_of(statement: HotStatement, warning_share: float, warning_seconds: float) -> Severity:
    """A warning when the statement takes a real share of the time and each run is slow, else a notice."""
    is_slow = statement.mean_lately is None or statement.mean_lately >= warning_seconds
    return Severity.WARNING if statement.share >= warning_share and is_slow else Severity.NOTICE
