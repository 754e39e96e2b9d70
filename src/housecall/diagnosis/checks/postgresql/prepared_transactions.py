"""Transactions that were prepared for two-phase commit and never finished.

Why it matters: a prepared transaction survives restarts, keeps its locks, and holds back vacuum until someone decides
its fate.
How to fix: ask its owner (or the transaction manager's log) whether it must be committed or rolled back; then do
that.
Cannot see: what the transaction manager decided; tables of other databases than the examined one.
Source: PostgreSQL manual, PREPARE TRANSACTION (its own warning); see also postgresqltuner (one hour), with the warning
earlier since a transaction manager finishes within seconds.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.transactions import PreparedTransaction
from housecall.wording import Say

CHECK = Check(
    id="postgresql.prepared_transactions",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Prepared transactions left open", "未完成的两阶段事务"),
    thresholds=[
        Threshold("notice_seconds", 10.0, "a transaction manager finishes at once"),
        Threshold("warning_seconds", 300.0, "after five minutes nobody is coming for it"),
        Threshold("max_transactions", 10, "the oldest; the total is told"),
    ],
)

_MESSAGE = Say(
    "Prepared transaction '{gid}' of {owner} in database {database} has been waiting for {age:duration}.",
    "数据库 {database} 中 {owner} 的两阶段事务 '{gid}' 已悬挂 {age:duration}。",
)
_READING = "prepared_transactions"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    for row in now.rows(PreparedTransaction)[: int(limits["max_transactions"])]:
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=_severity(row.age_seconds, limits),
            object=row.gid,
            object_kind="prepared_transaction",
            message=_MESSAGE(gid=row.gid, owner=row.owner, database=row.database, age=row.age_seconds),
            evidence=(
                Evidence("age", round(row.age_seconds), "seconds", _READING),
                Evidence("transaction_id_age", row.xid_age, "transactions", _READING),
                Evidence("owner", row.owner, "text", _READING),
                Evidence("database", row.database, "text", _READING),
                Evidence("locked_tables", ", ".join(row.relations) or None, "text", _READING),
                Evidence("prepared_transactions", row.prepared_total, "transactions", _READING),
            ),
            details={
                "gid": row.gid,
                "owner": row.owner,
                "database": row.database,
                "age_seconds": row.age_seconds,
                "xid_age": row.xid_age,
                "relations": list(row.relations),
                "is_current": row.database == now.facts.database,
            },
        )


def _severity(age_seconds: float, limits: Limits) -> Severity:
    if age_seconds >= limits["warning_seconds"]:
        return Severity.WARNING
    return Severity.NOTICE if age_seconds >= limits["notice_seconds"] else Severity.INFO
