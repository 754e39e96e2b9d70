"""Hot statements with IN lists of hundreds of values.

Why it matters: each value is parsed and planned, each length of the list is another statement to plan and to count,
and from a point
on the planner gives up the index.
How to fix: one array parameter (= ANY ($1)), or a join with a VALUES list or a temporary table.
Cannot see: the length of a list from version 18 on, where pg_stat_statements shortens it; then only statements seen
running.
Source: PostgreSQL manual, "Row and Array Comparisons".
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_rare
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.huge_in_list",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Huge IN list", zh="IN 列表过长"),
    thresholds=[
        Threshold("min_elements", 100, "planning grows with each value; below a hundred it does not show"),
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.02, "PgHero's mark for a slow statement"),
    ],
    needs_window=True,
)
_HUGE = Say(
    en="IN lists of {elements:count} values and more: {statement:code}.",
    zh="IN 列表含 {elements:count} 个以上的值：{statement:code}。",
)
_CONSTANT = r"(?:\$?\d+|'[^']*')"
_LIST = re.compile(rf"\b(?:IN\s*\(|ARRAY\s*\[)\s*(?:{_CONSTANT}\s*,\s*){{20,}}", re.IGNORECASE)
_ROWS = re.compile(rf"\(\s*VALUES\s*(?:\(\s*{_CONSTANT}(?:::\w+)?\s*\)\s*,\s*){{20,}}", re.IGNORECASE)
"""A list of one column to join with; an INSERT of many rows stands in no brackets, and is as it should be."""


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        elements = elements_of(statement)
        if statement.share >= limits["min_share"] and not is_rare(statement) and elements >= limits["min_elements"]:
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                _HUGE(elements=elements, statement=statement.text), elements=elements,
            )  # fmt: skip


def elements_of(statement: HotStatement) -> int:
    """Elements of the longest list. A text that was cut in its list is no statement any more: there commas are
    counted."""
    by_tree = max((each.elements for each in statement.shape.huge_lists), default=0)
    text = statement.example or statement.query
    by_text = max((match[0].count(",") for kind in (_LIST, _ROWS) for match in kind.finditer(text)), default=0)
    return max(by_tree, by_text + 1 if by_text else 0)
