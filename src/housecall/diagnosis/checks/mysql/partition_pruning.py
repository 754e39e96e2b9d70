"""Hot statements that read every partition of a table.

Why it matters: partitions are there so that a statement reads one of them; with a function around the partitioning
column, or without a condition on it, each run reads all.
How to fix: compare the bare partitioning column with constants (a range in place of YEAR(column)).
Cannot see: without the right to read the tables how many partitions a plan reads; then only the statement's text.
Source: MySQL manual, "Partition Pruning".
"""

from collections.abc import Iterator

from sqlglot import exp

from housecall.advisor.statement import parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.checks.mysql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.mysql._statements import HotStatement, accesses_of, hot_statements, is_hot, plan_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.tables import PartitionedTable
from housecall.wording import Say

CHECK = Check(
    id="mysql.partition_pruning",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Statements that read every partition", zh="读取全部分区的语句"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.001, "mean time of a run; one that takes less reads no whole table"),
        Threshold("min_partitions", 4, "to read two of two partitions is no loss"),
        Threshold("min_rows", 10_000, "in all partitions: a smaller table is read in a few milliseconds"),
        Threshold("min_examined_for_one", 5, "rows looked at for each returned: fewer, and the whole table was wanted"),
        Threshold("warning_share", 0.05, "of all statement time: a twentieth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a run that should read one partition"),
    ],
    needs_window=True,
)
_WRAPPED = Say(
    en="{statement:code} wraps the partitioning column {column} of {table} in an expression, so all {partitions:count}"
    " partitions are read.",
    zh="{statement:code} 对 {table} 的分区列 {column} 使用了表达式，因此 {partitions:count} 个分区全部要读。",
)
_MISSING = Say(
    en="{statement:code} has no condition on the partitioning column {column} of {table}, so all {partitions:count}"
    " partitions are read.",
    zh="{statement:code} 没有针对 {table} 分区列 {column} 的条件，因此 {partitions:count} 个分区全部要读。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    tables = [
        row
        for row in now.rows(PartitionedTable)
        if row.partitions >= limits["min_partitions"] and row.live_rows >= limits["min_rows"]
    ]
    for statement in hot_statements(now, earlier) if tables else ():
        in_vain = statement.examined is None or (statement.examined_for_one or 0.0) >= limits["min_examined_for_one"]
        if not in_vain or not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for table in tables:
            finding = _judged(statement, table, now, limits)
            if finding is not None:
                yield finding


def _judged(statement: HotStatement, table: PartitionedTable, now: Snapshot, limits: Limits) -> Finding | None:
    if table.table_name not in statement.shape.tables or statement.schema not in (None, "", table.schema_name):
        return None
    columns = partitioning_columns(table)
    wrapped, bare = conditions_on(statement, table.table_name, columns)
    read = _partitions_read(statement, table, now)
    if bare or not columns or (read is not None and read < table.partitions):
        return None
    if read is None and not (wrapped and (statement.examined or 0.0) >= table.live_rows / 2):
        return None
    name = table_name(table.schema_name, table.table_name)
    column = ", ".join(columns)
    severity = severity_of(statement, limits["warning_share"], limits["warning_seconds"])
    say = _WRAPPED if wrapped else _MISSING
    finding = statement_finding(
        CHECK, statement, now, severity if wrapped else Severity.NOTICE,
        say(statement=statement.text, column=column, table=name, partitions=table.partitions),
        target=name, column=column, partitions=table.partitions, expression=table.expression, method=table.method,
        wrapped=wrapped, schema=table.schema_name, table=table.table_name,
    )  # fmt: skip
    more = measured(
        PartitionedTable, partitions=(table.partitions, "count"), partitioned_by=(table.expression, "text"),
        table_rows=(table.live_rows, "count"),
    )  # fmt: skip
    return Finding(
        finding.check, finding.item, finding.severity, finding.object, finding.object_kind, finding.message,
        finding.evidence + more, finding.details, finding.identity,
    )  # fmt: skip


def partitioning_columns(table: PartitionedTable) -> list[str]:
    """The columns of the partitioning expression, in lower case."""
    tree = parse_statement(f"SELECT 1 FROM t WHERE f({table.expression})", "mysql") if table.expression else None
    found = tree.find_all(exp.Column) if tree is not None else ()
    return list(dict.fromkeys(column.name.lower() for column in found))


def conditions_on(statement: HotStatement, table: str, columns: list[str]) -> tuple[bool, bool]:
    """Whether the statement has a condition on a partitioning column inside an expression, and one on it bare."""
    tree = parse_statement(statement.sql, "mysql")
    wrapped = bare = False
    for scope in scopes(tree, "mysql") if tree is not None else ():
        aliases = {relation.alias for relation in scope.relations if relation.name == table}
        for predicate in scope.predicates:
            if predicate.alias in aliases and predicate.column.lower() in columns and predicate.kind != "join":
                wrapped = wrapped or predicate.expression is not None
                bare = bare or predicate.expression is None
    return wrapped, bare


def _partitions_read(statement: HotStatement, table: PartitionedTable, now: Snapshot) -> int | None:
    plan = plan_of(statement, now)
    nodes = accesses_of(plan, table.table_name) if plan is not None else []
    counts = [node.partitions for node in nodes if node.partitions is not None]
    return max(counts, default=None)
