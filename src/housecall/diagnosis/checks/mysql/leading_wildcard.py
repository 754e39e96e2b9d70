"""Hot statements that search an indexed column with LIKE '%…'.

Why it matters: an index finds words by their beginning; a pattern that begins with a wildcard reads every row.
How to fix: a FULLTEXT index (with the ngram parser for parts of words), or a column that holds the text reversed for
searches by its end.
Cannot see: the pattern in a digest without a kept sample; then it is concluded from an index that is never used.
Source: MySQL manual, "B-Tree Index Characteristics" and "ngram Full-Text Parser".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.checks.mysql._predicates import MIN_EXAMINED, MIN_EXAMINED_FOR_ONE, Compared, comparisons
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements, is_hot, table_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.leading_wildcard",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Search with a leading wildcard", zh="前导通配符查询"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.0005, "mean time of a run; a search through an index takes less"),
        Threshold("min_rows", 1_000, "smaller tables are read in a moment"),
        Threshold("warning_share", 0.05, "of all statement time: a twentieth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.002, "mean time of a search that people wait for"),
    ],
    needs_window=True,
)
_OPEN = Say(
    en="LIKE with a leading wildcard on {column} reads every row: {statement:code}.",
    zh="对 {column} 使用以通配符开头的 LIKE，需要读取每一行：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(LargeTableColumn)
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for compared in comparisons(statement.sql):
            table = table_of(now, statement, compared.relation)
            if table is None or table.rows < limits["min_rows"] or not is_open(statement, compared, table.leads):
                continue
            column = table.spelt(compared.column)
            name = f"{table_name(table.schema, table.name)}({quote_identifier(column)})"
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                _OPEN(column=name, statement=statement.text), target=name, schema=table.schema, table=table.name,
                column=column, pattern=compared.pattern, is_seen=not compared.hidden,
                column_type=table.columns[compared.column.lower()].column_type
                if compared.column.lower() in table.columns else "",
            )  # fmt: skip
            break


def is_open(statement: HotStatement, compared: Compared, leads: object) -> bool:
    """Whether the pattern begins with a wildcard: by its text, else since its index is never used."""
    if compared.kind != "like":
        return False
    if compared.pattern is not None:
        in_vain = statement.examined is None or (statement.examined_for_one or 0.0) >= MIN_EXAMINED_FOR_ONE
        return compared.pattern[:1] in ("%", "_") and in_vain
    has_index = callable(leads) and leads(compared.column)
    examined, calls = statement.examined or 0.0, statement.calls or 0
    missed = max(statement.no_index_calls, statement.scans)
    in_vain = examined >= MIN_EXAMINED and (statement.examined_for_one or 0.0) >= MIN_EXAMINED_FOR_ONE
    alone = len(comparisons(statement.sql)) == 1 and len(statement.shape.tables) == 1
    return bool(has_index and compared.hidden and in_vain and alone and calls and missed >= 0.9 * calls)
