"""Findings about how a hot statement is written."""

from typing import Any

from housecall.diagnosis.check import Check
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.checks.mysql._statements import HotStatement, tables_of
from housecall.diagnosis.finding import Evidence, Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message

MIN_MOMENTS = 2
"""Looks at which a statement must have been seen running to count as load."""


def statement_evidence(statement: HotStatement) -> tuple[Evidence, ...]:
    """What the statement costs; without what was not counted."""
    evidence = measured(
        statement.reading,
        statement=(statement.query[:500], "text"),
        share_of_time=(round(statement.share, 4), "share"),
        calls=(statement.calls, "count"),
        mean_time=(statement.mean_seconds, "seconds"),
        rows_examined_a_call=(None if statement.examined is None else round(statement.examined, 1), "number"),
        rows_returned_a_call=(None if statement.returned is None else round(statement.returned, 1), "number"),
        moments_seen=(statement.moments or None, "count"),
        counted_in_the_window_alone=(statement.of_window or None, "flag"),
    )
    return tuple(each for each in evidence if each.value is not None)


def statement_details(statement: HotStatement, now: Snapshot) -> dict[str, Any]:
    """What causes tell of a statement."""
    return {
        "query": statement.query, "text": statement.text, "identity": statement.identity, "share": statement.share,
        "calls": statement.calls, "mean_seconds": statement.mean_seconds, "tables": tables_of(statement, now),
        "examined": statement.examined, "returned": statement.returned, "is_over": statement.is_over,
        "schema": statement.schema, "of_window": statement.of_window, "is_inner": statement.is_inner,
    }  # fmt: skip


def statement_finding(
    check: Check, statement: HotStatement, now: Snapshot, severity: Severity, message: Message, **details: Any
) -> Finding:
    """A finding about one statement: its share, calls, mean time and rows are the evidence."""
    return Finding(
        check.id, check.item, severity, statement.text, "statement", message, statement_evidence(statement),
        details={**statement_details(statement, now), **details}, identity=statement.identity,
    )  # fmt: skip


def severity_of(statement: HotStatement, warning_share: float, warning_seconds: float) -> Severity:
    """A warning when the statement takes a real share of the time and each run is slow, else a notice. What was seen
    running at one moment only may be a person's own query."""
    if statement.mean_seconds is None:
        is_slow = statement.moments >= MIN_MOMENTS
    else:
        is_slow = statement.mean_seconds >= warning_seconds
    return Severity.WARNING if statement.share >= warning_share and is_slow else Severity.NOTICE
