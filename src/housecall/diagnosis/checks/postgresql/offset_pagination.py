"""Hot statements that page with a deep OFFSET.

Why it matters: OFFSET reads and throws away all rows before the page; page 1,000 costs a thousand times page 1.
How to fix: keyset pagination: remember the last row's key and ask for the rows after it.
Cannot see: the offset's value in normalised text; many blocks for few rows give it away.
Source: PostgreSQL manual, "LIMIT and OFFSET": "a large OFFSET might be inefficient".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_hot
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.offset_pagination",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Paging with a deep OFFSET", zh="深分页（OFFSET 过大）"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.002, "mean time of a run: below it the offset is shallow"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.01, "mean time of a page that should take a fraction of a millisecond"),
        Threshold("min_blocks", 300, "blocks of a page of rows; a shallow page needs a few dozen"),
        Threshold("max_rows", 1_000, "more rows than a page holds is an export, not paging"),
    ],
    needs_window=True,
)
_DEEP = Say(
    en="A page of {rows:count} row{rows:|s} reads {blocks:count} blocks, because OFFSET reads what it"
    " skips: {statement:code}.",
    zh="每页返回 {rows:count} 行却读取 {blocks:count} 个数据块，因为 OFFSET 要先读完被跳过的行：{statement:code}。",
)
_WRITTEN = Say(
    en="OFFSET {offset:count} reads and throws away that many rows for each page: {statement:code}.",
    zh="OFFSET {offset:count}：每取一页都要先读取并丢弃这么多行：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        if is_hot(statement, limits["min_share"], limits["min_seconds"]) and statement.shape.offsets:
            written = max((each.rows or 0 for each in statement.shape.offsets), default=0)
            is_deep = any(each.deep for each in statement.shape.offsets)
            if is_deep or reads_more_than_it_returns(statement, limits):
                message = (
                    _WRITTEN(offset=written, statement=statement.text)
                    if is_deep
                    else _DEEP(rows=statement.rows_per_call, blocks=statement.blocks_per_call, statement=statement.text)
                )
                yield statement_finding(
                    CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                    message,
                    offset=written or None,
                )  # fmt: skip


def reads_more_than_it_returns(statement: HotStatement, limits: Limits) -> bool:
    return (
        statement.blocks_per_call is not None
        and statement.rows_per_call is not None
        and statement.blocks_per_call >= limits["min_blocks"]
        and 0 < statement.rows_per_call <= limits["max_rows"]
    )
