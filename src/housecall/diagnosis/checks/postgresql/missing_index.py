"""Hot statements that look for rows by columns that no index leads with.

Why it matters: each run reads the whole table, or most of it, to find a few rows.
How to fix: the index named, built concurrently.
Proof: the filter of the statement, the planner's statistics of the column, the counters of the table, and where the
snapshot holds
it the server's own plan. Without a plan it is an estimate, and said to be one.
Cannot see: the values a statement is called with; a rare value of a common column may want a partial index.
Source: PostgreSQL manual, "Indexes"; the estimate takes 1/n_distinct of pg_stats.
"""

from collections.abc import Iterator
from dataclasses import replace

from housecall.advisor.index import Candidate
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._index_candidates import (
    Proposal,
    built_already,
    hot_table,
    indexes_of,
    leaves_of,
    proposals,
)
from housecall.diagnosis.checks.postgresql._measured import measured, table_name
from housecall.diagnosis.checks.postgresql.hot_sequential_scans import CHECK as HOT_SCANS
from housecall.diagnosis.checks.postgresql.hot_sequential_scans import is_hot
from housecall.diagnosis.checks.postgresql.top_statements import why_not_counted
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.tables import HotColumn, HotTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.missing_index",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="Indexes that hot statements lack", zh="热点语句缺少索引"),
    thresholds=[
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("warning_seconds", 0.005, "mean time of a run; a faster one hurts nobody yet"),
        Threshold("min_rows", 10_000, "a smaller table is read in under a few milliseconds"),
        Threshold("most", 5, "indexes to propose at once; build the best one and look again"),
    ],
    needs_window=True,
)
_LACKS = Say(
    en="{target} has no index that {statement:code} could use: it looks at about {before:count}"
    " row{before:|s} to find about"
    " {after:count}.",
    zh="{target} 上没有可供 {statement:code} 使用的索引：为找到约 {after:count} 行要查看约 {before:count} 行。",
)

_REFUSED = Say(
    "role '{user}' may not see the plans of {refused:count} of {statements:count} costly statements, so missing indexes"
    " are estimated",
    "角色 '{user}' 看不到 {statements:count} 条高开销语句中 {refused:count} 条的执行计划，缺失的索引只能估算",
)

_MAY_LACK = Say(
    en="{target} may lack an index: {statement:code} filters by it, but no plan, no statistics of the column and no"
    " sequential scans speak for it.",
    zh="{target} 可能缺少索引：{statement:code} 按它过滤，但没有执行计划、列统计信息或全表扫描可以佐证。",
)
_SCANS = Limits(HOT_SCANS.thresholds)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    wanted = [
        each
        for each in proposals(now, earlier)
        if not each.has_expression and each.misordered is None and each.table.rows >= limits["min_rows"]
    ]
    for proposal in wanted[: int(limits["most"])]:
        yield _supported(proposal, proposal_finding(CHECK, proposal, now, limits, _LACKS))
    missing = why_not_counted(now, CHECK.id)
    if missing is not None and not wanted:
        yield missing
    refused = [each for each in now.plans if each.failure and "permission denied" in each.failure]
    if refused:
        yield NotEvaluated(
            CHECK.id,
            _REFUSED(user=now.facts.user, refused=len(refused), statements=len(now.plans)),
            grant("pg_read_all_data", now),
        )


def _supported(proposal: Proposal, finding: Finding) -> Finding:
    """The finding, but no warning and no row counts where nothing but the statement's text speaks for it: no plan, no
    statistics of the column, and no reading of the table from end to end.

    Where only the scans speak for it, an aggregate is no reason for a warning: one over most of the table is right to
    read all of it, and its result does not tell. A statement that returns its rows again and again wants few of them.
    Nor is an aggregate over a range whose ends nobody knows.
    """
    details = finding.details
    if proposal.is_guess:
        return replace(finding, severity=min(finding.severity, Severity.NOTICE, key=lambda each: each.rank))
    if details["seen_in_plan"] or details["has_statistics"]:
        return finding
    if details["is_scanned"]:
        finds_few = any(not each.shape.aggregates for each in proposal.statements)
        return (
            finding
            if finds_few
            else replace(finding, severity=min(finding.severity, Severity.NOTICE, key=lambda each: each.rank))
        )
    message = _MAY_LACK(target=finding.object, statement=details["text"])
    return replace(finding, severity=Severity.INFO, message=message)


