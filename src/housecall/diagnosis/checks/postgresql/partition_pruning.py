"""Hot statements that read every partition of a table though they filter by its partition key.

Why it matters: partitions are there so that a query reads one of them; a key inside a function or a cast hides the
value, and all partitions are read.
How to fix: leave the key column bare and compare it with a range.
Cannot see: statements whose plans the role may not see. A value that is only known when the statement runs (a
parameter, now()) is pruned then, and is not told here.
Source: PostgreSQL manual, "Partition Pruning".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from housecall.advisor.shape import columns_in_expressions
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.checks.postgresql._shapes import severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, hot_statements, is_rare, plan_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import PartitionedTable
from housecall.wording import Say, Value

CHECK = Check(
    id="postgresql.partition_pruning",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say("All partitions are read", "扫描了所有分区"),
    thresholds=[
        Threshold("min_share", 0.05, "of all statement time; below it, nobody would notice the change"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a run; a faster one hurts nobody yet"),
        Threshold("min_partitions", 3, "with two, reading both costs no more than twice"),
        Threshold("min_scanned_share", 0.9, "of the partitions: some may be empty or excluded by a constraint"),
        Threshold("many_partitions", 50, "each costs a plan and a descent of its index, some 0.1 ms"),
    ],
    needs_window=True,
)
_HIDDEN_KEY = Say(
    "{statement:code} reads {scanned:count} of {partitions:count} partitions of {table}: its filter hides the key"
    " {column} in {expression}.",
    "{statement:code} 读取了 {table} 的 {partitions:count} 个分区中的 {scanned:count} 个：条件把分区键 {column} 包在 "
    "{expression} 里。",
)
_NO_KEY = Say(
    "{statement:code} reads {scanned:count} of {partitions:count} partitions of {table}: it does not filter by the"
    " partition key ({key}).",
    "{statement:code} 读取了 {table} 的 {partitions:count} 个分区中的 {scanned:count} 个：条件中没有分区键（{key}）。",
)

SMALL_BYTES = 128 * 1024
"""A partition of so few pages is read as fast as its index."""
_TEXT_TYPES = {"text", "character varying", "character", "name", "citext"}
_CAST = re.compile(r"\(\"?(\w+)\"?\)::(\w+) (?:!?~~?\*?|SIMILAR|=|<|>)")


@dataclass(frozen=True, slots=True)
class Scanned:
    """How a plan reads a partitioned table. `hidden` is the key column and the expression around it."""

    partitions: int
    hidden: tuple[str, str] | None
    names_key: bool
    has_filter: bool
    by_index: bool = False


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    tables = [row for row in now.rows(PartitionedTable) if row.partitions >= limits["min_partitions"]]
    if not tables:
        return
    for statement in hot_statements(now, earlier):
        if statement.share < limits["min_share"] or is_rare(statement):
            continue
        for table in tables:
            scanned = scanned_by(statement, table, now)
            if scanned and scanned.partitions >= limits["min_scanned_share"] * min(table.partitions, len(table.names)):
                yield from _judged(statement, table, scanned, now, limits)


def scanned_by(statement: HotStatement, table: PartitionedTable, now: Snapshot) -> Scanned | None:
    """From the plan; None when that reads no partition of the table. Without a plan, a key that the statement's text
    wraps tells enough: what is computed from a key excludes no partition, unless the table is partitioned by it."""
    plan = plan_of(statement, now)
    if plan is None:
        wrapped = _wrapped_key(statement, table)
        return Scanned(table.partitions, wrapped, True, True) if wrapped else _by_blocks(statement, table)
    names = set(table.names)
    nodes = [node for node in plan.root.walk() if node.relation in names]
    if not nodes:
        return None
    below = [each for node in nodes for each in node.walk()]
    conditions = list(dict.fromkeys(text for node in below for text in (node.filter, node.index_condition) if text))
    hidden = next((each for text in conditions for each in _hidden_keys(text, table)), None)
    hidden = hidden or _wrapped_key(statement, table)
    named = any(column in condition for column in table.key_columns for condition in conditions)
    by_index = all(node.kind != "full_scan" for node in nodes)
    return Scanned(len({node.relation for node in nodes}), hidden, named, bool(conditions), by_index)


BLOCKS_A_SEARCH = 6.0
"""Of a partition's index and table; more per partition show that they are read whole."""


