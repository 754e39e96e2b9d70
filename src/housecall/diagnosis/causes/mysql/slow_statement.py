"""One statement takes most of the time of MySQL or MariaDB, slowly, and nothing else that was found says why.

It is told, since "nothing is wrong" would be no answer to who waits for it, and it is a notice, since it may be the
work that the server is there for.
"""

from collections.abc import Iterator

from sqlglot import exp

from housecall.advisor.plan import Plan
from housecall.advisor.statement import parse_statement
from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._slow_statement import TITLE, WRITES, is_felt, slow_statement_cause
from housecall.diagnosis.causes.mysql._statement_causes import application_change, row_messages
from housecall.diagnosis.checks.mysql._statements import hot_statements, plan_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.guard.tables import tables_in
from housecall.engines.mysql.explainable import plain_digest
from housecall.wording import Say

CAUSE = CauseRule(id="unknown", title=TITLE, checks=("mysql.top_statements",))
MIN_EXAMINED_IN_VAIN = 50_000
"""Rows a call: some milliseconds of work, and hundreds of pages."""
MIN_EXAMINED_FOR_ONE = 1_000
"""Rows looked at for each that is returned: no index led to them."""
_WAITS = (
    "mysql.blocked_sessions", "mysql.hot_row", "mysql.table_lock_waits", "mysql.row_lock_time",
    "mysql.global_read_lock", "mysql.advisory_locks", "mysql.external_load",
)  # fmt: skip
"""What makes any statement slow, whatever it does."""
_SLOWS_WRITES = ("mysql.over_indexing", "mysql.unused_index", "mysql.duplicate_index")
_MEASURE = Say(
    "Run EXPLAIN ANALYZE (ANALYZE on MariaDB) with the application's values, and look for the step that takes the time",
    "用应用的实际参数执行 EXPLAIN ANALYZE（MariaDB 用 ANALYZE），找出耗时的步骤",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    if found.of(*_WAITS) or any(each.severity.rank >= Severity.WARNING.rank for each in found.findings):
        return
    for finding in found.of("mysql.top_statements"):
        tree = _tree(finding)
        if is_felt(finding, tree, in_vain=_is_in_vain(finding, tree)) and not _is_slowed_by_indexes(finding, found):
            plan = _plan(finding, now)
            yield slow_statement_cause(
                finding, tree, plan, application_change, _MEASURE(), row_messages(finding.details)
            )


def _is_in_vain(finding: Finding, tree: exp.Expr | None) -> bool:
    """Not where it returns a summary of what it looks at."""
    examined, returned = finding.details["examined"] or 0.0, max(1.0, finding.details["returned"] or 0.0)
    is_summary = tree is None or tree.find(exp.AggFunc, exp.Group, exp.Distinct) is not None
    return not is_summary and examined >= MIN_EXAMINED_IN_VAIN and examined / returned >= MIN_EXAMINED_FOR_ONE


def _tree(finding: Finding) -> exp.Expr | None:
    return parse_statement(plain_digest(finding.details["query"]), "mysql")


def _plan(finding: Finding, now: Snapshot) -> Plan | None:
    own = (each for each in hot_statements(now, None) if each.identity == finding.details["identity"])
    return next((plan_of(each, now) for each in own), None)


def _is_slowed_by_indexes(statement: Finding, found: Found) -> bool:
    """Whether it writes into a table that has indexes which nobody needs."""
    if statement.details["kind"] not in WRITES:
        return False
    tables = tables_in(plain_digest(statement.details["query"]), "mysql")
    return any(each.details["table"].lower() in tables for each in found.of(*_SLOWS_WRITES))
