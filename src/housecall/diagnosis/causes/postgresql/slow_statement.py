"""One statement takes most of the time of a PostgreSQL database, slowly, and nothing else that was found says why.

It is told, since "nothing is wrong" would be no answer to who waits for it, and it is a notice, since it may be the
work that the server is there for.
"""

from collections.abc import Iterator
from dataclasses import replace

from housecall.advisor.plan import Plan
from housecall.advisor.statement import parse_statement
from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._slow_statement import TITLE, WRITES, is_felt, slow_statement_cause
from housecall.diagnosis.causes._statement_forms import changes_all
from housecall.diagnosis.causes.postgresql._statement_causes import application_change
from housecall.diagnosis.checks.postgresql._statements import hot_statements, plan_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="unknown", title=TITLE, checks=("postgresql.top_statements", "postgresql.cache_hit", "postgresql.dead_tuples")
)
MIN_BLOCKS = 500
"""Of a write or a locking read a call, or of any while the machine is busy with other work (4 MB): with fewer it has
waited for others rather than worked."""
_WAITS = (
    "postgresql.blocked_sessions", "postgresql.hot_row", "postgresql.table_locks", "postgresql.advisory_locks",
    "postgresql.ddl_lock_queue",
)  # fmt: skip
"""What makes any statement slow, whatever it does."""
_MEASURE = Say(
    "Run EXPLAIN (ANALYZE, BUFFERS) with the application's values (in a transaction that is rolled back if it writes),"
    " and look for the step that takes the time",
    "用应用的实际参数执行 EXPLAIN（ANALYZE、BUFFERS 选项；写语句请放在会回滚的事务中），找出耗时的步骤",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    crowded = found.of("postgresql.external_load")
    if found.of(*_WAITS):
        return
    for finding in found.of("postgresql.top_statements"):
        tree = parse_statement(finding.details["query"], "postgresql")
        left = _left_by(finding, found) if changes_all(tree) else []
        other = (each for each in found.findings if each not in crowded and each not in left)
        if any(each.severity.rank >= Severity.WARNING.rank for each in other):
            continue
        if is_felt(finding, tree) and not _may_have_waited(finding, is_crowded=bool(crowded)):
            plan = _plan(finding, now)
            cause = slow_statement_cause(finding, tree, plan, application_change, _MEASURE())
            yield replace(cause, absorbs=tuple(each.fingerprint for each in (*_reads_of(plan, found), *left)))


def _left_by(finding: Finding, found: Found) -> list[Finding]:
    """What a statement that changes every row of a table leaves behind there: dead rows, and statistics of before."""
    left = found.of("postgresql.dead_tuples", "postgresql.stale_statistics")
    return [each for each in left if each.object in finding.details["tables"]]


def _reads_of(plan: Plan | None, found: Found) -> tuple[Finding, ...]:
    """A cache that misses: a table that a statement reads from end to end is not kept there when it is large."""
    reads_whole = plan is not None and any(node.kind == "full_scan" for node in plan.root.walk())
    return found.of("postgresql.cache_hit") if reads_whole else ()


def _may_have_waited(finding: Finding, *, is_crowded: bool) -> bool:
    """PostgreSQL counts the time that a statement waits for locks as its own, and that for a processor which others
    take."""
    details = finding.details
    locks = details["kind"] in WRITES or " for update" in details["text"].lower()
    return (locks or is_crowded) and (details["blocks_per_call"] or 0.0) < MIN_BLOCKS


def _plan(finding: Finding, now: Snapshot) -> Plan | None:
    own = (each for each in hot_statements(now, None) if each.identity == finding.details["identity"])
    return next((plan_of(each, now) for each in own), None)
