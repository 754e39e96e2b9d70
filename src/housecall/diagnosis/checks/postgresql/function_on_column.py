"""Hot statements that wrap a filtered column in a function, a cast or arithmetic.

Why it matters: an index on the column holds its values, not the function's; the server computes the function for
every row.
How to fix: an index on that very expression, or a filter that leaves the column bare. Where the function may not stand
in an index (a time with zone cut to days, a written cast), only the second.
Cannot see: whether the function may stand in an index when it is the user's own (only known immutable ones get an
index).
Source: PostgreSQL manual, "Indexes on Expressions".
"""

from collections.abc import Iterator
from dataclasses import replace

from housecall.advisor.index import TableFacts
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._index_candidates import MIN_SHARE, proposals, table_facts
from housecall.diagnosis.checks.postgresql._measured import BLOCK_BYTES, table_name
from housecall.diagnosis.checks.postgresql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_hot, plan_of, scans_of
from housecall.diagnosis.checks.postgresql.missing_index import proposal_finding
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.indexes import HotIndex
from housecall.engines.postgresql.rows.tables import HotTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.function_on_column",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Filter wraps a column in a function", zh="过滤条件对列使用函数"),
    thresholds=[
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.002, "mean time of a run; below it the table is small enough to be read whole"),
        Threshold("min_rows", 10_000, "a smaller table is read in under a few milliseconds"),
    ],
    needs_window=True,
)
MIN_PAGES = 100
"""A search by index touches a handful of pages: of fewer than this it might be half."""
WHOLE_SHARE = 0.5
"""Of a table's pages: no search by an index touches so many."""
_WRAPPED = Say(
    en="{statement:code} filters by {expression}, which an index on the bare column cannot serve: every"
    " row of {table} is"
    " computed.",
    zh="{statement:code} 按 {expression} 过滤，普通列索引无法使用：{table} 的每一行都要计算该表达式。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    proposed = list(proposals(now, earlier))
    for proposal in proposed:
        if proposal.has_expression and proposal.table.rows >= limits["min_rows"]:
            wrapped = next(each for each in proposal.candidate.serves if each.expression is not None)
            has_index = any(index.columns[:1] == (wrapped.column,) for index in proposal.table.indexes)
            finding = proposal_finding(
                CHECK, proposal, now, limits, _WRAPPED, expression=wrapped.expression or "", column=wrapped.column,
                wrapped_by=wrapped.wrapped_by or "", has_plain_index=has_index,
            )  # fmt: skip
            yield finding if _is_supported(finding) else replace(finding, severity=Severity.INFO)
    served = {each.identity for proposal in proposed for each in proposal.statements}
    for statement in hot_statements(now, earlier):
        if statement.identity not in served and is_hot(statement, MIN_SHARE, limits["warning_seconds"]):
            yield from _rewrites(statement, now, limits)


def _is_supported(finding: Finding) -> bool:
    """Whether more than the statement's text speaks for it: a plan, statistics of the column, or scans of the table."""
    details = finding.details
    return bool(details["seen_in_plan"] or details["has_statistics"] or details["is_scanned"])


def _rewrites(statement: HotStatement, now: Snapshot, limits: Limits) -> Iterator[Finding]:
    """What only another way of writing can mend: the expression may not be indexed, and nothing else narrows the
    search."""
    for wrapped in statement.shape.wrapped:
        table = next((each for each in table_facts(now) if each.name == wrapped.relation), None)
        if table is None or table.rows < limits["min_rows"] or wrapped.column not in table.columns:
            continue
        if not _is_read_whole(statement, table.name, wrapped.column, now):
            continue
        name = table_name(table.schema, table.name)
        has_index = any(index.columns[:1] == (wrapped.column,) for index in table.indexes)
        yield statement_finding(
            CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
            _WRAPPED(statement=statement.text, expression=wrapped.expression, table=name),
            schema=table.schema, table=table.name, statements=[statement.identity], column=wrapped.column,
            expression=wrapped.expression, wrapped_by=wrapped.wrapped_by, has_plain_index=has_index,
            seen_in_plan=plan_of(statement, now) is not None, only_rewriting=True,
            column_type=table.columns[wrapped.column].type,
            has_gin=any(each.method == "gin" and wrapped.column in each.columns for each in table.indexes),
            index_names=[each.name for each in table.indexes], size_bytes=_size_of(table, now),
        )  # fmt: skip
        return


def _size_of(table: TableFacts, now: Snapshot) -> int:
    same = (row for row in now.rows(HotTable) if (row.schema_name, row.table_name) == (table.schema, table.name))
    return next((row.size_bytes for row in same), 0)


def _is_read_whole(statement: HotStatement, table: str, column: str, now: Snapshot) -> bool:
    """By the server's plan; without one by the blocks that a run touches, of the table or of an index on the column."""
    plan = plan_of(statement, now)
    if plan is not None:
        nodes = scans_of(plan, table, "full_scan", "index_scan", "index_only_scan")
        return any(node.kind == "full_scan" or node.index_condition is None for node in nodes)
    sizes = [row.size_bytes for row in now.rows(HotTable) if row.table_name == table]
    sizes += [row.size_bytes for row in now.rows(HotIndex) if row.table_name == table and row.keys[:1] == [column]]
    whole = min((size for size in sizes if size), default=0) / BLOCK_BYTES
    return whole >= MIN_PAGES and (statement.blocks_per_call or 0.0) >= WHOLE_SHARE * whole
