"""Hot statements that look for rows by columns that no index leads with.

Why it matters: each call reads the whole table through the buffer pool and keeps a core busy; with the table it gets
slower.
How to fix: create the index named here; on InnoDB that is built in place while rows are read and written. An index that
is there but hidden from the optimizer is shown again instead.
Proof: the statement's conditions, the server's own plan, and the rows that the digest counted. Without plan and
counters it is said to be a guess, and no warning.
Cannot see: how a column's values are spread. A summary (COUNT, LIMIT) over a column that is likely to hold a few
values is no warning, since reading the table may be right.
Source: MySQL manual, "Statement Digest Summary Tables" and "Avoiding Full Table Scans".
"""

from collections.abc import Iterator
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._index_candidates import Proposal, proposals
from housecall.diagnosis.checks.mysql._measured import measured, table_name
from housecall.diagnosis.checks.mysql._shapes import statement_details, statement_evidence
from housecall.diagnosis.checks.mysql._statements import refused_plans, why_not_counted
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.rows.tables import LargeTableColumn
from housecall.wording import Say

CHECK = Check(
    id="mysql.missing_index",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Hot statements without an index", zh="缺少索引的热点语句"),
    thresholds=[
        Threshold("min_calls", 5, "what ran less often is somebody's report and not the load"),
        Threshold("min_seconds", 5.0, "of all its runs together: a statement that ran once for so long counts, too"),
        Threshold("warning_share", 0.05, "below a twentieth of the time the index is hygiene"),
        Threshold("warning_seconds", 0.002, "mean time of a run; a faster one hurts nobody yet"),
        Threshold("min_moments", 2, "looks at which a statement was seen; one may be a person's own query"),
        Threshold("min_rows", 1_000, "a table of a few pages is read faster whole than through an index"),
        Threshold("most", 5, "indexes to propose at once; build the best one and look again"),
    ],
    needs_window=True,
)
_LACKS = Say(
    en="{target} has no index that {statement:code} could use: a run looks at {before:count} row{before:|s} to find"
    " about {after:count}.",
    zh="{target} 上没有可供 {statement:code} 使用的索引：每次执行要查看 {before:count} 行才能找到约 {after:count} 行。",
)
_MAY_LACK = Say(
    en="{target} may lack an index: {statement:code} filters by it, but neither a plan nor counters speak for it.",
    zh="{target} 可能缺少索引：{statement:code} 按它过滤，但没有执行计划或计数器可以佐证。",
)
_UNSURE = Say(
    en="{statement:code} reads all of its table by {target}, which is likely to hold a few values: an index helps only"
    " if the value it asks for is rare.",
    zh="{statement:code} 按 {target} 读取整张表，而该列的取值可能很少：只有查询的值很罕见时索引才有用。",
)
_REFUSED = Say(
    "account '{user}' may not see the plans of {refused:count} of {statements:count} costly statements",
    "账号 '{user}' 看不到 {statements:count} 条高开销语句中 {refused:count} 条的执行计划",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    now.rows(LargeTableColumn)
    wanted = [
        each
        for each in proposals(now, earlier)
        if not each.has_expression
        and (each.misordered is None or each.hidden)
        and each.table.rows >= limits["min_rows"]
    ]
    for proposal in wanted[: int(limits["most"])]:
        yield proposal_finding(CHECK, proposal, now, limits, _LACKS)
    missing = why_not_counted(now, CHECK.id)
    if missing is not None:
        yield missing
    refused = refused_plans(now)
    if refused and not wanted:
        yield NotEvaluated(
            CHECK.id,
            _REFUSED(user=now.facts.user, refused=len(refused), statements=len(now.plans)),
            f"GRANT SELECT ON {quote_identifier(now.facts.database or 'shop')}.* TO {now.facts.user};",
        )


def target_of(proposal: Proposal) -> str:
    """`shop.orders(customer_id, created)`."""
    columns = ", ".join(quote_identifier(key) for key in proposal.keys)
    return f"{table_name(proposal.table.schema, proposal.table.name)}({columns})"


def is_supported(proposal: Proposal) -> bool:
    """Whether more than the text of a statement speaks for the index."""
    return proposal.seen_in_plan or proposal.is_counted


def is_grave(proposal: Proposal, limits: Limits) -> bool:
    """Whether the statements take a real share of the time, often and slowly enough for a person to act. One told by
    its window ran often before it got worse."""
    statement = proposal.hottest
    if proposal.share < limits["warning_share"]:
        return False
    if statement.calls is None:
        return statement.moments >= limits["min_moments"]
    is_often = (
        statement.of_window or statement.calls >= limits["min_calls"] or statement.seconds >= limits["min_seconds"]
    )
    return is_often and (statement.mean_seconds or 0.0) >= limits["warning_seconds"]


def _too_short(proposal: Proposal) -> dict[str, Any]:
    short = proposal.too_short
    if short is None:
        return {"short_index": None, "short_length": None}
    return {"short_index": short.index_name, "short_length": short.prefix_lengths[0]}


def proposal_finding(
    check: Check, proposal: Proposal, now: Snapshot, limits: Limits, say: Say, **more: object
) -> Finding:
    """The finding of a proposed index, with the statement that wants it most."""
    statement, target = proposal.hottest, target_of(proposal)
    benefit = proposal.candidate.benefit
    severity = Severity.WARNING if is_grave(proposal, limits) else Severity.NOTICE
    values = {name: str(value) for name, value in more.items()}
    message = say(
        target=target, statement=statement.text, before=benefit.rows_without, after=max(benefit.rows_with, 1), **values
    )
    if not is_supported(proposal):
        severity, message = Severity.INFO, _MAY_LACK(target=target, statement=statement.text)
    elif not proposal.narrows and not proposal.is_join:
        severity, message = Severity.INFO, _UNSURE(target=target, statement=statement.text)
    return Finding(
        check.id, check.item, severity, target, "column", message,
        statement_evidence(statement)
        + measured(
            LargeTableColumn,
            table_rows=(proposal.table.rows, "count"),
            plan_reads_it_whole=(proposal.seen_in_plan, "flag"),
        ),
        details={
            **statement_details(statement, now),
            "schema": proposal.table.schema, "table": proposal.table.name, "keys": proposal.keys,
            "column": proposal.keys[0], "share": proposal.share, "size_bytes": proposal.table.size_bytes,
            "live_rows": proposal.table.rows, "statements": [each.identity for each in proposal.statements],
            "seen_in_plan": proposal.seen_in_plan, "is_counted": proposal.is_counted, "is_join": proposal.is_join,
            "is_supported": is_supported(proposal), "narrows": proposal.narrows or proposal.is_join,
            "rows_without": benefit.rows_without, "rows_with": benefit.rows_with,
            "descending": [key.descending for key in proposal.candidate.key],
            "index_names": [index.index_name for index in proposal.table.all_indexes],
            "hidden_index": proposal.hidden, **_too_short(proposal),
            "is_over": all(each.is_over for each in proposal.statements), **more,
        },
    )  # fmt: skip
