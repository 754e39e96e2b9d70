"""Hot statements that filter by a column which an index has, but not in front.

Why it matters: a B-tree finds rows by its first columns; a filter on a later one reads the whole index, or the table.
How to fix: an index that begins with the filtered column; the old one stays for those who search by its first column.
Cannot see: MySQL can skip over a first column with few values (index skip scan); the plan and the rows counted show it.
Source: MySQL manual, "Multiple-Column Indexes" and "Range Optimization".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._index_candidates import proposals
from housecall.diagnosis.checks.mysql.missing_index import proposal_finding
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.wrong_index_order",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Index columns in the wrong order", zh="索引列顺序不当"),
    thresholds=[
        Threshold("min_calls", 5, "what ran less often is somebody's report and not the load"),
        Threshold("min_seconds", 5.0, "of all its runs together: a statement that ran once for so long counts, too"),
        Threshold("warning_share", 0.05, "below a twentieth of the time the index is hygiene"),
        Threshold("warning_seconds", 0.002, "mean time of a run; a faster one hurts nobody yet"),
        Threshold("min_moments", 2, "looks at which a statement was seen; one may be a person's own query"),
        Threshold("min_rows", 1_000, "a smaller index is read whole in a moment"),
    ],
    needs_window=True,
)
_ORDER = Say(
    en="{index} has the column but not in front, so {statement:code} reads most of it: {before:count} row{before:|s}"
    " for about {after:count}.",
    zh="索引 {index} 含有该列但不在最前，{statement:code} 只能读取其大部分："
    "为约 {after:count} 行查看 {before:count} 行。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for proposal in proposals(now, earlier):
        index = proposal.misordered
        wanted = index is not None and not proposal.has_expression and not proposal.hidden
        if index is not None and wanted and proposal.table.rows >= limits["min_rows"]:
            yield proposal_finding(
                CHECK, proposal, now, limits, _ORDER, index=index.name,
                index_columns=[proposal.table.spelt(name) for name in index.columns],
            )  # fmt: skip
