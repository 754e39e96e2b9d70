"""Hot statements that search with LIKE '%...'.

Why it matters: with an open beginning no B-tree can serve, so every row is compared.
How to fix: a trigram index (pg_trgm), full text search, or a pattern with a fixed beginning.
Cannot see: patterns in normalised text (LIKE $1) where no run with its values was seen; then it is concluded from
runs that read most of the table to return next to none of its rows.
Source: PostgreSQL manual, "pg_trgm", Index Support.
"""

from collections.abc import Iterator

from housecall.advisor.shape import LeadingWildcard
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import BLOCK_BYTES
from housecall.diagnosis.checks.postgresql._shapes import hot_table_of, severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_hot
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import HotTable
from housecall.wording import Message, Say

CHECK = Check(
    id="postgresql.leading_wildcard",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="LIKE with an open beginning", zh="LIKE 以通配符开头"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.002, "mean time of a run: below it the table is small"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("min_rows", 10_000, "a smaller table is read in under a few milliseconds"),
        Threshold("most_read", 0.5, "of the table's blocks a run: an index serves a fixed beginning with a few"),
        Threshold("few_rows", 0.01, "of the table's rows a run returns: whoever wants many is right to read it whole"),
    ],
    needs_window=True,
)
_OPEN = Say(
    en="LIKE '{pattern}' on {column} compares every row, no B-tree serves an open beginning: {statement:code}.",
    zh="对 {column} 的 LIKE '{pattern}' 以通配符开头，B-tree 索引无法使用，只能逐行比较：{statement:code}。",
)
_UNSEEN = Say(
    en="LIKE on {column} with a pattern that is not shown reads {blocks:count} of {all_blocks:count} blocks a run to"
    " return {rows:number} rows: {statement:code}.",
    zh="对 {column} 的 LIKE（模式不可见）每次读取 {all_blocks:count} 个数据块中的 {blocks:count} 个，只返回"
    " {rows:number} 行：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for found in statement.shape.wildcards[:1]:
            table = hot_table_of(now, found.relation)
            if table is None or table.live_rows < limits["min_rows"]:
                continue
            message = _message(statement, found, table, limits)
            if message is not None:
                yield statement_finding(
                    CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["min_seconds"]),
                    message, relation=found.relation, column=found.column, pattern=found.pattern,
                )  # fmt: skip


def _message(statement: HotStatement, found: LeadingWildcard, table: HotTable, limits: Limits) -> Message | None:
    """None when the pattern is not shown and nothing speaks for an open beginning."""
    column = f"{found.relation}.{found.column}"
    if found.pattern is not None:
        return _OPEN(pattern=found.pattern, column=column, statement=statement.text)
    blocks, rows, all_blocks = statement.blocks_per_call, statement.rows_per_call, table.size_bytes / BLOCK_BYTES
    if blocks is None or rows is None or len(statement.shape.tables) != 1:
        return None
    if blocks < limits["most_read"] * all_blocks or rows > limits["few_rows"] * table.live_rows:
        return None
    return _UNSEEN(column=column, blocks=blocks, all_blocks=all_blocks, rows=rows, statement=statement.text)
