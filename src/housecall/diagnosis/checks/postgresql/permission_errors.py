"""Statements that the server refuses because the role may not do that.

Why it matters: every such statement is an error for a user, while the server itself looks idle and healthy.
How to fix: grant the named privilege to the role that needs it, after asking whether it was taken away on purpose.
Cannot see: the errors themselves without the log; then a table that an application's role cannot read, though it
reads most others of that schema, together with many rolled back transactions, is the hint.
Source: PostgreSQL manual, "Privileges"; SQLSTATE 42501 of "PostgreSQL Error Codes".
"""

import re
from collections.abc import Iterator

from sqlglot import exp

from housecall.advisor.statement import parse_statement
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._failing import Failing, failing
from housecall.diagnosis.checks.postgresql._log import Told, log_evidence, log_not_read, told_by_log
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._statements import known_tables
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import qualified, quote_identifier
from housecall.engines.postgresql.rows.rights import PrivilegeGap
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.wording import Say

CHECK = Check(
    id="postgresql.permission_errors",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say("Permission denied", "权限不足的报错"),
    thresholds=[
        Threshold(
            "warning_messages", 5, "within 15 minutes: a person who mistypes gives up sooner, a program does not"
        ),
        Threshold("most", 5, "objects to tell; one grant often mends several"),
        Threshold("min_rollbacks", 50, "without the log: fewer rolled back transactions tell nothing"),
        Threshold("min_share", 0.2, "without the log: of all transactions; applications roll back a few by themselves"),
    ],
    needs_window=True,
)
_DENIED = Say(
    "{count:count} statement{count:|s} failed within 15 minutes: role {role} has no permission for {object}.",
    "15 分钟内有 {count:count} 条语句失败：角色 {role} 没有 {object} 的权限。",
)
_GAP = Say(
    "Role {role} cannot read {object}, though it reads {readable:count} other tables of that schema, and"
    " {share:percent} of the transactions were rolled back.",
    "角色 {role} 不能读取 {object}，却能读取同一模式下的其他 {readable:count} 张表；同时有 {share:percent}"
    " 的事务被回滚。",
)
_END = r"(?=\"| of relation | at character \d|$)"
"""Of a name, which the server writes as it is, blanks and all."""
DENIED = re.compile(
    r"permission denied for (?P<kind>table|view|sequence|schema|function|procedure|routine|column|relation"
    rf"|materialized view|foreign table|database|type|large object) \"?(?P<name>[^\"]+?){_END}"
    rf"|must be owner of (?P<owned>table|view|sequence|schema|function|index|relation) \"?(?P<thing>[^\"]+?){_END}"
    rf"|row-level security policy.* for table \"?(?P<policed>[^\"]+?){_END}"
)
_RELATIONS = {"table", "view", "relation", "materialized view", "foreign table"}


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    denied = [each for each in told_by_log(now, "permission") if each.is_recent]
    denied.sort(key=lambda each: -each.recent)
    for told in denied[: int(limits["most"])]:
        yield _of_log(told, now, limits)
    missing = list(log_not_read(now, CHECK.id))
    yield from missing
    if missing:
        yield from _by_rights(now, earlier, limits)


def _of_log(told: Told, now: Snapshot, limits: Limits) -> Finding:
    found = DENIED.search(told.message)
    kind = _word(found["kind"] or found["owned"] or "table") if found else "object"
    name = (found["name"] or found["thing"] or found["policed"]) if found else told.message[:80]
    gap = _gap(now, name) if kind == "table" else None
    shown = _place(now, name, gap, told.statement) if kind == "table" else name
    role = told.user or (gap.role_name if gap else None)
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if told.recent >= limits["warning_messages"] else Severity.INFO,
        shown, "table" if kind == "table" else "sequence" if kind == "sequence" else "database",
        _DENIED(count=told.recent, role=role or "?", object=shown),
        log_evidence([told]),
        details={
            "kind": kind, "name": name, "object": shown, "role": role, "statement": told.statement,
            "is_owner": bool(found and found["owned"]), "is_policy": bool(found and found["policed"]),
            "from_log": True, "message": told.message, "count": told.recent,
        },
        identity=f"{kind} {name} {role}",
    )  # fmt: skip


def _word(kind: str) -> str:
    return "table" if kind in _RELATIONS else kind


def _gap(now: Snapshot, table: str) -> PrivilegeGap | None:
    rows = now.get(PrivilegeGap)
    return None if isinstance(rows, Unavailable) else next((row for row in rows if row.table_name == table), None)


def _place(now: Snapshot, table: str, gap: PrivilegeGap | None, statement: str | None) -> str:
    """The table with its schema, where the statement or a reading knows it; the server's message names the table
    alone."""
    if gap:
        return qualified(gap.schema_name, gap.table_name)
    tree = parse_statement(statement, "postgresql") if statement else None
    named = (each.db for each in tree.find_all(exp.Table) if each.name == table and each.db) if tree is not None else ()
    schema = next(iter(named), None)
    return qualified(schema, table) if schema else known_tables(now).get(table) or quote_identifier(table)


def _by_rights(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    counted = failing(now, earlier)
    rows = now.get(PrivilegeGap)
    if counted is None or isinstance(rows, Unavailable) or not _many(counted, limits):
        return
    for row in rows[: int(limits["most"])]:
        shown = qualified(row.schema_name, row.table_name)
        yield Finding(
            CHECK.id, CHECK.item, Severity.WARNING, shown, "table",
            _GAP(role=row.role_name, object=shown, readable=row.readable_tables, share=counted.share),
            measured(
                PrivilegeGap,
                role=(row.role_name, "text"),
                owner=(row.owner_name, "text"),
                readable_tables=(row.readable_tables, "count"),
                unreadable_tables=(row.unreadable_tables, "count"),
            )
            + measured(
                TransactionCounters,
                rollbacks=(counted.rollbacks, "transactions"),
                rollback_share=(round(counted.share, 3), "share"),
            ),
            details={
                "kind": "table", "name": row.table_name, "object": shown, "role": row.role_name, "statement": None,
                "is_owner": False, "is_policy": False, "from_log": False, "message": None, "count": counted.rollbacks,
            },
            identity=f"table {row.table_name} {row.role_name}",
        )  # fmt: skip


def _many(counted: Failing, limits: Limits) -> bool:
    return counted.rollbacks >= limits["min_rollbacks"] and counted.share >= limits["min_share"]
