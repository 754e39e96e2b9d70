"""Hot statements whose index hint keeps the optimizer from the index that would serve them.

Why it matters: a hint is written for the data of one day and stays; the statement then reads a large part of the table
although a fitting index is there.
How to fix: take the hint out of the statement, or name the fitting index in it.
Cannot see: hints in comments (`/*+ … */`), which digests leave out.
Source: MySQL manual, "Index Hints"; MariaDB Knowledge Base, "Index Hints: How to Force Query Plans".
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from housecall.advisor.statement import Scope, parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._index_candidates import MIN_MEAN_SECONDS, MIN_SHARE, in_lower_case
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, hot_statements, is_hot, table_of
from housecall.diagnosis.checks.mysql._tables import Table
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.index_hints",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Index hints against a fitting index", zh="索引提示妨碍使用合适的索引"),
    thresholds=[
        Threshold("min_calls", 5, "what ran less often is somebody's report and not the load"),
        Threshold("min_examined", 1_000, "rows a call: fewer are found soon enough by any index"),
        Threshold("max_rows_by_index", 0.2, "of the rows looked at: the fitting index must leave a fifth or less"),
        Threshold("warning_share", 0.05, "below a twentieth of the time the hint is hygiene"),
        Threshold("warning_seconds", 0.002, "mean time of a run; a faster one hurts nobody yet"),
    ],
    needs_window=True,
)
_KEEPS = Say(
    en="{hint} keeps {statement:code} from the index {index}: a call looks at {examined:count} rows, which the index"
    " would narrow to about {rows:count}.",
    zh="{hint} 使 {statement:code} 无法使用索引 {index}：每次调用查看 {examined:count} 行，"
    "用该索引约为 {rows:count} 行。",
)


@dataclass(frozen=True, slots=True)
class Hint:
    """`IGNORE INDEX (a)` on a table of the statement. `index` is what it keeps the statement from, `rows` what a value
    of the index's first column leaves on average."""

    table: Table
    text: str
    index: str
    rows: float


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(LargeTableColumn)
    for statement in hot_statements(now, earlier):
        examined = statement.examined or 0.0
        if not is_hot(statement, MIN_SHARE, MIN_MEAN_SECONDS) or examined < limits["min_examined"]:
            continue
        if (statement.calls or 0) < limits["min_calls"]:
            continue
        hint = next(_hints(statement, now, examined * limits["max_rows_by_index"]), None)
        if hint is not None:
            yield statement_finding(
                CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["warning_seconds"]),
                _KEEPS(hint=hint.text, statement=statement.text, index=quote_identifier(hint.index),
                       examined=examined, rows=hint.rows),
                hint=hint.text, index=hint.index, rows_by_index=hint.rows, table=hint.table.name,
            )  # fmt: skip


def _hints(statement: HotStatement, now: Snapshot, most_rows: float) -> Iterator[Hint]:
    tree = parse_statement(in_lower_case(statement.sql), "mysql")
    for scope in scopes(tree, "mysql") if tree is not None else ():
        for node in tree.find_all(exp.Table) if tree is not None else ():
            table = table_of(now, statement, node.name) if node.args.get("hints") else None
            if table is None or not any(each.name == node.name for each in scope.relations):
                continue
            for hint in node.args["hints"]:
                if isinstance(hint, exp.IndexTableHint):
                    yield from _kept_from(hint, node, scope, table, most_rows)


def _kept_from(
    hint: exp.IndexTableHint, node: exp.Table, scope: Scope, table: Table, most_rows: float
) -> Iterator[Hint]:
    """The best index on a column compared for equality that the hint rules out; none where one it allows serves."""
    word, named = str(hint.this).upper(), {each.name.lower() for each in hint.expressions}
    alias = node.alias or node.name
    equal = {
        each.column.lower()
        for each in scope.predicates
        if each.alias == alias and each.kind in ("equality", "join") and each.expression is None
    }
    serving = {
        index.index_name: table.rows / max(index.cardinalities[0], 1)
        for index in table.indexes
        if index.columns and index.columns[0].lower() in equal and index.cardinalities
    }
    ruled_out = {name for name in serving if (name.lower() in named) == (word == "IGNORE")}
    if not ruled_out or any(serving[name] <= most_rows for name in serving.keys() - ruled_out):
        return
    best = min(ruled_out, key=lambda name: serving[name])
    if serving[best] <= most_rows:
        text = f"{word} INDEX ({', '.join(quote_identifier(each.name) for each in hint.expressions)})"
        yield Hint(table, text, best, serving[best])
