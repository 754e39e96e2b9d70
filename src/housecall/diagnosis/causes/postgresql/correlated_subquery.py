"""A scalar subquery runs once for each row of the outer query.

Explains the scans of its table and the index that only this statement asks for; that index is the first remedy, the
rewrite the second.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, index_remedy, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="correlated_subquery",
    title=Say(en="Subquery that runs for every row", zh="逐行执行的相关子查询"),
    checks=(
        "postgresql.correlated_subquery",
        "postgresql.missing_index",
        "postgresql.hot_sequential_scans",
        "postgresql.top_statements",
    ),
)
_SUMMARY = Say(
    en="A subquery on {inner} runs once for each row of the outer query.",
    zh="对 {inner} 的子查询按外层查询的每一行各执行一次。",
)
_REWRITE = Say(
    en="Rewrite it as one pass: JOIN (SELECT key, aggregate FROM {inner} GROUP BY key), or LATERAL",
    zh="改写为一次性计算：JOIN（SELECT 键，聚合 FROM {inner} GROUP BY 键），或使用 LATERAL",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.correlated_subquery"):
        details = finding.details
        wanted = [
            each
            for each in found.of("postgresql.missing_index")
            if set(each.details["statements"]) == {details["identity"]} and each.details["table"] in details["inner"]
        ]
        inner = ", ".join(details["inner"])
        scans = [
            each for each in found.of("postgresql.hot_sequential_scans") if each.details["table"] in details["inner"]
        ]
        remedies = tuple(index_remedy(each) for each in wanted[:1])
        tables = [name for name in details["tables"] if name.rpartition(".")[2] in details["inner"]]
        yield statement_cause(
            CAUSE.id, finding, found, _SUMMARY(inner=inner),
            (*remedies, application_change(_REWRITE(inner=inner))), confidence=0.9 if scans else 0.75,
            absorbs=[*wanted, *scans], object_name=tables[0] if tables else None,
        )  # fmt: skip
