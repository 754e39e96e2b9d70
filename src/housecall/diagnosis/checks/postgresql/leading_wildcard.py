"""Hot statements that search with LIKE '%...'.

Why it matters: with an open beginning no B-tree can serve, so every row is compared.
How to fix: a trigram index (pg_trgm), full text search, or a pattern with a fixed beginning.
Cannot see: patterns in normalised text (LIKE $1); only where a run with its values was seen.
Source: PostgreSQL manual, "pg_trgm", Index Support.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._shapes import live_rows_of, severity_of, statement_finding
from housecall.diagnosis.checks.postgresql._statements import hot_statements, is_hot
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.leading_wildcard",
    item="slow_query_analysis",
    severity=Severity.WARNING,
    title=Say(en="LIKE with an open beginning", zh="LIKE 以通配符开头"),
    thresholds=[
        Threshold("min_share", 0.02, "of all statement time: less is not worth a change"),
        Threshold("min_seconds", 0.002, "mean time of a run: below it the table is small"),
        Threshold("warning_share", 0.1, "of all statement time: a tenth of the server's work is worth acting on"),
        Threshold("min_rows", 10_000, "a smaller table is read in under a few milliseconds"),
    ],
    needs_window=True,
)
_OPEN = Say(
    en="LIKE '{pattern}' on {column} compares every row, no B-tree serves an open beginning: {statement:code}.",
    zh="对 {column} 的 LIKE '{pattern}' 以通配符开头，B-tree 索引无法使用，只能逐行比较：{statement:code}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for statement in hot_statements(now, earlier):
        if not is_hot(statement, limits["min_share"], limits["min_seconds"]):
            continue
        for found in statement.shape.wildcards[:1]:
            if found.relation and live_rows_of(now, found.relation) >= limits["min_rows"]:
                yield statement_finding(
                    CHECK, statement, now, severity_of(statement, limits["warning_share"], limits["min_seconds"]),
                    _OPEN(pattern=found.pattern, column=f"{found.relation}.{found.column}", statement=statement.text),
                    relation=found.relation, column=found.column, pattern=found.pattern,
                )  # fmt: skip