def _by_blocks(statement: HotStatement, table: PartitionedTable) -> Scanned | None:
    """Without a plan: a text that names the table and filters, but not by its key, and touches a block of each
    partition at least."""
    text = statement.query
    is_of_table = table.table_name in statement.shape.tables and re.search(r"\bwhere\b", text, re.I)
    if not is_of_table or any(re.search(rf"\b{re.escape(key)}\b", text, re.I) for key in table.key_columns):
        return None
    blocks = (statement.blocks_per_call or 0.0) / max(table.partitions, 1)
    return Scanned(table.partitions, None, False, True, blocks <= BLOCKS_A_SEARCH) if blocks >= 1.0 else None


def _hidden_keys(condition: str, table: PartitionedTable) -> Iterator[tuple[str, str]]:
    """Key columns inside an expression of a plan's condition. A cast to text of a text column is the server's own way
    of writing it, and hides nothing."""
    texts = {name for name, kind in zip(table.key_columns, table.key_types, strict=False) if kind in _TEXT_TYPES}
    for each in columns_in_expressions(condition):
        if each.column in table.key_columns and not (each.column in texts and each.wrapped_by == "cast to text"):
            yield each.column, each.expression
    for column, kind in _CAST.findall(condition):
        if column in table.key_columns and column not in texts:
            yield column, f"({column})::{kind}"


def _wrapped_key(statement: HotStatement, table: PartitionedTable) -> tuple[str, str] | None:
    """The key column and the expression around it, where the statement's text says so and has no bare condition."""
    text = statement.example or statement.query
    if any(re.search(rf"\b{re.escape(key)}\"?\s*(?:[=<>]|between\b|in\b)", text, re.I) for key in table.key_columns):
        return None
    return next(
        (
            (each.column, each.expression)
            for each in statement.shape.wrapped
            if each.column in table.key_columns and each.relation == table.table_name
        ),
        None,
    )


def _judged(
    statement: HotStatement, table: PartitionedTable, scanned: Scanned, now: Snapshot, limits: Limits
) -> Iterator[Finding]:
    name = table_name(table.schema_name, table.table_name)
    values: dict[str, Value] = {
        "statement": statement.text, "scanned": scanned.partitions, "partitions": table.partitions, "table": name,
    }  # fmt: skip
    if scanned.hidden:
        column, expression = scanned.hidden
        message = _HIDDEN_KEY(**values, column=column, expression=expression)
        severity = severity_of(statement, limits["warning_share"], limits["warning_seconds"])
    elif scanned.has_filter and not scanned.names_key:
        # large ones that are read whole lack an index; by their indexes, or tiny, it is their number that costs
        is_small = table.size_bytes <= SMALL_BYTES * table.partitions
        is_many = (scanned.by_index or is_small) and scanned.partitions >= limits["many_partitions"]
        usual = severity_of(statement, limits["warning_share"], limits["warning_seconds"])
        message, severity = _NO_KEY(**values, key=table.partition_key), usual if is_many else Severity.INFO
    else:
        return
    finding = statement_finding(
        CHECK, statement, now, severity, message, table=name, schema=table.schema_name, bare_table=table.table_name,
        partitions=table.partitions, scanned=scanned.partitions, key=table.partition_key,
        column=scanned.hidden[0] if scanned.hidden else None,
        expression=scanned.hidden[1] if scanned.hidden else None, names=table.names,
    )  # fmt: skip
    more = measured(
        PartitionedTable,
        partitions=(table.partitions, "count"),
        partition_key=(table.partition_key, "text"),
        live_rows=(table.live_rows, "count"),
    )
    yield Finding(
        finding.check, finding.item, finding.severity, finding.object, finding.object_kind, finding.message,
        finding.evidence + more, finding.details, finding.identity,
    )  # fmt: skip
