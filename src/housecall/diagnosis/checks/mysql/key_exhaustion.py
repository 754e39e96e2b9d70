"""AUTO_INCREMENT columns near the end of their type, and on MariaDB sequences near theirs.

Why it matters: at the end every insert fails, with a duplicate key or because the sequence has run out.
How to fix: widen the column to BIGINT before that, which rewrites the table; move the end of the sequence, which does
not. The narrower of a sequence and the column that takes its values decides.
Cannot see: of a small sequence, whether values that a cache has set aside are given out; sequences past the hundredth.
Source: MySQL manual, "Integer Types"; MariaDB Knowledge Base, "CREATE SEQUENCE"; thresholds as in the practice of users
of sys.schema_auto_increment_columns (checks of MySQLTuner).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.checks.mysql._sequences import Use, uses
from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.finding import Finding, NotEvaluated, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import not_evaluated
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.sequences import SequenceName, SequenceValue
from housecall.engines.mysql.rows.tables import AutoIncrement
from housecall.wording import Say

CHECK = Check(
    id="mysql.key_exhaustion",
    item="schema_object_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Number keys near their end", zh="整型主键即将耗尽"),
    thresholds=[
        Threshold("warning_share", 0.7, "leaves months to plan a rewrite at a steady rate"),
        Threshold("critical_share", 0.9, "what is left can go within days when the rate grows"),
    ],
)
_NEAR = Say(
    en="{column} ({type}) has used {share:percent} of its range; {left:count} inserts are left",
    zh="{column}（{type}）已用掉取值范围的 {share:percent}，还可插入 {left:count} 次",
)


_SEQUENCE = Say(
    en="{key} takes its values from a sequence that has used {share:percent} of the way to {end:count}; {left:count}"
    " value{left:|s} {left:is|are} left",
    zh="{key} 的取值来自序列，已用掉到 {end:count} 为止范围的 {share:percent}，还剩 {left:count} 个值",
)
_NEAR_SEQUENCE = Say(
    en="the sequence {key} has used {share:percent} of the way to {end:count}; {left:count} value{left:|s}"
    " {left:is|are} left",
    zh="序列 {key} 已用掉到 {end:count} 为止范围的 {share:percent}，还剩 {left:count} 个值",
)
_NOT_ALL = Say(
    "only the first {read:count} of {sequences:count} sequences are read",
    "{sequences:count} 个序列中只读取前 {read:count} 个",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from _sequences(now, limits)
    for row in now.rows(AutoIncrement):
        share = (row.next_value - 1) / row.max_value
        if share >= limits["warning_share"]:
            yield _finding(row, share, Severity.CRITICAL if share >= limits["critical_share"] else Severity.WARNING)


def _sequences(now: Snapshot, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    names, rows = rows_or_none(now, SequenceName), now.get(SequenceValue)
    if isinstance(rows, Unavailable):
        if names:
            yield not_evaluated(CHECK.id, rows, now)
        return
    for use in uses(rows):
        if use.ends_by_itself and use.share >= limits["warning_share"]:
            severity = Severity.CRITICAL if use.share >= limits["critical_share"] else Severity.WARNING
            yield _sequence_finding(use, severity)
    if names and names[0].sequences_total > len(names):
        yield NotEvaluated(CHECK.id, _NOT_ALL(read=len(names), sequences=names[0].sequences_total))


def _sequence_finding(use: Use, severity: Severity) -> Finding:
    row, kind = use.row, ("column" if use.by_column else "sequence")
    sequence = table_name(row.schema_name, row.sequence_name)
    key = sequence
    if use.by_column and row.table_schema and row.table_name and row.column_name:
        key = f"{table_name(row.table_schema, row.table_name)}.{quote_identifier(row.column_name)}"
    object_kind: ObjectKind = "column" if use.by_column else "sequence"
    return Finding(
        CHECK.id, CHECK.item, severity, key, object_kind,
        (_SEQUENCE if use.by_column else _NEAR_SEQUENCE)(key=key, share=use.share, end=use.end, left=use.left),
        measured(
            SequenceValue,
            used_share=(use.share, "share"),
            next_value=(row.next_value, "number"),
            last_possible_value=(use.end, "number"),
            values_left=(use.left, "count"),
            increment=(row.increment, "number"),
            values_in_cache=(row.cache_size, "count"),
        ),
        details={
            "kind": kind, "sequence": sequence, "schema": row.table_schema, "table": row.table_name,
            "column": row.column_name, "type": row.column_type, "is_nullable": row.is_nullable, "share": use.share,
            "left": use.left, "end": use.end, "increment": row.increment, "next_value": row.next_value,
            "min_value": row.min_value, "max_value": row.max_value,
        },
    )  # fmt: skip


def _finding(row: AutoIncrement, share: float, severity: Severity) -> Finding:
    column = f"{table_name(row.schema_name, row.table_name)}.{quote_identifier(row.column_name)}"
    left = max(0, row.max_value - row.next_value + 1)
    return Finding(
        CHECK.id, CHECK.item, severity, column, "column",
        _NEAR(column=column, type=row.column_type, share=share, left=left),
        measured(
            AutoIncrement,
            used_share=(share, "share"),
            next_value=(row.next_value, "number"),
            largest_value=(row.max_value, "number"),
            inserts_left=(left, "count"),
            table_rows=(row.live_rows, "count"),
        ),
        details={
            "kind": "auto_increment",
            "schema": row.schema_name, "table": row.table_name, "column": row.column_name, "type": row.column_type,
            "share": share, "left": left, "next_value": row.next_value, "max_value": row.max_value,
            "size_bytes": row.size_bytes, "live_rows": row.live_rows,
        },
    )  # fmt: skip
