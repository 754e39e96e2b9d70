"""Constraints that were never validated, foreign keys that join different types, and foreign keys that exist twice.

Why it matters: a constraint that is NOT VALID says nothing of the rows before it, and the planner does not use it; keys
of different types are cast at every check, and the narrower one ends first; a doubled key is checked twice.
How to fix: ALTER TABLE ... VALIDATE CONSTRAINT (reads and writes go on); one type for both sides; drop the twin.
Source: PostgreSQL manual, ALTER TABLE, NOT VALID; see also postgres-mcp and pg-index-health.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.tables import WeakConstraint
from housecall.wording import Say

CHECK = Check(
    id="postgresql.weak_constraints",
    item="schema_object_analysis",
    severity=Severity.NOTICE,
    title=Say("Constraints that hold only in part", "约束不完整"),
    thresholds=[
        Threshold("most", 10, "the total is told with each"),
    ],
)
_NOT_VALID = Say(
    "Constraint {name} of {table} was never validated: it says nothing of older rows.",
    "{table} 的约束 {name} 从未验证（NOT VALID）：旧数据可能不符合。",
)
_MISMATCH = Say(
    "Foreign key {name} of {table} joins different types: {mismatch}.",
    "{table} 的外键 {name} 两侧类型不同：{mismatch}。",
)
_TWICE = Say("Foreign key {name} of {table} repeats {twin}.", "{table} 的外键 {name} 与 {twin} 重复。")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.rows(WeakConstraint)
    for row in rows[: int(limits["most"])]:
        table = table_name(row.schema_name, row.table_name)
        messages = {
            "not_valid": None if row.is_validated else _NOT_VALID(name=row.constraint_name, table=table),
            "mismatch": _MISMATCH(name=row.constraint_name, table=table, mismatch=row.mismatch)
            if row.mismatch
            else None,
            "twice": _TWICE(name=row.constraint_name, table=table, twin=row.twin) if row.twin else None,
        }
        for what, message in messages.items():
            if message is not None:
                yield Finding(
                    CHECK.id, CHECK.item, Severity.INFO if what == "mismatch" else Severity.NOTICE,
                    f"{table}.{row.constraint_name}", "constraint", message,
                    measured(WeakConstraint, what=(what, "text"), constraints_like_this=(row.constraints, "count")),
                    details={"what": what, "table": table, "constraint": row.constraint_name},
                    identity=f"{what} {table}.{row.constraint_name}",
                )  # fmt: skip
