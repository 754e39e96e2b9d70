"""Hot statements that filter by a column which an index has, but not in front.

Why it matters: a B-tree finds rows by its first columns; a filter on a later one reads the whole index.
How to fix: an index that begins with the filtered column; the old one stays for those who search by its first column.
Cannot see: from version 18 on a skip scan may serve when the first column has few values; the plan shows it.
Source: PostgreSQL manual, "Multicolumn Indexes".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._index_candidates import proposals
from housecall.diagnosis.checks.postgresql.missing_index import proposal_finding
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.wrong_index_order",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Index columns in the wrong order", zh="索引列顺序不当"),
    thresholds=[
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold(
            "warning_seconds",
            0.002,
            "mean time of a run; reading an index whole takes milliseconds from 100,000 rows on",
        ),
        Threshold("min_rows", 10_000, "a smaller index is read whole in a millisecond"),
    ],
    needs_window=True,
)
_ORDER = Say(
    en="{index} has the column but not in front, so {statement:code} reads most of it: about {before:count}"
    " row{before:|s} for"
    " about {after:count}.",
    zh="索引 {index} 含有该列但不在最前，{statement:code} 只能读取其大部分："
    "为约 {after:count} 行查看约 {before:count} 行。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for proposal in proposals(now, earlier):
        index = proposal.misordered
        if index is not None and not proposal.has_expression and proposal.table.rows >= limits["min_rows"]:
            yield proposal_finding(
                CHECK, proposal, now, limits, _ORDER, index=index.name, index_columns=list(index.columns)
            )
