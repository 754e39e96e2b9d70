"""Sequences and number keys that come near the end of their range.

Why it matters: at the end every insert fails, and widening the column of a large table rewrites it under an exclusive
lock.
How to fix: move the column, and every column that refers to it, to bigint before that day.
The narrower of sequence and column decides: a bigint sequence that fills an integer column ends at 2,147,483,647.
Cannot see: sequences that the role may not read (their number is told), and keys that the application counts itself.
Source: PostgreSQL manual, "Numeric Types", Serial Types.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, NotEvaluated, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.keys import NumberKey
from housecall.wording import Say

CHECK = Check(
    id="postgresql.key_exhaustion",
    item="schema_object_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Number keys near their end", zh="序列或整型主键即将耗尽"),
    thresholds=[
        Threshold("warning_share", 0.7, "three tenths left: time to plan the change in peace"),
        Threshold("critical_share", 0.9, "one tenth left: growth that doubles each year needs weeks for it"),
    ],
)
_USED = Say(
    en="{key} has used {share:percent} of its range: {left:count} values are left of {limit:count}.",
    zh="{key} 已用掉取值范围的 {share:percent}：上限 {limit:count}，只剩 {left:count} 个值。",
)
_COLLIDES = Say(
    en="The sequence of {key} begins anew after {limit:count}, and the table still holds {rows:count} row{rows:|s}: new"
    " rows get keys that exist.",
    zh="{key} 的序列到达 {limit:count} 后会从头循环，而表中仍有 {rows:count} 行：新行会得到已存在的键值。",
)
_HIDDEN = Say(
    "role '{user}' may not read {unreadable:count} of {sequences:count} sequences",
    "角色 '{user}' 无权读取 {sequences:count} 个序列中的 {unreadable:count} 个",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    rows = now.rows(NumberKey)
    for row in rows:
        nears_end = used_share(row) >= limits["warning_share"] and not (
            row.cycles and row.sequence_max < row.column_max
        )
        if nears_end or collides(row, limits):
            yield _finding(row, limits)
    if rows and rows[0].unreadable:
        yield NotEvaluated(
            CHECK.id,
            _HIDDEN(user=now.facts.user, unreadable=rows[0].unreadable, sequences=rows[0].sequences),
            grant("pg_read_all_data", now),
        )


def limit_of(row: NumberKey) -> int:
    """The largest value that can still be stored: the narrowest of the sequence, its column, and columns that refer
    to it."""
    narrowest_reference = 2_147_483_647 if row.narrow_references else row.column_max
    return min(row.sequence_max, row.column_max, narrowest_reference)


def used_share(row: NumberKey) -> float:
    return row.last_value / limit_of(row)


def collides(row: NumberKey, limits: Limits) -> bool:
    """Whether a sequence that begins anew at its end meets keys that are there: the rows fill nearly all its range."""
    held = (row.table_rows or 0.0) * row.increment / limit_of(row)
    return row.cycles and row.is_unique and held >= limits["critical_share"]


def _finding(row: NumberKey, limits: Limits) -> Finding:
    sequence = table_name(row.schema_name, row.sequence_name)
    name, kind = sequence, "sequence"
    if row.table_schema and row.table_name and row.column_name:
        name = f"{table_name(row.table_schema, row.table_name)}({quote_identifier(row.column_name)})"
        kind = "column"
    share, limit = used_share(row), limit_of(row)
    left = max(limit - row.last_value, 0)
    object_kind: ObjectKind = "column" if kind == "column" else "sequence"
    is_met = collides(row, limits)
    message = (
        _COLLIDES(key=name, limit=limit, rows=row.table_rows)
        if is_met
        else _USED(key=name, share=share, left=left // row.increment, limit=limit)
    )
    is_grave = is_met or share >= limits["critical_share"]
    return Finding(
        CHECK.id, CHECK.item, Severity.CRITICAL if is_grave else Severity.WARNING, name, object_kind, message,
        measured(
            NumberKey,
            last_value=(row.last_value, "count"),
            limit=(limit, "count"),
            used_share=(share, "share"),
            values_left=(left // row.increment, "count"),
            sequence=(sequence, "name"),
            column_type=(row.column_type, "text"),
            table_rows=(row.table_rows, "count"),
        ),
        details={
            "schema": row.schema_name, "sequence": row.sequence_name, "table_schema": row.table_schema,
            "table": row.table_name, "column": row.column_name, "column_type": row.column_type, "share": share,
            "last_value": row.last_value, "limit": limit, "left": left // row.increment, "is_identity": row.is_identity,
            "sequence_max": row.sequence_max, "column_max": row.column_max, "table_rows": row.table_rows,
            "table_bytes": row.table_bytes, "inserted": row.inserted, "references": row.narrow_references or [],
            "cycles": row.cycles, "collides": is_met,
        },
    )  # fmt: skip
