"""Sequences that stand below the keys already in their table.

Why it matters: the next inserts take values that exist; each fails with a duplicate key until the sequence has caught
up.
How to fix: setval the sequence to the largest key.
Cannot see: whether anybody uses a sequence that never gave a value (then it is a notice only); tables beyond the 400
largest; without SELECT on the table the largest key is inferred from the number of rows.
Source: PostgreSQL manual, "Sequence Manipulation Functions".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.keys import LaggingSequence
from housecall.wording import Say

CHECK = Check(
    id="postgresql.sequence_out_of_sync",
    item="schema_object_analysis",
    severity=Severity.WARNING,
    title=Say(en="Sequences behind their table", zh="序列落后于表中已有的值"),
    thresholds=[
        Threshold("min_rows", 2, "a table with a single row may have been filled by hand"),
    ],
)
_BEHIND = Say(
    en="{sequence} stands at {last:count} but {column} already holds {largest:count}: the next inserts fail with"
    " duplicate keys.",
    zh="序列 {sequence} 当前为 {last:count}，但 {column} 中已有 {largest:count}：接下来的插入会因主键重复而失败。",
)
_INFERRED = Say(
    en="{sequence} handed out only {last:count} values but {column} has {rows:count} row{rows:|s}:"
    " inserts are about to meet"
    " existing keys.",
    zh="序列 {sequence} 只发放过 {last:count} 个值，而 {column} 已有 {rows:count} 行：插入很可能撞上已有的键。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(LaggingSequence):
        if row.table_rows >= limits["min_rows"] and (row.largest_key is None or row.largest_key > row.last_value):
            yield _finding(row)


def _finding(row: LaggingSequence) -> Finding:
    name = table_name(row.schema_name, row.sequence_name)
    column = f"{table_name(row.table_schema, row.table_name)}({quote_identifier(row.column_name)})"
    is_sure = row.largest_key is not None and row.is_unique and row.was_used
    message = (
        _INFERRED(sequence=name, last=max(row.last_value, 0), column=column, rows=row.table_rows)
        if row.largest_key is None
        else _BEHIND(sequence=name, last=max(row.last_value, 0), column=column, largest=row.largest_key)
    )
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_sure else Severity.NOTICE, name, "sequence", message,
        measured(
            LaggingSequence,
            last_value=(row.last_value, "count"),
            sequence_was_used=(row.was_used, "flag"),
            largest_key=(row.largest_key, "count"),
            table_rows=(row.table_rows, "count"),
            column=(column, "name"),
        ),
        details={
            "schema": row.schema_name, "sequence": row.sequence_name, "table_schema": row.table_schema,
            "table": row.table_name, "column": row.column_name, "last_value": row.last_value,
            "largest_key": row.largest_key, "table_rows": row.table_rows, "is_sure": is_sure, "was_used": row.was_used,
        },
    )  # fmt: skip
