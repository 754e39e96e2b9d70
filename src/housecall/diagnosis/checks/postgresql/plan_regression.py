"""Statements that read far more blocks, and take far longer, than they used to.

Why it matters: the same statement with the same work got another plan; it was quick for weeks and is slow today.
How to fix: look at its plan now; gather statistics; bring back the index or the setting that it used.
Cannot see: the plan that it had before: the server keeps none. A statement whose values fetch more rows than before
looks alike when the rows it returns do not tell (a count).
Source: common practice (twice the mean and 5 ms); blocks are compared too, since on a busy machine time alone lies.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import counterpart, measured
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
    thresholds=[
        Threshold("min_times", 2.5, "the mean of before; common practice takes 2, a window is shorter than a day"),
        Threshold("min_more_seconds", 0.005, "of mean time; common practice"),
        Threshold("min_times_blocks", 5, "blocks a call of before: another plan, not a busy machine or other values"),
        Threshold("min_calls_before", 50, "so that the mean of before means something"),
        Threshold("min_calls_now", 5, "in the window: a few calls with values that find much are chance"),
        Threshold("min_share_now", 0.1, "of all statement time of the window: a tenth of the work is worth acting on"),
    ],
    needs_window=True,
)
_SLOWER = Say(
    "{statement:code} takes {now:duration} and {blocks_now:count} blocks a call now, {before:duration} and"
    " {blocks_before:count} blocks on average before.",
    "{statement:code} 现在每次耗时 {now:duration}、读取 {blocks_now:count} 个数据块；以往平均为 {before:duration}、"
    "{blocks_before:count} 个数据块。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.get(TopStatement)
    if earlier is None or isinstance(rows, Unavailable):
        return
    statements = {each.query: each for each in hot_statements(now, earlier)}
    pairs = [(row, counterpart(row, earlier, lambda each: each.statement_id)) for row in rows if row.query != HIDDEN]
    spent = sum(row.total_seconds - before.total_seconds for row, before in pairs if before)
    for row, before in pairs:
        statement = statements.get(row.query)
        if before and statement and _is_slower(row, before, spent, limits):
            yield _finding(statement, row, before, spent, now)


def _is_slower(row: TopStatement, before: TopStatement, spent: float, limits: Limits) -> bool:
    calls = row.calls - before.calls
    if calls < limits["min_calls_now"] or before.calls < limits["min_calls_before"] or spent <= 0:
        return False
    seconds, seconds_before = (row.total_seconds - before.total_seconds) / calls, before.total_seconds / before.calls
    blocks, blocks_before = (_blocks(row) - _blocks(before)) / calls, _blocks(before) / before.calls
    rows, rows_before = (row.rows - before.rows) / calls, before.rows / before.calls
    return (
        seconds >= limits["min_times"] * seconds_before
        and seconds - seconds_before >= limits["min_more_seconds"]
        and blocks >= limits["min_times_blocks"] * max(blocks_before, 1.0)
        and rows <= 2 * max(rows_before, 1.0)
        and (row.total_seconds - before.total_seconds) / spent >= limits["min_share_now"]
    )


def _blocks(row: TopStatement) -> int:
    return row.blocks_hit + row.blocks_read


def _finding(statement: HotStatement, row: TopStatement, before: TopStatement, spent: float, now: Snapshot) -> Finding:
    calls = row.calls - before.calls
    seconds, seconds_before = (row.total_seconds - before.total_seconds) / calls, before.total_seconds / before.calls
    blocks, blocks_before = (_blocks(row) - _blocks(before)) / calls, _blocks(before) / before.calls
    finding = statement_finding(
        CHECK, statement, now, Severity.WARNING,
        _SLOWER(
            statement=statement.text, now=seconds, before=seconds_before, blocks_now=blocks, blocks_before=blocks_before
        ),
        now_seconds=seconds, before_seconds=seconds_before, now_blocks=blocks, before_blocks=blocks_before,
        share_now=(row.total_seconds - before.total_seconds) / spent,
    )  # fmt: skip
    more = measured(
        TopStatement,
        mean_time_in_window=(seconds, "seconds"),
        mean_time_before=(seconds_before, "seconds"),
        blocks_a_call_in_window=(round(blocks, 1), "blocks"),
        blocks_a_call_before=(round(blocks_before, 1), "blocks"),
        calls_in_window=(calls, "count"),
    )
    return Finding(
        finding.check, finding.item, finding.severity, finding.object, finding.object_kind, finding.message,
        finding.evidence + more, finding.details, finding.identity,
    )  # fmt: skip
