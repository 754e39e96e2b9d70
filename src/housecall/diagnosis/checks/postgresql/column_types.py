"""Column types that the manual or experience advises against.

Why it matters: char(n) pads with blanks, money depends on the server's language, json keeps text and cannot be indexed,
timestamp without time zone forgets where it was noon, serial leaves a sequence with rights of its own, text as key is
wide in every index, and a uuid as text takes twice its room.
How to fix: text, numeric, jsonb, timestamptz, identity columns, uuid; for new tables at once, for old ones when they
are rewritten anyway.
Source: PostgreSQL manual, "Data Types"; PostgreSQL wiki, "Don't Do This"; see also pg-index-health.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import ColumnHabit
from housecall.wording import Message, Say

CHECK = Check(
    id="postgresql.column_types",
    item="schema_object_analysis",
    severity=Severity.INFO,
    title=Say("Types to avoid", "不建议使用的列类型"),
)
_USES = Say(
    "{columns:count} column{columns:|s} {columns:uses|use} {kind}, where {better} serves better, for example"
    " {examples}.",
    "有 {columns:count} 列使用了 {kind}，建议改用 {better}，例如 {examples}。",
)
_TEXT_KEY = Say(
    "{columns:count} primary key column{columns:|s} {columns:is|are} text, wide in every index that refers to it, for"
    " example {examples}.",
    "有 {columns:count} 个主键列是文本类型，会使所有相关索引变宽，例如 {examples}。",
)
_TEXT_UUID = Say(
    "{columns:count} column{columns:|s} {columns:keeps|keep} a uuid as text, in twice its room, for example"
    " {examples}.",
    "有 {columns:count} 列以文本保存 uuid，占用约两倍空间，例如 {examples}。",
)
_TYPES = {
    "char": ("char(n)", "text"),
    "money": ("money", "numeric"),
    "json": ("json", "jsonb"),
    "timestamp": ("timestamp without time zone", "timestamptz"),
    "timetz": ("time with time zone", "timestamptz"),
    "serial": ("serial", "GENERATED ALWAYS AS IDENTITY"),
}


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    for row in now.rows(ColumnHabit):
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, row.examples[0], "column", _message(row),
            measured(ColumnHabit, columns=(row.columns, "count"), examples=(", ".join(row.examples), "text")),
            details={"kind": row.kind, "columns": row.columns},
            identity=row.kind,
        )  # fmt: skip


def _message(row: ColumnHabit) -> Message:
    examples = ", ".join(row.examples)
    if row.kind == "text_key":
        return _TEXT_KEY(columns=row.columns, examples=examples)
    if row.kind == "text_uuid":
        return _TEXT_UUID(columns=row.columns, examples=examples)
    kind, better = _TYPES[row.kind]
    return _USES(columns=row.columns, kind=kind, better=better, examples=examples)
