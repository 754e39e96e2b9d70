"""Hot statements that wrap a filtered column in a function, a cast or arithmetic.

Why it matters: an index on the column holds its values, not the function's; the server computes the function for
every row.
How to fix: an index on that very expression, or a filter that leaves the column bare.
Cannot see: whether the function may stand in an index when it is the user's own (only known immutable ones get an
index).
Source: PostgreSQL manual, "Indexes on Expressions".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._index_candidates import proposals
from housecall.diagnosis.checks.postgresql.missing_index import proposal_finding
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
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
_WRAPPED = Say(
    en="{statement:code} filters by {expression}, which an index on the bare column cannot serve: every"
    " row of {table} is"
    " computed.",
    zh="{statement:code} 按 {expression} 过滤，普通列索引无法使用：{table} 的每一行都要计算该表达式。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for proposal in proposals(now, earlier):
        if proposal.has_expression and proposal.table.rows >= limits["min_rows"]:
            wrapped = next(each for each in proposal.candidate.serves if each.expression is not None)
            has_index = any(index.columns[:1] == (wrapped.column,) for index in proposal.table.indexes)
            yield proposal_finding(
                CHECK, proposal, now, limits, _WRAPPED, expression=wrapped.expression or "", column=wrapped.column,
                wrapped_by=wrapped.wrapped_by or "", has_plain_index=has_index,
            )  # fmt: skip
