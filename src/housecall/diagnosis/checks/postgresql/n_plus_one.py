"""Statements that fetch or change one row by its key, very many times.

Why it matters: each call costs a round trip; a page that loads a hundred rows one by one waits a hundred times for
the network while
the database has next to nothing to do.
How to fix: fetch the rows together, with a join or = ANY ($1); most object mappers have a word for it (eager loading).
Changes go in batches: UPDATE ... FROM (VALUES ...) or unnest, and one COMMIT for many rows.
Cannot see: whether the calls come from one client in a loop or from many clients that want one row each.
Source: PostgreSQL manual, "pg_stat_statements".
"""

from collections.abc import Iterator

from housecall.advisor.statement import parse_statement, scopes
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._shapes import statement_finding
from housecall.diagnosis.checks.postgresql._statements import HotStatement, counted_seconds, hot_statements
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="postgresql.n_plus_one",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Single rows fetched in a loop", zh="循环逐行查询（N+1）"),
    thresholds=[
        Threshold("min_calls", 1_000, "fewer calls are ordinary traffic"),
        Threshold("min_calls_share", 0.3, "of all calls: below it the statement does not set the pace"),
        Threshold("max_mean_seconds", 0.001, "a lookup by key takes a fraction of a millisecond"),
        Threshold("max_rows", 1.05, "rows a call: one, or none now and then"),
        Threshold("min_calls_per_second", 5, "on average while counted: less is no loop that anybody waits for"),
    ],
    needs_window=True,
)
BY_KEY = ("SELECT", "UPDATE", "DELETE")
_CHANGES = Say(
    en="{calls:count} call{calls:|s} of {mean:duration} that change one row each, {share:percent} of all"
    " calls: {statement:code}.",
    zh="调用 {calls:count} 次，每次 {mean:duration} 只修改一行，占全部调用的 {share:percent}：{statement:code}。",
)
_LOOP = Say(
    en="{calls:count} call{calls:|s} of {mean:duration} that fetch one row each, {share:percent} of all"
    " calls: {statement:code}.",
    zh="调用 {calls:count} 次，每次 {mean:duration} 只取一行，占全部调用的 {share:percent}：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    all_calls = max((each.all_calls for each in now.rows(TopStatement)), default=0)
    age = counted_seconds(now)
    for statement in hot_statements(now, earlier):
        if is_loop(statement, all_calls, age, limits):
            share = (statement.calls or 0) / max(all_calls, 1)
            say = _LOOP if statement.kind == "SELECT" else _CHANGES
            yield statement_finding(
                CHECK, statement, now, Severity.NOTICE,
                say(calls=statement.calls, mean=statement.mean_seconds, share=share, statement=statement.text),
                calls_share=share, changes=statement.kind != "SELECT",
            )  # fmt: skip


def is_loop(statement: HotStatement, all_calls: int, age_seconds: float, limits: Limits) -> bool:
    calls, mean, rows = statement.calls or 0, statement.mean_seconds or 0.0, statement.rows_per_call or 0.0
    is_lookup = statement.kind in BY_KEY and fetches_by_key(statement) and 0 < rows <= limits["max_rows"]
    is_many = calls >= limits["min_calls"] and calls >= limits["min_calls_share"] * all_calls
    is_quick = mean <= limits["max_mean_seconds"]
    return is_lookup and is_many and is_quick and calls >= limits["min_calls_per_second"] * age_seconds


def fetches_by_key(statement: HotStatement) -> bool:
    """Whether one table is asked by equality: no join, no aggregate over many rows."""
    tree = parse_statement(statement.query, "postgresql")
    found = scopes(tree, "postgresql") if tree is not None else ()
    return (
        len(found) == 1
        and len(found[0].relations) == 1
        and any(each.kind == "equality" and each.elements == 1 for each in found[0].predicates)
    )