def target_of(proposal: Proposal) -> str:
    """`public.orders(customer_id, created)`."""
    keys = [part.text if part.expression else quote_identifier(part.text) for part in proposal.candidate.key]
    return f"{table_name(proposal.candidate.schema, proposal.candidate.table)}({', '.join(keys)})"


def proposal_finding(
    check: Check, proposal: Proposal, now: Snapshot, limits: Limits, say: Say, **more: object
) -> Finding:
    """The finding of a proposed index, with the statement that wants it most."""
    statement = max(proposal.statements, key=lambda each: each.share)
    benefit = proposal.candidate.benefit
    table = hot_table(now, proposal.candidate.schema, proposal.candidate.table)
    leaves = leaves_of(now, proposal.candidate.schema, proposal.candidate.table)
    mean = statement.mean_lately
    is_grave = proposal.share >= limits["warning_share"] and (mean is None or mean >= limits["warning_seconds"])
    return Finding(
        check.id, check.item, Severity.WARNING if is_grave else Severity.NOTICE, target_of(proposal), "column",
        say(
            target=target_of(proposal), statement=statement.text, before=benefit.rows_without,
            after=max(benefit.rows_with, 1), table=table_name(table.schema_name, table.table_name),
            **{name: str(value) for name, value in more.items()},
        ),
        _evidence(proposal, table, now),
        details={
            "schema": table.schema_name, "table": table.table_name, "keys": proposal.keys,
            "columns": list(proposal.candidate.columns),
            "operator_classes": [k.operator_class for k in proposal.candidate.key],
            "descending": [key.descending for key in proposal.candidate.key],
            "method": proposal.candidate.method, "partners": [_partner(each) for each in proposal.candidate.partners],
            "policy": proposal.policy,
            "others": [{"name": each.name, "method": each.method} for each in proposal.others],
            "size_bytes": table.size_bytes, "live_rows": table.live_rows, "share": proposal.share,
            "statements": [each.identity for each in proposal.statements], "query": statement.query,
            "text": statement.text, "mean_seconds": statement.mean_seconds, "calls": statement.calls,
            "seen_in_plan": proposal.seen_in_plan,
            "has_plan": proposal.has_plan, "rows_without": benefit.rows_without, "rows_with": benefit.rows_with,
            "is_over": all(each.is_over for each in proposal.statements),
            "is_scanned": is_hot(table, _SCANS), "partitions": list(leaves),
            "has_statistics": any(row.distinct_values is not None for row in _columns(proposal, now)),
            "index_names": [index.name for index in (*proposal.table.indexes, *indexes_of(proposal.candidate, now))],
            "built": built_already(proposal.candidate, now),
            "correlated": bool(statement.shape.correlated), **more,
        },
    )  # fmt: skip


def _partner(candidate: Candidate) -> dict[str, object]:
    """An index that must stand beside the proposed one, in the words of the finding's own details."""
    return {
        "columns": list(candidate.columns), "operator_classes": [key.operator_class for key in candidate.key],
        "descending": [key.descending for key in candidate.key], "method": candidate.method,
    }  # fmt: skip


def _columns(proposal: Proposal, now: Snapshot) -> list[HotColumn]:
    names = {each.column for each in proposal.candidate.serves} | set(proposal.keys)
    schema, table = proposal.candidate.schema, proposal.candidate.table
    tables = (table, *leaves_of(now, schema, table))
    found = [
        row
        for row in now.rows(HotColumn)
        if row.schema_name == schema and row.table_name in tables and row.column_name in names
    ]
    return list({row.column_name: row for row in reversed(found)}.values())


def _evidence(proposal: Proposal, table: HotTable, now: Snapshot) -> tuple[Evidence, ...]:
    statement = max(proposal.statements, key=lambda each: each.share)
    evidence = measured(
        statement.reading,
        statement=(statement.query[:500], "text"),
        share_of_time=(round(proposal.share, 4), "share"),
        calls=(statement.calls, "count"),
        mean_time=(statement.mean_seconds, "seconds"),
        blocks_per_call=(statement.blocks_per_call and round(statement.blocks_per_call, 1), "number"),
    )
    evidence += measured(
        HotTable,
        live_rows=(table.live_rows, "count"),
        sequential_scans=(table.sequential_scans, "count"),
        sequential_rows=(table.sequential_rows, "count"),
        table_size=(table.size_bytes, "bytes"),
    )
    for row in _columns(proposal, now)[:3]:
        evidence += measured(HotColumn, **{f"distinct_values_of_{row.column_name}": (row.distinct_values, "number")})
    return tuple(each for each in evidence if each.value is not None)
