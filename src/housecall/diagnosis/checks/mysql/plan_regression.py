"""Statements that look at far more rows, and take far longer, than they used to.

Why it matters: the same statement with the same work got another plan; it was quick for weeks and is slow today.
How to fix: look at its plan now (EXPLAIN); ANALYZE TABLE; bring back the index or the setting that it used.
A warning where its calls read whole tables or join by no index and those of before did not, or where an index by one
of its columns is hidden from the optimizer. Else a notice, and for a summary (COUNT, SUM, GROUP BY) always: values that
find more look alike, and for a value that most rows have it is right to read the table.
A call that has not ended is told by how long it has been running and by the plan of now.
Cannot see: the plan that it had before: the server keeps none. Statements below the sixtieth by time.
Source: MySQL manual, "Statement Digest Summary Tables"; common practice (twice the mean and 5 ms); rows are compared
too, since on a busy machine time alone lies.
"""

from collections.abc import Iterator
from dataclasses import replace

from housecall.advisor.statement import parse_statement, scopes
from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._index_candidates import summarises
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.checks.mysql._shapes import statement_finding
from housecall.diagnosis.checks.mysql._statements import (
    WORSE,
    HotStatement,
    Worse,
    digest_key,
    hot_statements,
    overdue_statements,
    plan_of,
    table_of,
    worse_statements,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.indexes import LargeTableIndex
from housecall.engines.mysql.rows.sessions import Session
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="mysql.plan_regression",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say("Statements slower than they were", "语句比以往变慢"),
    thresholds=WORSE,
    needs_window=True,
)
MIN_SESSIONS = 2
"""Seen at the same slow statement: one may be a person with an unusual question."""
_SLOWER = Say(
    "{statement:code} takes {now:duration} and looks at {read_now:count} row{read_now:|s} a call now, {before:duration}"
    " and {read_before:count} on average before.",
    "{statement:code} 现在每次耗时 {now:duration}、查看 {read_now:count} 行；以往平均为 {before:duration}、"
    "{read_before:count} 行。",
)

_SCANS = Say(
    "{statement:code} takes {now:duration} a call now, {before:duration} on average before: it joins by no index, or"
    " reads whole tables, where it used an index.",
    "{statement:code} 现在每次耗时 {now:duration}，以往平均 {before:duration}：原来使用索引，"
    "现在连接时不用索引或读取整张表。",
)

_RUNNING = Say(
    "{statement:code} has been running for {now:duration}, where a call took {before:duration} on average by an index:"
    " its plan now reads a table from end to end.",
    "{statement:code} 已运行 {now:duration}，以往通过索引平均耗时 {before:duration}："
    "目前的执行计划从头到尾读取整张表。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(TopStatement)
    worse = worse_statements(now, earlier, limits)
    told = {(each.query, each.schema): each for each in hot_statements(now, earlier)} if worse else {}
    for each in worse.values():
        statement = told.get((each.row.query, each.row.schema_name))
        if statement is not None:
            yield _finding(statement, each, now)
    overdue = overdue_statements(now, limits)
    means = {digest_key(row): row.total_seconds / max(row.calls, 1) for row in now.rows(TopStatement)}
    for key, statement in overdue.items():
        if key not in worse:
            yield _overdue_finding(statement, means[key], now)


def _finding(statement: HotStatement, worse: Worse, now: Snapshot) -> Finding:
    change, hidden = worse.change, hidden_indexes(statement, now)
    is_sure = bool(hidden) or (worse.scans_more and not summarises(statement.sql))
    say = _SLOWER if worse.reads_more else _SCANS
    message = say(
        statement=statement.text, now=change.seconds, before=change.seconds_before, read_now=change.read,
        read_before=change.read_before,
    )  # fmt: skip
    finding = statement_finding(
        CHECK, _of_window(statement, worse), now,
        Severity.WARNING if is_sure else Severity.NOTICE, message, is_sure=is_sure, is_running=False,
        reads_more=worse.reads_more, scans_more=worse.scans_more, access=_access(statement, now),
        hidden=[(index.schema_name, index.table_name, index.index_name) for index in hidden], **change.details,
    )  # fmt: skip
    more = change.evidence(TopStatement.reading, "rows")
    if hidden:
        names = ", ".join(index.index_name for index in hidden)
        more += measured(LargeTableIndex, hidden_indexes=(names, "text"))
    return replace(finding, evidence=finding.evidence + more)


def _of_window(statement: HotStatement, worse: Worse) -> HotStatement:
    """The statement by the figures of the window, which are those that got worse."""
    change = worse.change
    return replace(
        statement, share=change.share, seconds=worse.row.total_seconds, calls=change.calls, mean_seconds=change.seconds,
        examined=change.read, returned=change.returned, of_window=True,
    )  # fmt: skip


def _overdue_finding(statement: HotStatement, mean: float, now: Snapshot) -> Finding:
    """Nothing of the running call is counted yet, so that time and plan are all there is. One session alone may have
    asked for a value that most rows have."""
    hidden = hidden_indexes(statement, now)
    is_sure = bool(hidden) or (statement.sessions >= MIN_SESSIONS and not summarises(statement.sql))
    finding = statement_finding(
        CHECK, statement, now, Severity.WARNING if is_sure else Severity.NOTICE,
        _RUNNING(statement=statement.text, now=statement.seconds, before=mean),
        reads_more=False, scans_more=True, is_sure=is_sure, is_running=True,
        access=_access(statement, now), now_seconds=statement.seconds, before_seconds=mean, now_read=0.0,
        before_read=0.0, share_now=statement.share,
        hidden=[(index.schema_name, index.table_name, index.index_name) for index in hidden],
    )  # fmt: skip
    more = measured(Session, running_for=(statement.seconds, "seconds"))
    return replace(
        finding, evidence=finding.evidence + more + measured(TopStatement, mean_time_before=(mean, "seconds"))
    )


def hidden_indexes(statement: HotStatement, now: Snapshot) -> list[LargeTableIndex]:
    """Indexes that begin with a column by which the statement finds rows, and that the optimizer may not use."""
    tree = parse_statement(statement.sql, "mysql")
    found: dict[tuple[str, str], LargeTableIndex] = {}
    for scope in scopes(tree, "mysql") if tree is not None else ():
        names = {relation.alias: relation.name for relation in scope.relations}
        for predicate in scope.predicates:
            table = table_of(now, statement, names.get(predicate.alias, ""))
            for index in table.hidden if table and predicate.expression is None else ():
                if index.columns and index.columns[0].lower() == predicate.column.lower():
                    found[index.table_name, index.index_name] = index
    return list(found.values())


def _access(statement: HotStatement, now: Snapshot) -> list[dict[str, object]]:
    """How the server would read each table now: its access type and index, of the plan where there is one."""
    plan = plan_of(statement, now)
    return [
        {"table": node.relation, "access": node.access, "index": node.index}
        for node in (plan.root.walk() if plan else ())
        if node.relation and node.access
    ]
