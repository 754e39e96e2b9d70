"""Hot statements with IN lists of hundreds of values.

Why it matters: each value is parsed and looked up in the index while planning; from eq_range_index_dive_limit values on
(200) the optimizer guesses from the index's average instead, and beyond range_optimizer_max_mem_size it reads the
table.
How to fix: send the values in batches, or join with a temporary table or JSON_TABLE.
Cannot see: the length of a list in a digest, which shortens it; it is counted in a kept sample or a statement seen
running, or told from the rows that a list on a unique column finds.
Source: MySQL manual, "Range Optimization".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._predicates import comparisons
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements, table_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.tokens import TokenError, mysql_tokens
from housecall.wording import Say

MOST_FOUND = 0.3
"""The share of the rows looked at that were found: a third where MariaDB makes a table of a long list, which it then
reads twice (in_predicate_conversion_threshold)."""

CHECK = Check(
    id="mysql.huge_in_list",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Huge IN list", zh="IN 列表过长"),
    thresholds=[
        Threshold("min_elements", 100, "planning grows with each value; below a hundred it does not show"),
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a run: below it the list is looked up quickly"),
    ],
    needs_window=True,
)
_HUGE = Say(
    en="IN lists of {elements:count} values and more: {statement:code}.",
    zh="IN 列表含 {elements:count} 个以上的值：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        if statement.share < limits["min_share"]:
            continue
        elements = max(elements_of(statement), elements_by_count(statement, now))
        if elements >= limits["min_elements"]:
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                _HUGE(elements=elements, statement=statement.text), elements=elements,
            )  # fmt: skip


def elements_by_count(statement: HotStatement, now: Snapshot) -> int:
    """The least number of elements that the counters prove: of a list on a unique column each value finds one row."""
    for compared in comparisons(statement.sql):
        table = table_of(now, statement, compared.relation)
        if not compared.is_list or not compared.hidden or table is None or statement.examined is None:
            continue
        unique = any(
            index.is_unique and [part.lower() for part in index.columns] == [compared.column.lower()]
            for index in table.indexes
        )
        whole = statement.examined >= table.rows / 2 or len(statement.shape.tables) != 1
        found = statement.returned or 0.0
        if unique and not whole and found >= MOST_FOUND * statement.examined:
            return int(found)
    return 0


def elements_of(statement: HotStatement) -> int:
    """Elements of the longest list of constants behind IN, counted in the tokens, so that a text which was cut in its
    list counts, too."""
    try:
        tokens = list(mysql_tokens(statement.example or statement.cut_example or statement.query, lenient=True))
    except TokenError:
        return 0
    longest, place = 0, 0
    while place + 1 < len(tokens):
        if tokens[place].text == "in" and tokens[place + 1].text == "(":
            count, place = 0, place + 2
            while place < len(tokens) and (
                tokens[place].kind in ("number", "string") or tokens[place].text in (",", "-")
            ):
                count += tokens[place].kind in ("number", "string")
                place += 1
            longest = max(longest, count)
        place += 1
    return longest
