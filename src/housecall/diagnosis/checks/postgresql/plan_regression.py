"""Statements that read far more blocks, and take far longer, than they used to.

Why it matters: the same statement with the same work got another plan; it was quick for weeks and is slow today.
How to fix: look at its plan now; gather statistics; bring back the index or the setting that it used.
Cannot see: the plan that it had before: the server keeps none. A statement whose values fetch more rows than before
looks alike when the rows it returns do not tell (a count).
Source: common practice (twice the mean and 5 ms); blocks are compared too, since on a busy machine time alone lies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks._regression import THRESHOLDS, Change, Cost, changes
from housecall.diagnosis.checks.postgresql._shapes import statement_finding
from housecall.diagnosis.checks.postgresql._statements import HIDDEN, HotStatement, hot_statements
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="postgresql.plan_regression",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say("Statements slower than they were", "语句比以往变慢"),
    thresholds=THRESHOLDS,
    needs_window=True,
)
_SLOWER = Say(
    "{statement:code} takes {now:duration} and {read_now:count} blocks a call now, {before:duration} and"
    " {read_before:count} blocks on average before.",
    "{statement:code} 现在每次耗时 {now:duration}、读取 {read_now:count} 个数据块；以往平均为 {before:duration}、"
    "{read_before:count} 个数据块。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.get(TopStatement)
    before = earlier.get(TopStatement) if earlier else ()
    if isinstance(rows, Unavailable) or isinstance(before, Unavailable) or not before:
        return
    texts = {row.statement_id: row.query for row in rows}
    statements = {each.query: each for each in hot_statements(now, earlier)}
    for statement_id, change in changes(_costs(rows), _costs(before)).items():
        statement = statements.get(texts[statement_id])
        if statement and change.is_worse(limits):
            yield _finding(statement, change, now)


def _costs(rows: Sequence[TopStatement]) -> dict[str, Cost]:
    return {
        row.statement_id: Cost(row.calls, row.total_seconds, row.blocks_hit + row.blocks_read, row.rows)
        for row in rows
        if row.query != HIDDEN
    }


def _finding(statement: HotStatement, change: Change, now: Snapshot) -> Finding:
    message = _SLOWER(
        statement=statement.text, now=change.seconds, before=change.seconds_before, read_now=change.read,
        read_before=change.read_before,
    )  # fmt: skip
    finding = statement_finding(CHECK, statement, now, Severity.WARNING, message, **change.details)
    return replace(finding, evidence=finding.evidence + change.evidence(TopStatement.reading, "blocks"))
